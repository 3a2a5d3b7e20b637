"""One invocation of `python -m src.sweep`: what is opened, the loop that drives the trials, and what is told at its end."""
