"""The worker process: it sends mails and makes checks, from the queue in the database."""

import asyncio
from argparse import Namespace
from typing import Final

from staydown_hub.commands.database import database

_CONCURRENT_JOBS: Final = 4
# New jobs are told by the database at once; this is for those that were written for a later time.
_POLL_S: Final = 1.0
# A check or a mail that is under way may end; what is cut off is found again by the sweep.
_STOP_TIMEOUT_S: Final = 10.0


def run(_asked: Namespace) -> int:
    """Work until SIGTERM or SIGINT."""
    with database():
        asyncio.run(_work())
    return 0


async def _work() -> None:
    from procrastinate.contrib.django import app  # noqa: PLC0415 -- after Django is set up
    from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415 -- the same

    connector = app.connector
    if isinstance(connector, DjangoConnector):
        connector = connector.get_worker_connector()
    working = app.with_connector(connector)
    async with working.open_async():
        await working.run_worker_async(
            concurrency=_CONCURRENT_JOBS,
            fetch_job_polling_interval=_POLL_S,
            delete_jobs="successful",
            shutdown_graceful_timeout=_STOP_TIMEOUT_S,
            install_signal_handlers=True,
        )
