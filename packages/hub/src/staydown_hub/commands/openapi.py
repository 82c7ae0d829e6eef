"""The API's description from the command line; it needs no database."""

import os
import sys
from argparse import Namespace
from pathlib import Path


def run(asked: Namespace) -> int:
    """Print the description, or write it to a file."""
    # Django wants a database named and a key; nothing is asked of the one or signed with the other.
    os.environ.setdefault("STAYDOWN_SECRET_KEY", "unused: only the API's description is printed")
    import django  # noqa: PLC0415 -- only for this command

    django.setup()
    from staydown_hub.api.openapi import text  # noqa: PLC0415 -- after Django is set up

    if asked.out:
        Path(asked.out).write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())
    return 0
