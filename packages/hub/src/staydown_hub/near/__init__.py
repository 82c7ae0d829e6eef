"""The process that holds every stored PDQ hash in an index, and says which of them are near to one asked for."""
