"""The process that serves the lists' entries and pushes them live. It reads PostgreSQL itself; Django is not loaded."""
