"""What each command of `staydown-hub` does; imported only when it is asked for, so that `--help` is there at once."""
