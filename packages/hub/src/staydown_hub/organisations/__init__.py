"""The organisations that act here, their people, and the keys of their programs."""
