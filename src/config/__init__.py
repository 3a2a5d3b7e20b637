"""The command line before Hydra sees it: what was asked, what conf/ offers, and every mistake, told at once."""
