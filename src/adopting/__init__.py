"""Brings what a user has: a script of KerasTuner, and the results of other tools."""
