"""The command `staydown`: one module for each of its commands, loaded when that command runs."""
