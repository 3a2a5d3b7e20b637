"""Imports a user's existing work: a KerasTuner script, or the results of other tools."""
