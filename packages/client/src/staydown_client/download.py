"""A stretch of the log, fetched: full bundles side by side into the folder, none of them twice, then the tail.

What is here is still unverified. A process killed on the way finds its bundles again. They are kept only while they
take little of the room that there is: the list itself needs it more, and whoever signs the list decides how long it is.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Final

from staydown_client.errors import FolderError, HubUnavailableError, LogRefusedError
from staydown_client.feed import BUNDLE_RECORDS, Feed, unpack_records
from staydown_client.stopping import Stopping
from staydown_client.transport import Packed, Transport

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from staydown_client.feed import Records
    from staydown_client.key import ApiKey

FOLDER_NAME: Final = "incoming"
_AT_ONCE: Final = 4
_AHEAD: Final = 12
LEAST_FREE_BYTES: Final = 512 * 1024 * 1024
_ROOM_FOR_THE_LIST: Final = 2
"""So many times what is kept has to stay free beside it: the list that is made of it takes about as much, and more."""
_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Download:
    """Fetches stretches of one list from the feed at one address."""

    def __init__(self, folder: Path, address: str, key: ApiKey, *, list_name: str) -> None:
        """Keep bundles below `folder` until `forget`."""
        self._kept = folder / FOLDER_NAME
        self._address = address
        self._key = key
        self._list = list_name
        self._stopping = Stopping()
        self._kept_bytes = 0
        self._counting = threading.Lock()
        self.used_kept = False

    def records(self, start: int, stop: int) -> Iterator[Records]:
        """Yield the records at positions `start` to `stop`, in order; raise a `HubError` when they cannot be had."""
        position = start
        numbers = range(start // BUNDLE_RECORDS, stop // BUNDLE_RECORDS)
        if stop - start > BUNDLE_RECORDS and numbers:
            with closing(self._bundles(numbers)) as bundles:
                for number, packed in bundles:
                    records = unpack_records(packed)
                    if (records.first, len(records)) != (number * BUNDLE_RECORDS, BUNDLE_RECORDS):
                        raise LogRefusedError("The hub's bundle is not the one that was asked for.", problem="garbage")
                    yield records.part(position, stop)
                    position = (number + 1) * BUNDLE_RECORDS
        with self._stopping.breaks_off(Transport(self._address, self._key)) as transport:
            feed = Feed(transport, list_name=self._list)
            while position < stop and not self._stopping.is_set:
                records = feed.tail(after=position - 1)
                if records.first != position or not len(records):
                    raise LogRefusedError(
                        f"The hub does not give the entry at position {position}, which its checkpoint counts.",
                        problem="garbage",
                    )
                yield records.part(position, stop)
                position += len(records)

    def stop(self) -> None:
        """End early; may be called from any thread."""
        self._stopping.set()

    def forget(self) -> None:
        """Remove the bundles that were kept."""
        shutil.rmtree(self._kept, ignore_errors=True)
        self._kept_bytes, self.used_kept = 0, False

    def _bundles(self, numbers: range) -> Generator[tuple[int, Packed]]:
        self._make_room()
        own = threading.local()
        resources = ExitStack()

        def connect() -> None:
            transport = Transport(self._address, self._key)
            own.transport = resources.enter_context(self._stopping.breaks_off(transport))

        def fetch(number: int) -> Packed:
            return self._kept_bundle(number) or self._keep(number, Feed(own.transport, list_name=self._list))

        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="staydown-bundles", initializer=connect)
        waiting: deque[tuple[int, Future[Packed]]] = deque()
        try:
            for number in numbers:
                waiting.append((number, pool.submit(fetch, number)))
                if len(waiting) > _AHEAD:
                    yield self._first_of(waiting)
            while waiting:
                yield self._first_of(waiting)
        finally:
            pool.shutdown(cancel_futures=True)
            resources.close()

    def _first_of(self, waiting: deque[tuple[int, Future[Packed]]]) -> tuple[int, Packed]:
        number, future = waiting.popleft()
        if self._stopping.is_set:
            raise HubUnavailableError("The sync was stopped while the list was being fetched.")
        return number, future.result()

    def _make_room(self) -> None:
        try:
            self._kept.mkdir(mode=0o700, exist_ok=True)
            self._kept_bytes = sum(path.stat().st_size for path in self._kept.iterdir())
        except OSError as error:
            raise FolderError(f"{self._kept} cannot be made: {error.strerror}.") from error

    def _kept_bundle(self, number: int) -> Packed | None:
        for ending, is_compressed in ((".zst", True), (".sdb", False)):
            try:
                data = (self._kept / f"{number}{ending}").read_bytes()
            except OSError:
                continue
            self.used_kept = True
            return Packed(data, is_compressed=is_compressed)
        return None

    def _keep(self, number: int, feed: Feed) -> Packed:
        """Fetch a bundle, and keep it as long as that leaves room: without it the sync only cannot go on from there."""
        packed = feed.bundle(number)
        path = self._kept / f"{number}{'.zst' if packed.is_compressed else '.sdb'}"
        part = path.with_suffix(".part")
        try:
            if self._has_room_for(len(packed.data)):
                _write_whole(part, packed.data)
                part.rename(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            if error.errno not in _NO_ROOM:
                raise FolderError(f"{path} cannot be written: {error.strerror}.") from error
        return packed

    def _has_room_for(self, size_bytes: int) -> bool:
        with self._counting:
            kept_bytes = self._kept_bytes + size_bytes
            if shutil.disk_usage(self._kept).free < LEAST_FREE_BYTES + _ROOM_FOR_THE_LIST * kept_bytes:
                return False
            self._kept_bytes = kept_bytes
            return True


def _write_whole(path: Path, data: bytes) -> None:
    """Bring `data` to the disk itself: the name that it takes next stands for a whole bundle."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
