"""One follower's stream: what it has not received yet, then each entry as it comes, with a heartbeat between."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from staydown_hub.feed.access import still_may_follow
from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database, Entry, ListRow
from staydown_hub.feed.tail import Tail

_DATABASE_WAIT_S: Final = 0.5
HEARTBEAT: Final = b": you have all there is\n\n"


@dataclass(slots=True)
class Stream:
    """Yields the bytes of one follower's events until it may no longer follow, or the process stops."""

    database: Database
    changes: Changes
    tail: Tail
    shared_list: ListRow
    key_prefix: str
    position: int
    stopping: asyncio.Event
    heartbeat_s: float

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield what follows the position; every heartbeat looks at the key again, so a revoked one ends the stream.

        While the database is away there is nothing to yield; the stream waits for it to come back.
        """
        checked_at = time.monotonic()
        while not self.stopping.is_set():
            count = self.changes.count(self.shared_list.slug)
            try:
                if time.monotonic() - checked_at >= self.heartbeat_s:
                    if not await still_may_follow(self.database, prefix=self.key_prefix, slug=self.shared_list.slug):
                        return
                    checked_at = time.monotonic()
                entries = await self.tail.entries(self.shared_list, after=self.position)
            except (DatabaseError, PoolTimeout):
                await asyncio.sleep(_DATABASE_WAIT_S)
                continue
            if entries:
                yield b"".join(map(as_event, entries))
                self.position = entries[-1].position
                continue
            yield HEARTBEAT
            remaining_s = max(0.0, checked_at + self.heartbeat_s - time.monotonic())
            await self.changes.wait_beyond(self.shared_list.slug, count, timeout_s=remaining_s)


def as_event(entry: Entry) -> bytes:
    """Return one server-sent event; the entry's text has no line break, so it is one data line."""
    return f"id: {entry.position}\nevent: entry\ndata: {entry.as_json()}\n\n".encode()
