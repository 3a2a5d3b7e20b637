"""The command line of `python -m src.sweep`: what conf/ offers, what the user requests, and all mistakes at once."""
