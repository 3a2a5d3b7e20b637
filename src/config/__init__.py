"""Reads conf/, sweeps/ and the command line of `python -m src.sweep`, and reports all mistakes at once."""
