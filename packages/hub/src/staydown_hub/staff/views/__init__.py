"""The pages, a module for each place."""
