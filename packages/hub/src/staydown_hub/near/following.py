"""Every stored PDQ hash in an index, made complete again whenever it is asked.

Before each search whatever was committed since the last one is read, so an answer misses nothing that was committed
when the question came. Fingerprints are never taken away, so reading what is new is all there is to do.
"""

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Self

import numpy as np
import psycopg
from numpy.typing import NDArray  # noqa: TC002 -- beside numpy, which is loaded anyway
from staydown_match import MAX_DISTANCE_BITS, MIN_QUALITY, HammingIndex

from staydown_hub.near.wire import HASH_BYTES

_ROWS_A_FETCH: Final = 50_000
# A key can be given out a moment before its transaction has a number: so many are read again beside what is new.
_READ_AGAIN: Final = 1000
# Of a hash that is stored very often, such as a title's, these are enough to find its oldest items.
_MOST_OF_ONE: Final = 2000
_HORIZON: Final = """
    SELECT pg_snapshot_xmin(now_seen)::text::bigint, pg_snapshot_xmax(now_seen)::text::bigint,
        coalesce((SELECT last_value FROM pg_sequences WHERE sequencename = 'fingerprint_id_seq'), 0)
    FROM pg_current_snapshot() AS now_seen
"""
_FRESH: Final = "SELECT id, value FROM fingerprint WHERE id > %s AND algorithm = 'pdq' AND quality >= %s ORDER BY id"
_RAISED: Final = """
    SELECT r.id, f.id, f.value FROM fingerprint_raised r JOIN fingerprint f ON f.id = r.fingerprint_id
    WHERE r.id > %s ORDER BY r.id
"""


@dataclass(slots=True)
class _Settled:
    """Up to which key every transaction has ended that could still write one."""

    key: int = 0
    waiting: deque[tuple[int, int]] = field(default_factory=deque)

    def look(self, *, oldest_running: int, next_transaction: int, last_key: int) -> None:
        while self.waiting and self.waiting[0][0] <= oldest_running:
            self.key = max(self.key, self.waiting.popleft()[1] - _READ_AGAIN)
        if not self.waiting or self.waiting[-1][1] != last_key:
            self.waiting.append((next_transaction, last_key))


class Following:
    """The index over one database; safe to use from any thread."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.Connection[Any] | None = None
        self._index = HammingIndex()
        self._settled = _Settled()
        self._taken: set[int] = set()
        self._raised: set[int] = set()
        self._is_begun = False
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the connection up."""
        self._disconnect()

    def __len__(self) -> int:
        return len(self._index)

    def catch_up(self) -> None:
        """Take in whatever was committed. Raises psycopg's error when the database does not answer."""
        with self._lock:
            try:
                self._take_in()
            except psycopg.Error:
                # The next one begins with a connection of its own.
                self._disconnect()
                raise

    def near(self, hashes: bytes) -> list[tuple[int, int]]:
        """Return (place, fingerprint's key) for all stored hashes near these, nearest first for each place."""
        self.catch_up()
        asked = np.frombuffer(hashes, np.uint8).reshape(-1, HASH_BYTES)
        found = self._index.search(asked, MAX_DISTANCE_BITS)
        rows: list[tuple[int, int]] = []
        place, told = -1, 0
        for query, key in zip(found.query.tolist(), found.key.tolist(), strict=True):
            place, told = (place, told + 1) if query == place else (query, 1)
            if told <= _MOST_OF_ONE:
                rows.append((query, key))
        return rows

    def _disconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _take_in(self) -> None:
        if self._connection is None:
            self._connection = psycopg.connect(self._conninfo, autocommit=True)
        # First how far all is settled, then the rows: what is committed in between is read once more the next time.
        after = self._settled.key
        self._look()
        if not self._is_begun:
            self._look()  # where nobody writes just now, what was stored before need not be remembered key by key
        raised = self._connection.execute(_RAISED, [max(self._raised, default=0) - _READ_AGAIN]).fetchall()
        with self._connection.transaction(), self._connection.cursor("fresh", binary=True) as cursor:
            cursor.itersize = _ROWS_A_FETCH
            cursor.execute(_FRESH, [after, MIN_QUALITY])
            while rows := cursor.fetchmany(_ROWS_A_FETCH):
                self._add([(key, value) for key, value in rows if key not in self._taken])
        # What had been raised before the first reading was read with the rest.
        fresh = raised if self._is_begun else []
        self._add([(key, bytes(value)) for number, key, value in fresh if self._is_new(number, key)])
        self._raised |= {number for number, _, _ in raised}
        self._taken = {key for key in self._taken if key > self._settled.key}
        self._is_begun = True

    def _is_new(self, number: int, key: int) -> bool:
        return number not in self._raised and key not in self._taken

    def _look(self) -> None:
        horizon = self._connection.execute(_HORIZON).fetchone() if self._connection else None
        if horizon:
            self._settled.look(oldest_running=horizon[0], next_transaction=horizon[1], last_key=horizon[2])

    def _add(self, rows: list[tuple[int, bytes]]) -> None:
        if not rows:
            return
        keys: NDArray[np.uint64] = np.array([key for key, _ in rows], np.uint64)
        self._index.add(keys, np.frombuffer(b"".join(value for _, value in rows), np.uint8).reshape(-1, HASH_BYTES))
        self._taken.update(key for key, _ in rows if key > self._settled.key)
