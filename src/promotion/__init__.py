"""Challenger against champion: the only place that opens the test split."""
