"""Searching for a picture however it was turned, mirrored or inverted: its variants are asked for, not stored.

A list holds each picture once (and once without its bars). Who looks something up asks for its hash in all eight
orientations and for the complement of each, which is what inverted colours make of it, in one search.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from staydown_match.index import Matches
from staydown_match.types import MAX_DISTANCE_BITS, MIN_QUALITY, ORIENTATIONS, PDQ_BYTES, Orientation, PdqHash

_SIDE = 16
"""A PDQ hash is one bit for each of 16 x 16 frequencies, the vertical ones first."""


class HashIndex(Protocol):
    """What both indexes offer to a search."""

    def search(self, hashes: NDArray[np.uint8], max_distance_bits: int = MAX_DISTANCE_BITS) -> Matches:
        """Find every stored hash at most `max_distance_bits` from any of `hashes`, uint8 (n, 32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantMatch:
    """A key that was found, and what of the query found it.

    `query` is the hash that was nearest: whole or trimmed, of which frame. `orientation` is what had to be done to the
    query's picture, and `inverted` whether its colours had to be inverted, to come `distance_bits` near. `found_by` are
    the places of all hashes of the query that found the key, among those that were searched with.
    """

    key: int
    distance_bits: int
    query: PdqHash
    orientation: Orientation
    inverted: bool
    found_by: tuple[int, ...] = ()


def find_variants(
    index: HashIndex,
    hashes: Iterable[PdqHash],
    *,
    max_distance_bits: int = MAX_DISTANCE_BITS,
    min_quality: int = MIN_QUALITY,
) -> tuple[VariantMatch, ...]:
    """Search `index` for all variants of `hashes` (those of one file), the nearest match of each key first.

    Hashes of a quality under `min_quality` are passed over: flat pictures are near everything. With equal distances the
    picture as it is goes before a changed one.
    """
    numbered = [(place, found) for place, found in enumerate(hashes) if found.quality >= min_quality]
    if not numbered:
        return ()
    matches = index.search(np.concatenate([variants_of(query) for _, query in numbered]), max_distance_bits)
    if not len(matches):
        return ()
    order = np.lexsort((matches.query, matches.distance_bits, matches.key))
    _, firsts = np.unique(matches.key[order], return_index=True)
    of_each_key = np.split(order, firsts[1:])
    of_each_key.sort(key=lambda positions: (matches.distance_bits[positions[0]], matches.key[positions[0]]))
    return tuple(_match_of(matches, positions, numbered) for positions in of_each_key)


def variants_of(query: PdqHash) -> NDArray[np.uint8]:
    """Give the 16 variants of a hash, uint8 (16, 32): in the order of ORIENTATIONS, then the complement of each."""
    orientations = query.orientations or turned_bits(query.bits)
    upright = np.frombuffer(orientations, np.uint8).reshape(len(ORIENTATIONS), PDQ_BYTES)
    return np.concatenate([upright, ~upright])


def _match_of(matches: Matches, positions: NDArray[np.intp], numbered: list[tuple[int, PdqHash]]) -> VariantMatch:
    """Describe what found one key, from the positions of its matches, the nearest first."""
    nearest = int(positions[0])
    query, variant = divmod(int(matches.query[nearest]), 2 * len(ORIENTATIONS))
    found_by = np.unique(matches.query[positions] // (2 * len(ORIENTATIONS))).tolist()
    return VariantMatch(
        key=int(matches.key[nearest]),
        distance_bits=int(matches.distance_bits[nearest]),
        query=numbered[query][1],
        orientation=ORIENTATIONS[variant % len(ORIENTATIONS)],
        inverted=variant >= len(ORIENTATIONS),
        found_by=tuple(numbered[number][0] for number in found_by),
    )


def turned_bits(bits: bytes) -> bytes:
    """Make the hashes of a turned picture from its hash alone, 8 x 32 bytes in the order of ORIENTATIONS.

    A frequency that changes its sign changes its side of the median, nearly always: the median is near zero, and only a
    frequency between the two is told wrongly. So these are a few bits off those made of the picture itself.
    """
    grid = np.unpackbits(np.frombuffer(bits, np.uint8)[::-1], bitorder="little").reshape(_SIDE, _SIDE)
    odd = np.arange(_SIDE) % 2 == 0  # the first frequency is 1
    across = np.broadcast_to(odd[np.newaxis, :], grid.shape).astype(np.uint8)
    down = np.broadcast_to(odd[:, np.newaxis], grid.shape).astype(np.uint8)
    turned: dict[Orientation, NDArray[np.uint8]] = {
        "upright": grid,
        "rotated_90": grid.T ^ across,
        "rotated_180": grid ^ across ^ down,
        "rotated_270": grid.T ^ down,
        "mirrored": grid ^ across,
        "flipped": grid ^ down,
        "transposed": grid.T,
        "transversed": grid.T ^ across ^ down,
    }
    rows = (np.packbits(turned[orientation], bitorder="little")[::-1] for orientation in ORIENTATIONS)
    return b"".join(row.tobytes() for row in rows)
