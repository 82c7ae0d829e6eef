"""Figures to account for the work."""
