"""What is sensitive, encrypted at rest: each record with a key of its own, wrapped by a ring outside the database."""
