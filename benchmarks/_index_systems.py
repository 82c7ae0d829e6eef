"""The index and its peers behind one face, so that all are measured by the same code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, TypeAlias

import faiss
import numpy as np
from staydown_match import HammingIndex
from threatexchange.signal_type.pdq.pdq_index import PDQIndex

from benchmarks._index_data import MAX_DISTANCE_BITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks._index_data import Data, Hashes

Pairs: TypeAlias = set[tuple[int, int]]
"""Which stored hash, by its position, each query found."""


class System(Protocol):
    """An index of `Data`, built by its constructor, whose answers are those within 31 bits."""

    def search(self, queries: Hashes) -> object:
        """Search as its users would, in one call."""

    def found(self, queries: Hashes) -> Pairs:
        """Give the same answers in a common form."""

    def add_one(self, one: Hashes, key: int) -> None:
        """Add a hash so that the next search finds it."""


class Staydown:
    """The index of this project."""

    def __init__(self, data: Data) -> None:
        self.index = HammingIndex()
        self.index.add(data.keys, data.hashes)

    def search(self, queries: Hashes) -> object:
        """Search as its users would, in one call."""
        return self.index.search(queries)

    def found(self, queries: Hashes) -> Pairs:
        """Give keys, which are positions in random data."""
        found = self.index.search(queries)
        return set(zip(found.query.tolist(), found.key.tolist(), strict=True))

    def add_one(self, one: Hashes, key: int) -> None:
        """Add a hash so that the next search finds it."""
        self.index.add(np.array([key], np.uint64), one)


class Faiss:
    """A binary index of faiss, told to use one thread."""

    def __init__(self, make: Callable[[], faiss.IndexBinary], data: Data) -> None:
        faiss.omp_set_num_threads(1)
        self.index = make()
        self.index.add(data.hashes)

    def search(self, queries: Hashes) -> object:
        """Search as its users would, in one call."""
        return self.index.range_search(queries, MAX_DISTANCE_BITS + 1)  # it finds what is nearer than the radius

    def found(self, queries: Hashes) -> Pairs:
        """Give its limits and labels as pairs."""
        limits, _, labels = self.index.range_search(queries, MAX_DISTANCE_BITS + 1)
        positions = np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64)))
        return set(zip(positions.tolist(), labels.tolist(), strict=True))

    def add_one(self, one: Hashes, key: int) -> None:  # noqa: ARG002  # its keys are positions
        """Add a hash so that the next search finds it."""
        self.index.add(one)


class ThreatExchange:
    """What Hasher-Matcher-Actioner searches with: hashes as text in, a list of matches out."""

    def __init__(self, data: Data) -> None:
        faiss.omp_set_num_threads(1)
        self.index = PDQIndex(
            (bytes(one).hex(), int(key)) for one, key in zip(data.hashes, range(len(data.hashes)), strict=True)
        )

    def search(self, queries: Hashes) -> object:
        """Search as its users would, in one call."""
        return [self.index.query(bytes(one).hex()) for one in queries]

    def found(self, queries: Hashes) -> Pairs:
        """Give its entries as pairs."""
        return {
            (position, match.metadata)
            for position, one in enumerate(queries)
            for match in self.index.query(bytes(one).hex())
        }

    def add_one(self, one: Hashes, key: int) -> None:
        """Add a hash so that the next search finds it."""
        self.index.add(bytes(one[0]).hex(), key)


def _multi_hash(chunks: int, width: int, flips: int) -> Callable[[], faiss.IndexBinary]:
    def make() -> faiss.IndexBinary:
        index = faiss.IndexBinaryMultiHash(256, chunks, width)
        index.nflip = flips
        return index

    return make


OURS = "staydown HammingIndex"
SYSTEMS: dict[str, Callable[[Data], System]] = {
    OURS: Staydown,
    "faiss MultiHash 11x23, nflip 2": lambda data: Faiss(_multi_hash(11, 23, 2), data),
    "faiss MultiHash 16x16, nflip 1": lambda data: Faiss(_multi_hash(16, 16, 1), data),
    "faiss BinaryFlat": lambda data: Faiss(lambda: faiss.IndexBinaryFlat(256), data),
    "threatexchange PDQIndex": ThreatExchange,
}


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Run it and give seconds by the clock and seconds of the processor: where they differ the machine was not ours."""
    wall, processor = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - processor
