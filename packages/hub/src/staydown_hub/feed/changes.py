"""Hears of new entries by LISTEN/NOTIFY on one connection and wakes whoever waits for that list."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from psycopg import AsyncConnection, Error

CHANNEL: Final = "staydown_entries"
_FIRST_WAIT_S: Final = 0.2
_LONGEST_WAIT_S: Final = 5.0
_log = logging.getLogger(__name__)


class Changes:
    """Counts, for each list, how often something may have changed; waiting for a higher count misses nothing.

    A waiter holds a number, not a queue: however slow it is, it costs no memory here and reads from the database what
    it has not sent yet.
    """

    def __init__(self) -> None:
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._news = asyncio.Condition()

    def count(self, slug: str) -> int:
        """Return the list's count; take it before reading the database."""
        return self._counts[slug]

    async def wait_beyond(self, slug: str, count: int, *, timeout_s: float) -> bool:
        """Wait until the list's count is beyond `count`; return False when that did not happen in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._news:
                await self._news.wait_for(lambda: self._counts[slug] > count)
        return self._counts[slug] > count

    async def announce(self, slugs: set[str] | None = None) -> None:
        """Wake those who wait for these lists, or everyone."""
        async with self._news:
            for slug in set(self._counts) if slugs is None else slugs:
                self._counts[slug] += 1
            self._news.notify_all()

    @asynccontextmanager
    async def listening(self, conninfo: str) -> AsyncIterator[None]:
        """Listen in the background, connecting again whenever the connection is lost."""
        task = asyncio.create_task(self._listen_for_ever(conninfo))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen_for_ever(self, conninfo: str) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}".encode())
                    wait_s = _FIRST_WAIT_S
                    await self.announce()  # whatever was said while nobody listened
                    async for notice in connection.notifies():
                        await self.announce({notice.payload.rpartition(":")[0]})
            except (Error, OSError) as error:
                # The type alone: a message could repeat the database's address.
                _log.warning("The database cannot be listened to (%s); trying again.", type(error).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
