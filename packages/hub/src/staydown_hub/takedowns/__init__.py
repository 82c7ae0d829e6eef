"""Requests for removal: one per sighting and recipient, from notice to verified gone."""
