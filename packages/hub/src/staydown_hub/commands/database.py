"""The database for a command: DATABASE_URL's, else our own, running as long as the command does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from staydown_hub.config import environment
from staydown_hub.embedded_postgres import embedded_postgres


@contextmanager
def database() -> Iterator[None]:
    """Have a database, and Django set up to use it. A server that is running already is shared."""
    with embedded_postgres(environment.home() / "postgres") as database_url:
        os.environ["DATABASE_URL"] = database_url
        import django  # noqa: PLC0415 -- reads DATABASE_URL as it is set up

        django.setup()
        try:
            yield
        finally:
            from django.db import connections  # noqa: PLC0415 -- the same

            connections.close_all()
