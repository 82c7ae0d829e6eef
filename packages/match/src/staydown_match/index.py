"""Which stored hashes are near a given one: exact answers, by comparing with every hash that is stored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from staydown_match import _native
from staydown_match._arrays import checked_array
from staydown_match.types import MAX_DISTANCE_BITS, PDQ_BYTES, InvalidValueError

HASH_BITS = 8 * PDQ_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What a search found: three arrays of one length, sorted by query, then distance, then key.

    `query` (int64) is the position of the query among those searched for, `key` (uint64) the key that owns the hash
    found, `distance_bits` (int64) the number of bits in which the two differ.
    """

    query: NDArray[np.int64]
    key: NDArray[np.uint64]
    distance_bits: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.query)


class BruteForceIndex:
    """An index that compares each query with every hash: slow, obviously right, the oracle for faster ones.

    Threads: any number may call any method at once. Searches run side by side without the GIL; a change waits for
    running searches and they for it. A search sees every change that returned before it began, and each change whole or
    not at all. No thread may write to an array while a call reads it.
    """

    def __init__(self) -> None:
        self._native = _native.BruteForceIndex()

    def add(self, keys: NDArray[np.uint64], hashes: NDArray[np.uint8]) -> None:
        """Store `hashes`, uint8 (n, 32), each under the key, uint64 (n,), at its position.

        A key may own many hashes; a hash stored twice is found twice. Other types or shapes raise InvalidValueError.
        """
        checked_keys = checked_array("keys", keys, dtype=np.uint64, shape=("n",))
        checked_hashes = checked_array("hashes", hashes, dtype=np.uint8, shape=("n", PDQ_BYTES))
        if len(checked_keys) != len(checked_hashes):
            raise InvalidValueError(
                f"keys: give one for each hash; there are {len(checked_keys)} keys and {len(checked_hashes)} hashes"
            )
        self._native.add(checked_keys, checked_hashes)

    def remove(self, keys: NDArray[np.uint64]) -> int:
        """Remove every hash of `keys`, uint64 (n,), and say how many that were. A key that owns none is passed over."""
        return self._native.remove(checked_array("keys", keys, dtype=np.uint64, shape=("n",)))

    def search(self, hashes: NDArray[np.uint8], max_distance_bits: int = MAX_DISTANCE_BITS) -> Matches:
        """Find every stored hash at most `max_distance_bits` (0 to 256) from any of `hashes`, uint8 (n, 32)."""
        if max_distance_bits not in range(HASH_BITS + 1):
            raise InvalidValueError(
                f"max_distance_bits: give a whole number from 0 to {HASH_BITS}, not {max_distance_bits}"
            )
        checked = checked_array("hashes", hashes, dtype=np.uint8, shape=("n", PDQ_BYTES))
        return Matches(*self._native.search(checked, max_distance_bits))

    def __len__(self) -> int:
        return len(self._native)
