"""Exact near-match search among tens of millions of hashes, which change while it serves."""

import os
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from staydown_match import _native
from staydown_match._arrays import checked_array
from staydown_match.index import Matches
from staydown_match.types import MAX_DISTANCE_BITS, PDQ_BYTES, InvalidValueError

IndexFileError = _native.IndexFileError
IndexConflictError = _native.IndexConflictError

HASH_BITS = 8 * PDQ_BYTES
MAX_RADIUS_BITS = 64
"""The largest `max_distance_bits` of a HammingIndex; up to MAX_DISTANCE_BITS searches are fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStats:
    """What an index holds and takes.

    `hashes` is len(index); `distinct_hashes` how many different ones the compacted part holds, removed ones too, and
    `changed_hashes` how many were added since. `memory_bytes` counts everything held in memory but mapped pages,
    which are `mapped_bytes` and shared between processes. `unsaved_bytes` is what the next save would append to the
    journal. `chunk_widths_bits` is the layout, empty when hashes are few; `kernels` the version of the inner loops in
    use.
    """

    hashes: int
    distinct_hashes: int
    changed_hashes: int
    memory_bytes: int
    mapped_bytes: int
    unsaved_bytes: int
    chunk_widths_bits: tuple[int, ...]
    kernels: str


class HammingIndex:
    """Every stored 256-bit hash within a Hamming distance of a query: exactly what BruteForceIndex finds, much faster.

    Multi-index hashing (Norouzi, Punjani and Fleet, 2012) with the pigeonring filter (Qin and Xiao, 2018); the layout
    is described in docs/adr/0010-hamming-index.md.

    Threads: any number may call any method at once, and work without the GIL. **Searches never wait**, neither for
    changes nor for save or compact; changes wait for one another. A search sees every change that returned before it
    began. Of an add that runs meanwhile it sees all hashes or none; of a removal that runs meanwhile it may see a
    part. No thread may write to an array while a call reads it.

    Memory: about 109 bytes a hash after a large add, compact or open; hashes added since take about 350 bytes each
    until compact() is called, and cost each search a few microseconds.
    """

    def __init__(self, bits: int = HASH_BITS) -> None:
        """Make an empty index of hashes of `bits` bits: 256, the length of a PDQ hash, is the one there is."""
        if bits != HASH_BITS:
            raise InvalidValueError(f"bits: give {HASH_BITS}, not {bits}")
        self._native = _native.HammingIndex()

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open what save() wrote at `path`: the file is mapped, ready at once, its pages shared between processes.

        Whatever the file holds, this process is safe: what cannot be an index is refused here with IndexFileError,
        and a damaged part by the search that first reads it. OSError passes through. No one may write into the file
        while it is open; save() replaces it instead.
        """
        index = cls.__new__(cls)
        index._native = _native.HammingIndex.open(os.fspath(path))  # noqa: SLF001  # one of this class
        return index

    def add(self, keys: NDArray[np.uint64], hashes: NDArray[np.uint8]) -> None:
        """Store `hashes`, uint8 (n, 32), each under the key, uint64 (n,), at its position.

        A key may own many hashes; a hash stored twice is found twice, and takes little more room than once. A few are
        entered in place, in microseconds; thousands at once, when they are a quarter of the index, rebuild it. Raises
        InvalidValueError for other types or shapes; MemoryError leaves the index as it was.
        """
        # The native part refuses what has another type or shape. Only what it refused is looked at here: that takes as
        # long as adding one hash does.
        try:
            self._native.add(keys, hashes)
        except TypeError:
            self._native.add(*_checked_pair(keys, hashes))

    def remove(self, keys: NDArray[np.uint64]) -> int:
        """Remove every hash of `keys`, uint64 (n,), and say how many that were. A key that owns none is passed over."""
        return self._native.remove(checked_array("keys", keys, dtype=np.uint64, shape=("n",)))

    def search(
        self,
        hashes: NDArray[np.uint8],
        max_distance_bits: int = MAX_DISTANCE_BITS,
        *,
        limit: int | None = None,
        best_per_key: bool = False,
        threads: int = 1,
    ) -> Matches:
        """Find every stored hash at most `max_distance_bits` from any of `hashes`, uint8 (n, 32).

        `max_distance_bits` is 0 to 64, slower above 31. `best_per_key` keeps of each query and key only the nearest
        hash; `limit` keeps of each query only so many matches, the nearest and of equally near ones the smallest keys.
        `limit` also stops searching when nothing nearer can follow. `threads` share the queries. Thousands of queries
        at once take half the time of as many calls. Raises InvalidValueError, and IndexFileError when a part of an
        opened file is damaged.
        """
        if not 0 <= max_distance_bits <= MAX_RADIUS_BITS:
            raise InvalidValueError(
                f"max_distance_bits: give a number from 0 to {MAX_RADIUS_BITS}, not {max_distance_bits}"
            )
        if limit is not None and limit < 1:
            raise InvalidValueError(f"limit: give a number from 1, or None for all matches, not {limit}")
        if threads < 1:
            raise InvalidValueError(f"threads: give a number from 1, not {threads}")
        try:
            return Matches(*self._native.search(hashes, max_distance_bits, limit or 0, best_per_key, threads))
        except TypeError:
            checked = checked_array("hashes", hashes, dtype=np.uint8, shape=("n", PDQ_BYTES))
            return Matches(*self._native.search(checked, max_distance_bits, limit or 0, best_per_key, threads))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Put the index at `path`, so that it is on the disk when this returns; whatever happens, never half of it.

        Changes since the last save or open at this path are appended to a journal beside it (`path` with an ending of
        its own: the two belong together). When there is none, or much has changed, all is compacted and written to a
        new file that takes the place of the old one; whoever has that open keeps it. One process at a time should save
        to a path: IndexConflictError says that another has. OSError passes through.
        """
        self._native.save(os.fspath(path))

    def compact(self) -> None:
        """Rebuild from what is in force, in the layout that suits its size; for the while, memory is needed twice."""
        self._native.compact()

    def stats(self) -> IndexStats:
        """Say what the index holds and takes."""
        hashes, distinct, changed, memory, mapped, unsaved, widths, kernels = self._native.stats()
        return IndexStats(
            hashes=hashes,
            distinct_hashes=distinct,
            changed_hashes=changed,
            memory_bytes=memory,
            mapped_bytes=mapped,
            unsaved_bytes=unsaved,
            chunk_widths_bits=widths,
            kernels=kernels,
        )

    def __len__(self) -> int:
        return len(self._native)


def _checked_pair(keys: NDArray[np.uint64], hashes: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    checked_keys = checked_array("keys", keys, dtype=np.uint64, shape=("n",))
    checked_hashes = checked_array("hashes", hashes, dtype=np.uint8, shape=("n", PDQ_BYTES))
    if len(checked_keys) != len(checked_hashes):
        raise InvalidValueError(
            f"keys: give one for each hash; there are {len(checked_keys)} keys and {len(checked_hashes)} hashes"
        )
    return checked_keys, checked_hashes
