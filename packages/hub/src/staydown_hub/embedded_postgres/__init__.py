"""The database that needs no setting up: a PostgreSQL of our own, or the one that DATABASE_URL names.

    with embedded_postgres(Path("/srv/staydown/postgres")) as database_url:
        ...

Several processes share one server; it ends with the last of them, however that one ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from staydown_hub.embedded_postgres.errors import (
    AccountError,
    EmbeddedPostgresError,
    NoBinariesError,
    PlacementError,
    StartError,
    StopError,
)
from staydown_hub.embedded_postgres.removal import remove
from staydown_hub.embedded_postgres.sharing import RunningPostgres, start

__all__ = [
    "AccountError",
    "EmbeddedPostgresError",
    "NoBinariesError",
    "PlacementError",
    "RunningPostgres",
    "StartError",
    "StopError",
    "embedded_postgres",
    "remove",
    "start",
]


@contextmanager
def embedded_postgres(home: Path) -> Iterator[str]:
    """Give the address of the database to use: DATABASE_URL where that is set, else that of a server in `home`.

    Raises an EmbeddedPostgresError that says what to do.
    """
    if database_url := os.environ.get("DATABASE_URL"):
        yield database_url
        return
    running = start(home)
    try:
        yield running.database_url
    finally:
        running.stop()
