"""The near process: all stored PDQ hashes in an index, for the registry of this machine. Django is not loaded in it."""

import logging.config
import os
import signal
import threading
from argparse import Namespace

from staydown_hub.commands.printing import say
from staydown_hub.config import environment
from staydown_hub.config.logs import logging_settings
from staydown_hub.embedded_postgres import embedded_postgres
from staydown_hub.near.following import Following
from staydown_hub.near.places import socket_path
from staydown_hub.near.server import NearServer


def run(_asked: Namespace) -> int:
    """Read what is stored, then answer until SIGTERM or SIGINT."""
    logging.config.dictConfig(logging_settings("INFO"))
    path = socket_path()
    with embedded_postgres(environment.home() / "postgres") as database_url:
        os.environ["DATABASE_URL"] = database_url
        with Following(database_url) as following:
            following.catch_up()  # before anybody can ask: who asks meanwhile is told at once that nobody is there
            with NearServer(path, following) as server:
                for number in (signal.SIGTERM, signal.SIGINT):
                    # From a thread of its own: the server's loop is the one that this interrupts.
                    signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
                say(f"near match is ready: {len(following)} hashes")
                server.serve_forever()
        path.unlink(missing_ok=True)
    return 0
