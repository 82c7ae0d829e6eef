"""A list in memory: its base, mapped, and what came after it; searched by any number of threads while it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from staydown_match import HammingIndex, PdqHash, find_variants
from staydown_match.variants import variants_of

from staydown_client.base.files import Base, Said
from staydown_client.decide import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from staydown_client.base.files import BaseName
    from staydown_client.entries import ExactAlgorithm
    from staydown_client.store import ItemRow

_FEW: Final = 8
_AT_ONCE: Final = 10_000


class Outdated(Exception):  # noqa: N818 - no error: the list changed under a search, which is then made again
    """What was found is no longer there; the list has changed since."""


class Snapshot:
    """Items in force. One thread at a time may call `change`; searches need no lock.

    What came after the base is known by the position that said it, what is in the base by that of its admission, which
    is smaller. A change adds before it removes: a search beside it may find both what was and what is, never neither.
    """

    def __init__(self, folder: Path, base: BaseName | None) -> None:
        """Open the base; raise `FolderError` when it is missing or damaged."""
        self._base = None if base is None else Base(folder, base)
        self._base_size = 0 if base is None else base.size
        self.named = base
        self.index = HammingIndex() if self._base is None else self._base.open_index()
        self._items: dict[int, Said] = {}
        self._values: dict[int, tuple[bytes, ...]] = {}
        self._exact: dict[bytes, tuple[int, ...]] = {}
        self._hidden: set[int] = set()

    def __len__(self) -> int:
        in_base = 0 if self._base is None else len(self._base)
        return in_base - len(self._hidden) + len(self._items)

    def change(self, said: Iterable[ItemRow], gone: Iterable[tuple[int, int]]) -> None:
        """Take in what was said since the last change, then give up what ceased to be in force since."""
        batch: list[ItemRow] = []
        for row in said:
            batch.append(row)
            if len(batch) == _AT_ONCE:
                self._add(batch)
                batch = []
        self._add(batch)
        self._give_up(gone)

    def exact_hits(self, algorithm: ExactAlgorithm, value: bytes) -> Iterator[Hit]:
        """Yield the entries that list exactly this digest; raise `Outdated` when one went away meanwhile."""
        for key in self._exact.get(value, ()):
            yield _hit(self._said(key), algorithm, 0)
        if self._base is not None:
            for row in self._base.exact(algorithm).find(value):
                said = self._base.said_of(row)
                if said.admitted_at not in self._hidden:
                    yield _hit(said, algorithm, 0)

    def many_exact_hits(self, values: Sequence[tuple[ExactAlgorithm, bytes]]) -> list[tuple[int, Hit]]:
        """Return pairs of a row of `values` and an entry that lists that digest."""
        if len(values) <= _FEW or self._base is None:
            return [(row, hit) for row, (name, value) in enumerate(values) for hit in self.exact_hits(name, value)]
        found = [
            (row, _hit(self._said(key), name, 0))
            for row, (name, value) in enumerate(values)
            for key in self._exact.get(value, ())
        ]
        for algorithm in dict.fromkeys(name for name, _ in values):
            rows = [row for row, (name, _) in enumerate(values) if name == algorithm]
            digests = np.frombuffer(b"".join(values[row][1] for row in rows), np.uint8).reshape(len(rows), -1)
            for query, place in zip(*self._base.exact(algorithm).find_many(digests), strict=True):
                said = self._base.said_of(int(place))
                if said.admitted_at not in self._hidden:
                    found.append((rows[int(query)], _hit(said, algorithm, 0)))
        return found

    def near_hits(self, hashes: Sequence[PdqHash], *, min_quality: int, variants: bool) -> list[Hit]:
        """Return the entries near any of one file's hashes, each with its nearest; `variants`: also if turned."""
        if variants:
            matches = find_variants(self.index, hashes, min_quality=min_quality)
            return [_hit(self._said(match.key), "pdq", match.distance_bits) for match in matches]
        good = [pdq.bits for pdq in hashes if pdq.quality >= min_quality]
        if not good:
            return []
        found = self.index.search(rows_of(good), best_per_key=True)
        nearest: dict[int, int] = {}
        for key, distance_bits in zip(found.key.tolist(), found.distance_bits.tolist(), strict=True):
            nearest[key] = min(distance_bits, nearest.get(key, distance_bits))
        return [_hit(self._said(key), "pdq", distance_bits) for key, distance_bits in nearest.items()]

    def many_near_hits(
        self, hashes: NDArray[np.uint8], *, max_distance_bits: int, variants: bool
    ) -> list[tuple[int, Hit]]:
        """Return pairs of a row of `hashes`, uint8 (m, 32), and an entry near that hash, or near it turned."""
        if not len(hashes):
            return []
        asked = turned(hashes) if variants else hashes
        each = len(asked) // len(hashes)
        found = self.index.search(asked, max_distance_bits, best_per_key=True)
        nearest: dict[tuple[int, int], int] = {}
        for query, key, distance_bits in zip(
            (found.query // each).tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True
        ):
            nearest[query, key] = min(distance_bits, nearest.get((query, key), distance_bits))
        return [(query, _hit(self._said(key), "pdq", bits)) for (query, key), bits in nearest.items()]

    def _said(self, key: int) -> Said:
        said = self._items.get(key)
        if said is not None:
            return said
        row = None if self._base is None or key in self._hidden else self._base.row_of(key)
        if row is None or self._base is None:
            raise Outdated
        return self._base.said_of(row)

    def _add(self, rows: list[ItemRow]) -> None:
        if not rows:
            return
        for row in rows:
            self._items[row.changed_at] = Said(row.admitted_at, row.label, row.frames)
            self._values[row.changed_at] = tuple(value for _, value in row.exact)
            for _, value in row.exact:
                self._exact[value] = (*self._exact.get(value, ()), row.changed_at)
        counts = [len(row.pdq) // 32 for row in rows]
        keys = np.repeat(np.array([row.changed_at for row in rows], dtype=np.uint64), counts)
        self.index.add(keys, np.frombuffer(b"".join(row.pdq for row in rows), np.uint8).reshape(-1, 32))

    def _give_up(self, gone: Iterable[tuple[int, int]]) -> None:
        keys = []
        for admitted_at, changed_at in gone:
            if changed_at < self._base_size:
                self._hidden.add(admitted_at)
                keys.append(admitted_at)
            elif changed_at in self._items:
                for value in self._values.pop(changed_at):
                    self._forget(value, changed_at)
                del self._items[changed_at]
                keys.append(changed_at)
        if keys:
            self.index.remove(np.array(keys, dtype=np.uint64))

    def _forget(self, value: bytes, key: int) -> None:
        left = tuple(other for other in self._exact.get(value, ()) if other != key)
        if left:
            self._exact[value] = left
        else:
            self._exact.pop(value, None)


def rows_of(hashes: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return hashes of 32 bytes as uint8 (n, 32)."""
    return np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), 32)


def turned(hashes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return all variants of each hash (see `variants_of`), those of one after those of another."""
    whole = [PdqHash(bits=row.tobytes(), quality=100) for row in hashes]
    return np.concatenate([variants_of(each) for each in whole])


def _hit(said: Said, algorithm: ExactAlgorithm | str, distance_bits: int) -> Hit:
    categories, advice = said.label
    return Hit(said.admitted_at, categories, advice, algorithm, distance_bits)  # type: ignore[arg-type]  # one of ours
