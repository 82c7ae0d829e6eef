"""`python -m staydown_hub`: the same as the command `staydown-hub`."""

from staydown_hub.cli import main

main()
