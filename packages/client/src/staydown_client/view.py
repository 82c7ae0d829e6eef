"""A reader's view of a folder's list: always what the syncing process committed last."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakSet

from staydown_match import MAX_DISTANCE_BITS, MIN_QUALITY, IndexFileError

from staydown_client.clock import moment_now
from staydown_client.errors import FolderError
from staydown_client.snapshot import Outdated, Snapshot
from staydown_client.store import connect, damage_named, read_gone, read_items, read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from staydown_match import Fingerprints

    from staydown_client.clock import Moment
    from staydown_client.decide import Hit
    from staydown_client.entries import ExactAlgorithm
    from staydown_client.store import Refusal

LIVE_S: Final = 60.0
"""Whoever follows confirms more often than this; after it the process is taken to be gone."""

_TRIES: Final = 20
# SQLite's connections must not cross a fork, not even to be closed: a child keeps its parent's here, unused.
_INHERITED: list[object] = []
_VIEWS: WeakSet[ListView] = WeakSet()
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found: all of it from the same commit.

    `caught_up_at` is when the hub last confirmed that nothing newer exists, in seconds since 1970 by the present clock
    (minus infinity when no clock can tell); None while the list was never received whole.
    """

    position: int
    caught_up_at: float | None
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What was found for many fingerprints: pairs of a query's row and an entry that it met."""

    position: int
    caught_up_at: float | None
    exact_hits: list[tuple[int, Hit]]
    near_hits: list[tuple[int, Hit]]


@dataclass(frozen=True, slots=True)
class ListStatus:
    """How the list stands. `live_since` (seconds since 1970): since when it has been followed without falling behind.

    `refusal` says that the hub's list is refused at present, and why; the list verified before stays in force.
    """

    position: int
    caught_up_at: float | None
    items: int
    live_since: float | None
    refusal: Refusal | None


