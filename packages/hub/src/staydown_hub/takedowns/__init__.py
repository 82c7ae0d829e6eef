"""Asking for removal: one request a sighting and recipient, its notices, and checks until the item is gone."""
