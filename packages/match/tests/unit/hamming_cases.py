"""What the tests of HammingIndex share: hashes that are hard on an index, and the answers it must give."""

from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from staydown_match import BruteForceIndex, HammingIndex, Matches, _native

Hashes = NDArray[np.uint8]
Keys = NDArray[np.uint64]
Found = list[tuple[int, int, int]]

LAYOUTS = [
    [],
    [16] * 16,
    [23] * 8 + [18] * 4,
    [17] * 8 + [20] * 6,
    [24] * 8 + [16] * 4,
]
assert all(not layout or sum(layout) == 256 for layout in LAYOUTS)


def random_hashes(count: int, seed: int = 0) -> Hashes:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def keys_of(*keys: int) -> Keys:
    return np.array(keys, np.uint64)


def flipped(hashes: Hashes, distances: NDArray[np.int64], seed: int = 1) -> Hashes:
    """Turn over as many bits of each hash as `distances` says."""
    order = np.random.default_rng(seed).random((len(hashes), 256)).argsort(axis=1)
    bits = np.unpackbits(hashes, axis=1) ^ (order < np.asarray(distances)[:, None])
    return np.packbits(bits.astype(np.uint8), axis=1)


def as_tuples(found: Matches) -> Found:
    return list(zip(found.query.tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True))


def expected(oracle: BruteForceIndex, hashes: Hashes, radius: int, *, limit: int | None, best_per_key: bool) -> Found:
    """Give the oracle's answer, reduced by plain Python to what was asked for."""
    reduced: Found = []
    seen: set[tuple[int, int]] = set()
    counts: dict[int, int] = {}
    for query, key, distance in as_tuples(oracle.search(hashes, radius)):
        if best_per_key and (query, key) in seen:
            continue
        if limit is not None and counts.get(query, 0) == limit:
            continue
        seen.add((query, key))
        counts[query] = counts.get(query, 0) + 1
        reduced.append((query, key, distance))
    return reduced


def compact_into(index: HammingIndex, layout: list[int]) -> None:
    """Compact into a layout that the index would not choose for so few hashes."""
    index._native.compact_into(layout)


def each_version_of_the_kernels() -> Iterator[str]:
    """Use in turn each version of the inner loops that this processor runs, and the fastest again at the end."""
    names = _native.kernel_names()
    try:
        for name in names:
            assert _native.choose_kernels(name)
            yield name
    finally:
        _native.choose_kernels(names[0])


def _with_bits(bits: set[int]) -> bytes:
    return sum(1 << bit for bit in bits).to_bytes(32, "little")


# All zero, all ones, near these, in one bucket of the first chunk, and anything.
HASHES = st.one_of(
    st.sampled_from([bytes(32), b"\xff" * 32]),
    st.sets(st.integers(0, 255), max_size=3).map(_with_bits),
    st.sets(st.integers(0, 255), max_size=70).map(_with_bits),
    st.binary(min_size=30, max_size=30).map(lambda rest: b"\xab\xcd" + rest),
    st.binary(min_size=32, max_size=32),
)
KEYS = st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1))
