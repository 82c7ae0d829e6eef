"""The web process: pages and API over WSGI."""

import importlib
import os
from argparse import Namespace
from typing import Final

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server

from staydown_hub.commands.lifeline import tie_forks
from staydown_hub.config import environment
from staydown_hub.config.logs import server_logging_settings
from staydown_hub.embedded_postgres import embedded_postgres

# As many as granian holds sensible, kept while idle because each holds its database connection.
_THREADS: Final = min(8, 2 * (os.cpu_count() or 1) + 1)
_THREAD_IDLE_S: Final = 600
_STOP_TIMEOUT_S: Final = 10


def run(asked: Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    address = environment.address("STAYDOWN_WEB_ADDRESS", "127.0.0.1:8600")
    with embedded_postgres(environment.home() / "postgres") as database_url:
        os.environ["DATABASE_URL"] = database_url
        importlib.import_module("staydown_hub.config.settings")  # a bad setting is said here, once, in one line
        tie_forks()  # only from here on: the database is not tied to us
        Server(
            "staydown_hub.config.wsgi:application",
            address=address.host,
            port=address.port,
            interface=Interfaces.WSGI,
            workers=asked.workers,
            blocking_threads=_THREADS,
            blocking_threads_idle_timeout=_THREAD_IDLE_S,
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig=server_logging_settings("INFO"),
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_TIMEOUT_S,
            log_access=False,
        ).serve()
    return 0
