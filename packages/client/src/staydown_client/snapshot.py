"""A list in memory: its base, mapped, and what came after it; searched by any number of threads while it changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from staydown_match import HammingIndex, PdqHash, find_variants
from staydown_match.variants import variants_of

from staydown_client.base.files import Base, Said
from staydown_client.base.table import NUMBER_BITS, near_key
from staydown_client.decide import Hit
from staydown_client.entries import PDQ_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from staydown_client.base.files import BaseName
    from staydown_client.entries import ExactAlgorithm
    from staydown_client.store import ItemRow
    from staydown_client.verdict import Algorithm

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
        """Return the entries' hashes near any of one file's, each with its least distance; `variants`: also if turned.

        Of a file with frames each hit says how many of them met its entry.
        """
        good = [pdq for pdq in hashes if pdq.quality >= min_quality]
        met: dict[int, set[float | None]] = {}
        hits: list[Hit] = []
        for key, distance_bits, found_by in self._near_keys(good, variants=variants):
            hits.append(self._near_hit(key, distance_bits))
            met.setdefault(hits[-1].position, set()).update(good[place].at_s for place in found_by)
        return [replace(hit, frames_met=len(met[hit.position])) for hit in hits]

    def _near_keys(self, good: list[PdqHash], *, variants: bool) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Yield each key that is near, with its least distance and the places of the hashes that found it."""
        if variants:
            for match in find_variants(self.index, good):
                yield match.key, match.distance_bits, match.found_by
        elif good:
            found = self.index.search(rows_of([pdq.bits for pdq in good]))
            of_key: dict[int, list[tuple[int, int]]] = {}
            for query, key, bits in zip(
                found.query.tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True
            ):
                of_key.setdefault(key, []).append((bits, query))
            for key, pairs in of_key.items():
                yield key, min(pairs)[0], [query for _, query in pairs]

    def many_near_hits(
        self, hashes: NDArray[np.uint8], *, max_distance_bits: int, variants: bool
    ) -> list[tuple[int, Hit]]:
        """Return pairs of a row of `hashes`, uint8 (m, 32), and an entry near that hash, or near it turned."""
        if not len(hashes):
            return []
        asked = turned(hashes) if variants else hashes
        each = len(asked) // len(hashes)
        found = self.index.search(asked, max_distance_bits, best_per_key=True)
        if not len(found):
            return []
        nearest: dict[tuple[int, int], int] = {}
        for query, key, distance_bits in zip(
            (found.query // each).tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True
        ):
            nearest[query, key] = min(distance_bits, nearest.get((query, key), distance_bits))
        return [(query, self._near_hit(key, bits)) for (query, key), bits in nearest.items()]

    def _near_hit(self, key: int, distance_bits: int) -> Hit:
        return _hit(self._said(key >> NUMBER_BITS), "pdq", distance_bits)

    def _said(self, key: int) -> Said:
        """Return what is said under `key`, a position; raise `Outdated` when it is no longer in force."""
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
            self._items[row.changed_at] = Said(row.admitted_at, row.label, len(row.pdq) // PDQ_BYTES, row.is_video)
            self._values[row.changed_at] = tuple(value for _, value in row.exact)
            for _, value in row.exact:
                self._exact[value] = (*self._exact.get(value, ()), row.changed_at)
        keys = [near_key(row.changed_at, n) for row in rows for n in range(len(row.pdq) // PDQ_BYTES)]
        hashes = np.frombuffer(b"".join(row.pdq for row in rows), np.uint8).reshape(-1, PDQ_BYTES)
        self.index.add(np.array(keys, dtype=np.uint64), hashes)

    def _give_up(self, gone: Iterable[tuple[int, int]]) -> None:
        keys = []
        for admitted_at, changed_at in gone:
            if changed_at < self._base_size:
                self._hidden.add(admitted_at)
                keys += self._base.near_keys([admitted_at]) if self._base is not None else []
            elif changed_at in self._items:
                for value in self._values.pop(changed_at):
                    self._forget(value, changed_at)
                keys += [near_key(changed_at, number) for number in range(self._items.pop(changed_at).hashes)]
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


def _hit(said: Said, algorithm: Algorithm, distance_bits: int) -> Hit:
    categories, advice = said.label
    frames = said.hashes if said.is_video else 0
    return Hit(said.admitted_at, categories, advice, algorithm, distance_bits, frames_listed=frames)
