"""Shared lists: append-only logs of what filters refuse."""
