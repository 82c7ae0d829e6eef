"""A witness: a party that follows a list's log and countersigns only what continues what it signed before."""
