"""What the index benchmark stores and asks for: random hashes, or frames like those of videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Hashes: TypeAlias = "NDArray[np.uint8]"

QUERIES = 16_384
PLANTED = 0.2  # of the queries, as far as 0 to 31 bits from a stored hash
MAX_DISTANCE_BITS = 31

_FRAMES_OF_A_VIDEO = 300
_FRAMES_OF_A_SCENE = 10
_BLANK = 1e-5  # of all frames, at most two bits from all zero
_PART = 1_000_000


@dataclass(frozen=True, slots=True)
class Data:
    """Stored hashes with their keys, and queries of which the first ones are planted in no order."""

    name: str
    keys: NDArray[np.uint64]
    hashes: Hashes
    queries: Hashes


def make(name: str, count: int) -> Data:
    """Make `random` or `video` data, the same each time."""
    random = np.random.default_rng(count)
    if name == "random":
        hashes = random.integers(0, 2**64, (count, 4), dtype=np.uint64).view(np.uint8)
        keys = np.arange(count, dtype=np.uint64)
    else:
        hashes = _frames(count, random)
        keys = np.arange(count, dtype=np.uint64) // np.uint64(_FRAMES_OF_A_VIDEO)
    return Data(name, keys, hashes, _queries(hashes, random))


def flip(hashes: Hashes, distances: NDArray[np.int64], random: np.random.Generator) -> Hashes:
    """Turn over as many different bits of each hash as `distances` says."""
    order = random.random((len(hashes), 256), dtype=np.float32).argsort(axis=1).argsort(axis=1)
    bits = np.unpackbits(hashes, axis=1) ^ (order < distances[:, None]).astype(np.uint8)
    return np.packbits(bits, axis=1)


def _frames(count: int, random: np.random.Generator) -> Hashes:
    """Scenes of ten frames: a third of them exact repeats, the others one to six bits off; a few blank ones."""
    frames = np.empty((count, 32), np.uint8)
    for begin in range(0, count, _PART):
        part = frames[begin : begin + _PART]
        scenes = random.integers(0, 256, (len(part) // _FRAMES_OF_A_SCENE + 1, 32), dtype=np.uint8)
        part[:] = np.repeat(scenes, _FRAMES_OF_A_SCENE, axis=0)[: len(part)]
        part[random.random(len(part)) < _BLANK] = 0
        # Few bits each: drawn with repetition, which makes a small part of the distances smaller.
        flips = np.maximum(random.integers(-2, 7, len(part)), 0)
        rows = np.repeat(np.arange(len(part)), flips)
        bits = random.integers(0, 256, len(rows))
        np.bitwise_xor.at(part, (rows, bits // 8), (1 << (bits % 8)).astype(np.uint8))
    return frames


def _queries(hashes: Hashes, random: np.random.Generator) -> Hashes:
    queries = random.integers(0, 256, (QUERIES, 32), dtype=np.uint8)
    planted = random.choice(QUERIES, int(PLANTED * QUERIES), replace=False)
    stored = hashes[random.integers(0, len(hashes), len(planted))]
    queries[planted] = flip(stored, random.integers(0, MAX_DISTANCE_BITS + 1, len(planted)), random)
    return queries
