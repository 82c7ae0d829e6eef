"""What a platform keeps for itself beside the list: silenced entries, floods, and what waits to be told to the hub."""
