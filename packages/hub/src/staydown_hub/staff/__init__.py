"""Pages for the people of the organisations."""
