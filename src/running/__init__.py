"""One invocation of `python -m src.sweep`: what it opens, the loop over the trials, and the report at its end."""