class ListView:
    """May be used by any number of threads, and goes on working in a forked child.

    The lock is held only to look whether something was committed, and to take that in: searches run side by side.
    """

    def __init__(self, path: Path, *, list_name: str) -> None:
        """Open the store of one list; raise `FolderError` when it cannot be used."""
        self._path = path
        self._list_name = list_name
        self._inherited = False
        self._closed = False
        self._version = 0
        self._lock = threading.Lock()
        self._begin_anew()
        _VIEWS.add(self)

    def close(self) -> None:
        """Give the store up."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def look(self, fingerprints: Fingerprints, *, min_quality: int = MIN_QUALITY, variants: bool = True) -> Looked:
        """Return what the list holds against these fingerprints, on the list as it is at this moment.

        Perceptual hashes of a quality under `min_quality` are passed over; with `variants` turned, mirrored and
        inverted copies are found, too.
        """
        digests: tuple[tuple[ExactAlgorithm, str], ...] = (
            ("sha256", fingerprints.sha256),
            ("sha1", fingerprints.sha1),
            ("md5", fingerprints.md5),
        )

        def search(snapshot: Snapshot) -> tuple[Hit, ...]:
            exact = [hit for name, digest in digests for hit in snapshot.exact_hits(name, bytes.fromhex(digest))]
            near = snapshot.near_hits(fingerprints.pdq, min_quality=min_quality, variants=variants)
            return (*exact, *near)

        position, caught_up_at, hits = self._searched(search)
        return Looked(position, caught_up_at, hits)

    def look_up(
        self,
        exact: Sequence[tuple[ExactAlgorithm, bytes]],
        hashes: NDArray[np.uint8],
        *,
        max_distance_bits: int = MAX_DISTANCE_BITS,
        variants: bool = False,
    ) -> LookedUp:
        """Return what the list holds against digests and near hashes, uint8 (m, 32), of any number of files.

        With `variants` turned, mirrored and inverted copies are found, too; it takes about ten times as long.
        """

        def search(snapshot: Snapshot) -> tuple[list[tuple[int, Hit]], list[tuple[int, Hit]]]:
            near = snapshot.many_near_hits(hashes, max_distance_bits=max_distance_bits, variants=variants)
            return snapshot.many_exact_hits(exact), near

        position, caught_up_at, (exact_hits, near_hits) = self._searched(search)
        return LookedUp(position, caught_up_at, exact_hits, near_hits)

    def status(self) -> ListStatus:
        """Return how the list stands."""
        with self._lock:
            self._follow()
            state = self._state
            return ListStatus(
                position=state.size - 1,
                caught_up_at=_caught_up_at(state.confirmed),
                items=len(self._snapshot),
                live_since=state.live_since_s if state.confirmed and _is_young(state.confirmed) else None,
                refusal=state.refusal,
            )

    def after_fork(self) -> None:
        """Mark what a child got from its parent; the lock may be held by a thread that the child does not have."""
        self._inherited = True
        self._lock = threading.Lock()

    def _searched(self, search: Callable[[Snapshot], Found]) -> tuple[int, float | None, Found]:
        for _ in range(_TRIES):
            with self._lock:
                self._follow()
                snapshot, state = self._snapshot, self._state
            try:
                return state.size - 1, _caught_up_at(state.confirmed), search(snapshot)
            except Outdated:
                continue
            except IndexFileError as error:
                raise FolderError(f"{self._path.parent}: the index of the list is damaged. {error}") from error
        raise FolderError(f"{self._path} holds a base that does not fit its index; make a new folder and sync it.")

    def _follow(self) -> None:
        """See to it that the snapshot is that of the last commit."""
        if self._closed:
            raise FolderError("This filter was closed: open it again.")
        if self._inherited:
            _INHERITED.append((self._connection, self._snapshot))
            self._begin_anew()
            self._inherited = False
        elif self._read_file_id() != self._file_id:
            # Another file took its name; the old one would never change again.
            self._connection.close()
            self._begin_anew()
        with damage_named(self._path):
            version = self._read_version()
            if version != self._version:
                self._refresh()
                self._version = version

    def _begin_anew(self) -> None:
        self._file_id = self._read_file_id()
        self._connection = connect(self._path, list_name=self._list_name, for_writing=False)
        try:
            with damage_named(self._path):
                self._version = self._read_version()
                self._open_snapshot()
        except BaseException:
            self._connection.close()
            raise

    def _open_snapshot(self) -> None:
        """Read all; the base may be replaced while it is being opened."""
        for tries_left in reversed(range(_TRIES)):
            with self._reading():
                state = read_state(self._connection)
                try:
                    snapshot = Snapshot(self._path.parent, state.base)
                except FolderError:
                    if tries_left:
                        continue
                    raise
                since = 0 if state.base is None else state.base.size
                snapshot.change(read_items(self._connection, since=since), read_gone(self._connection, since=since))
                if state.base is None:
                    snapshot.index.compact()  # what was there from the start is searched most quickly
                self._snapshot, self._state = snapshot, state
                return

    def _refresh(self) -> None:
        with self._reading():
            state = read_state(self._connection)
            if state.base == self._snapshot.named:
                since = self._state.size
                if state.size != since:
                    said, gone = read_items(self._connection, since=since), read_gone(self._connection, since=since)
                    self._snapshot.change(said, gone)
                self._state = state
                return
        self._open_snapshot()

    def _read_version(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _read_file_id(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - made for each look; Path.stat takes twice as long
        except OSError as error:
            raise FolderError(f"{self._path} cannot be read: {error.strerror}.") from error
        return found.st_dev, found.st_ino

    @contextmanager
    def _reading(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")


def _caught_up_at(confirmed: Moment | None) -> float | None:
    return None if confirmed is None else time.time() - confirmed.age_s(moment_now())


def _is_young(confirmed: Moment) -> bool:
    return confirmed.age_s(moment_now()) <= LIVE_S


def _after_fork() -> None:
    for view in _VIEWS:
        view.after_fork()


os.register_at_fork(after_in_child=_after_fork)
