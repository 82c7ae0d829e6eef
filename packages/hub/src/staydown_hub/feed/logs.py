"""All lists' logs of this process: opened as lists are found, and their streams looked at once a heartbeat."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from staydown_hub.feed.access import is_usable, receives
from staydown_hub.feed.answers import RefusedError
from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database, KeyRow, ListRow
from staydown_hub.feed.served import Sealing, ServedLog
from staydown_hub.feed.streams import Stream

_AGAIN_S: Final = 0.5
# A follower that takes nothing for so long is cut off; it comes back with Last-Event-ID and misses nothing.
_SEND_TIMEOUT_S: Final = 30.0
# A log is open at once, unless its files have to be made again from millions of entries.
_OPENING_S: Final = 10.0
# A platform's filters share a key; one that was let loose must not take the places of all others.
MAX_STREAMS_OF_KEY: Final = 2000
_log = logging.getLogger(__name__)


class Logs:
    """The logs by their lists' slugs, and the streams that follow them."""

    def __init__(
        self, database: Database, changes: Changes, sealing: Sealing, *, requests: Database, heartbeat_s: float
    ) -> None:
        self._database = database
        self._requests = requests
        self._changes = changes
        self._sealing = sealing
        self._heartbeat_s = heartbeat_s
        self._logs: dict[str, ServedLog] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: set[Stream] = set()
        self._is_looked_for = False
        self._begun_at = time.monotonic()

    def called(self, slug: str) -> ServedLog | None:
        """Return the list's log, or None when this process has not found the list yet."""
        return self._logs.get(slug)

    @property
    def is_opened(self) -> bool:
        """Whether every list was looked at: each is served, or it was said why not, or it takes its time."""
        is_late = time.monotonic() - self._begun_at > _OPENING_S
        return self._is_looked_for and (is_late or all(one.state != "opening" for one in self._logs.values()))

    @property
    def is_signing(self) -> bool:
        """Whether every list's log goes on."""
        return all(one.state == "serving" for one in self._logs.values())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the logs up."""
        beating = asyncio.create_task(self._beat_for_ever())
        try:
            yield
        finally:
            tasks = [beating, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def check_room(self, key_prefix: str) -> None:
        """Refuse with 429 when this key has as many streams open as one may have."""
        if sum(stream.key_prefix == key_prefix for stream in self._streams) >= MAX_STREAMS_OF_KEY:
            message = f"This key has {MAX_STREAMS_OF_KEY} streams open: close some, or use one more key."
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_streams", message)

    @asynccontextmanager
    async def following(self, stream: Stream) -> AsyncIterator[None]:
        """Have the stream end when its key or its list says so."""
        self._streams.add(stream)
        try:
            yield
        finally:
            self._streams.discard(stream)

    def end_streams(self) -> None:
        """End every stream: its follower connects again, elsewhere or to the next process."""
        for stream in self._streams:
            stream.is_ended = True
        for one in self._logs.values():
            one.wake()

    async def _beat_for_ever(self) -> None:
        while True:
            try:
                await self._beat()
            except (DatabaseError, PoolTimeout):
                # No heartbeat: nobody knows whether a follower has all there is.
                await asyncio.sleep(_AGAIN_S)
            except Exception as error:  # noqa: BLE001 -- without it no key that is revoked would end its streams any more
                _log.error("The streams were not looked at, for a reason that was not foreseen.", exc_info=error)
                await asyncio.sleep(self._heartbeat_s)
            else:
                await asyncio.sleep(self._heartbeat_s)

    async def _beat(self) -> None:
        lists = {one.slug: one for one in await self._database.lists()}
        for slug in lists.keys() - self._logs.keys():
            self._open(lists[slug])
        self._is_looked_for = True
        keys = await self._database.keys({stream.key_prefix for stream in self._streams})
        for stream in self._streams:
            key, shared_list = keys.get(stream.key_prefix), lists.get(stream.log.slug)
            stream.is_ended |= not _may_follow(key, shared_list)
            _cut_off_if_stuck(stream)
        for one in self._logs.values():
            one.beat()

    def _open(self, shared_list: ListRow) -> None:
        made = ServedLog(
            shared_list,
            database=self._database,
            requests=self._requests,
            changes=self._changes,
            sealing=self._sealing,
        )
        self._logs[shared_list.slug] = made
        task = asyncio.create_task(made.run())
        task.add_done_callback(_say_if_failed)
        self._tasks.append(task)


def _may_follow(key: KeyRow | None, shared_list: ListRow | None) -> bool:
    return key is not None and shared_list is not None and is_usable(key) and receives(key, shared_list)


def _cut_off_if_stuck(stream: Stream) -> None:
    # Looked at from here: a time-out of its own for each sending would cost a fifth of the whole.
    is_stuck = stream.sending_since is not None and time.monotonic() - stream.sending_since > _SEND_TIMEOUT_S
    if is_stuck and stream.pushing:
        stream.pushing.cancel()


def _say_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("A list's log is not kept up any more.", exc_info=error)
