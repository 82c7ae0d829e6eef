"""`python -m staydown_client`: the command `staydown`."""

import sys

from staydown_client.cli.main import main

sys.exit(main())
