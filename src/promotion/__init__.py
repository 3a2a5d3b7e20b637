"""Compares a challenger with the champion. The only package that opens the test split."""
