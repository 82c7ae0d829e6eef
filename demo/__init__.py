"""The whole loop played on one machine: organisations, platforms, a host and their mail around a real hub."""
