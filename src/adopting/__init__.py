"""Brings what a user has: old results as finished trials of a new study."""
