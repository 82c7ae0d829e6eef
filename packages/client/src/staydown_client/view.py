"""A reader's view of a folder's list: always what the syncing process committed last, indexed in memory."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

import numpy as np
from staydown_match import MAX_DISTANCE_BITS, MIN_QUALITY, HammingIndex, PdqHash, find_variants

from staydown_client.decide import Hit
from staydown_client.errors import FolderError
from staydown_client.store import connect, damage_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from staydown_match import Fingerprints

    from staydown_client.entries import Advice, ExactAlgorithm
    from staydown_client.verdict import Algorithm

_LOAD_ROWS: Final = 50_000
_HIT_COLUMNS: Final = "item.position, item.categories, item.advice, item.frames"
# SQLite's connections must not cross a fork, not even to be closed: a child keeps its parent's here, unused.
_INHERITED: list[object] = []
_VIEWS: WeakSet[ListView] = WeakSet()


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found: all of it from the same commit."""

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


class ListView:
    """May be used by any number of threads, and goes on working in a forked child."""

    def __init__(self, path: Path, *, list_name: str) -> None:
        """Open the store of one list; raise `FolderError` when it cannot be used."""
        self._path = path
        self._list_name = list_name
        self._inherited = False
        self._lock = threading.Lock()
        self._begin_anew()
        _VIEWS.add(self)

    def close(self) -> None:
        """Give the store up."""
        with self._lock:
            self._connection.close()

    def look(self, fingerprints: Fingerprints, *, min_quality: int = MIN_QUALITY, variants: bool = True) -> Looked:
        """Return what the list holds against these fingerprints, on the list as it is at this moment.

        Perceptual hashes of a quality under `min_quality` are passed over; with `variants` turned, mirrored and
        inverted copies are found, too.
        """
        with self._lock, damage_named(self._path):
            self._follow_fork()
            self._follow_replacement()
            with self._snapshot():
                self._refresh()
                hits = (*self._exact_hits(fingerprints), *self._near_hits(fingerprints, min_quality, variants=variants))
                return Looked(position=self._position, caught_up_at=self._caught_up_at, hits=hits)

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
        with self._lock, damage_named(self._path):
            self._follow_fork()
            self._follow_replacement()
            with self._snapshot():
                self._refresh()
                exact_hits = [
                    (row, hit) for row, query in enumerate(exact) for hit in self._hits_of_digest(query[0], query[1])
                ]
                near_hits = list(self._hits_of_hashes(hashes, max_distance_bits, variants=variants))
                return LookedUp(self._position, self._caught_up_at, exact_hits, near_hits)

    def after_fork(self) -> None:
        """Mark what a child got from its parent; the lock may be held by a thread that the child does not have."""
        self._inherited = True
        self._lock = threading.Lock()

    def _begin_anew(self) -> None:
        self._file_id = self._read_file_id()
        self._connection = connect(self._path, list_name=self._list_name, for_writing=False)
        self._index = HammingIndex()
        self._version: int | None = None
        self._last_key = self._last_removed = 0
        self._position = -1
        self._caught_up_at: float | None = None
        try:
            with damage_named(self._path), self._snapshot():
                self._refresh()
                self._index.compact()  # what was there from the start is searched most quickly, and in least memory
        except BaseException:
            self._connection.close()
            raise

    def _read_file_id(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise FolderError(f"{self._path} cannot be read: {error.strerror}.") from error
        return found.st_dev, found.st_ino

    def _follow_fork(self) -> None:
        if self._inherited:
            _INHERITED.append((self._connection, self._index))
            self._begin_anew()
            self._inherited = False

    def _follow_replacement(self) -> None:
        """Open the file anew when another one took its name; the old one would never change again."""
        if self._read_file_id() != self._file_id:
            self._connection.close()
            self._begin_anew()

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _refresh(self) -> None:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._version:
            return
        self._add_new()
        self._remove_gone()
        self._position, self._caught_up_at = self._connection.execute(
            "SELECT position, caught_up_at FROM state"
        ).fetchone()
        self._version = version

    def _add_new(self) -> None:
        rows = self._connection.execute("SELECT key, bits FROM pdq WHERE key > ? ORDER BY key", (self._last_key,))
        while batch := rows.fetchmany(_LOAD_ROWS):
            keys = np.array([key for key, _ in batch], dtype=np.uint64)
            self._index.add(keys, _as_rows([bits for _, bits in batch]))
            self._last_key = batch[-1][0]

    def _remove_gone(self) -> None:
        rows = self._connection.execute(
            "SELECT seq, key FROM removed WHERE seq > ? ORDER BY seq", (self._last_removed,)
        ).fetchall()
        if rows:
            self._index.remove(np.array([key for _, key in rows], dtype=np.uint64))
            self._last_removed = rows[-1][0]

    def _exact_hits(self, fingerprints: Fingerprints) -> Iterator[Hit]:
        digests: tuple[tuple[Algorithm, str], ...] = (
            ("sha256", fingerprints.sha256),
            ("sha1", fingerprints.sha1),
            ("md5", fingerprints.md5),
        )
        for algorithm, digest in digests:
            yield from self._hits_of_digest(algorithm, bytes.fromhex(digest))

    def _hits_of_digest(self, algorithm: Algorithm, digest: bytes) -> Iterator[Hit]:
        rows = self._connection.execute(
            f"SELECT {_HIT_COLUMNS} FROM exact JOIN item ON item.id = exact.item "  # noqa: S608 - a constant
            "WHERE exact.value = ? AND exact.algorithm = ?",
            (digest, algorithm),
        )
        for row in rows:
            yield _hit(row, algorithm=algorithm, distance_bits=0)

    def _hits_of_hashes(
        self, hashes: NDArray[np.uint8], max_distance_bits: int, *, variants: bool
    ) -> Iterator[tuple[int, Hit]]:
        for row in range(len(hashes)) if variants else ():
            query = PdqHash(bits=hashes[row].tobytes(), quality=100)
            for match in find_variants(self._index, [query], max_distance_bits=max_distance_bits):
                yield row, self._hit_of_key(match.key, match.distance_bits)
        if not variants and len(hashes):
            found = self._index.search(hashes, max_distance_bits, best_per_key=True)
            for row, key, bits in zip(
                found.query.tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True
            ):
                yield row, self._hit_of_key(key, bits)

    def _near_hits(self, fingerprints: Fingerprints, min_quality: int, *, variants: bool) -> Iterator[Hit]:
        good = [pdq for pdq in fingerprints.pdq if pdq.quality >= min_quality]
        met: dict[int, set[float | None]] = {}
        hits: list[Hit] = []
        for key, distance_bits, found_by in self._near_keys(good, variants=variants):
            hits.append(self._hit_of_key(key, distance_bits))
            met.setdefault(hits[-1].position, set()).update(good[place].at_s for place in found_by)
        for hit in hits:
            yield replace(hit, frames_met=len(met[hit.position]))

    def _near_keys(self, good: list[PdqHash], *, variants: bool) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Yield each key that is near, with its least distance and the places of the hashes that found it."""
        if variants:
            for match in find_variants(self._index, good):
                yield match.key, match.distance_bits, match.found_by
        elif good:
            found = self._index.search(_as_rows([pdq.bits for pdq in good]))
            of_key: dict[int, list[tuple[int, int]]] = {}
            for query, key, bits in zip(
                found.query.tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True
            ):
                of_key.setdefault(key, []).append((bits, query))
            for key, pairs in of_key.items():
                yield key, min(pairs)[0], [query for _, query in pairs]

    def _hit_of_key(self, key: int, distance_bits: int) -> Hit:
        row = self._connection.execute(
            f"SELECT {_HIT_COLUMNS} FROM pdq JOIN item ON item.id = pdq.item "  # noqa: S608 - a constant
            "WHERE pdq.key = ?",
            (key,),
        ).fetchone()
        return _hit(row, algorithm="pdq", distance_bits=distance_bits)


def _after_fork() -> None:
    for view in _VIEWS:
        view.after_fork()


os.register_at_fork(after_in_child=_after_fork)


def _as_rows(hashes: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), -1)


def _hit(row: tuple[int, str, Advice, int], *, algorithm: Algorithm, distance_bits: int) -> Hit:
    position, categories, advice, frames = row
    return Hit(position, tuple(categories.split()), advice, algorithm, distance_bits, frames_listed=frames)
