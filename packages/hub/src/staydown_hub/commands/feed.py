"""The feed process: the lists for filters. Django is not loaded in it."""

import os
from argparse import Namespace

from staydown_hub.commands.lifeline import tie_forks
from staydown_hub.config import environment
from staydown_hub.embedded_postgres import embedded_postgres
from staydown_hub.feed.server import serve


def run(_asked: Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    address = environment.address("STAYDOWN_FEED_ADDRESS", "127.0.0.1:8601")
    with embedded_postgres(environment.home() / "postgres") as database_url:
        os.environ["DATABASE_URL"] = database_url
        tie_forks()  # only from here on: the database is not tied to us
        serve(address)
    return 0
