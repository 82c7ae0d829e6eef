"""The bulk of a list on disk: immutable, mapped into memory, its pages shared by every process that filters."""
