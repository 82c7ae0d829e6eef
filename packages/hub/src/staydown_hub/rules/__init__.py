"""Decisions as plain Python: no Django, no database, nothing to start before a test."""
