"""The Merkle tree of RFC 6962, grown leaf by leaf: a compact range is all that is needed to go on."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Self

HASH_BYTES: Final = 32
SALT_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256().digest()


def leaf_hash(salt: bytes, body: str) -> bytes:
    """Return the hash of an entry's leaf: SHA-256 of 0x00, the salt (32 bytes) and the entry's text in UTF-8."""
    return hashlib.sha256(b"\x00" + salt + body.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: bytes) -> bytes:
    """Return the root over a power of two of hashes, given one after the other."""
    level = hashes
    while len(level) > HASH_BYTES:
        pairs = range(0, len(level), 2 * HASH_BYTES)
        level = b"".join(hashlib.sha256(b"\x01" + level[at : at + 2 * HASH_BYTES]).digest() for at in pairs)
    return level


class CompactRange:
    """The roots of the perfect trees that a tree of `size` leaves consists of, the largest first."""

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if len(hashes) != size.bit_count():
            raise ValueError(f"A compact range of {size} leaves has {size.bit_count()} hashes.")
        self.size = size
        self._hashes = list(hashes)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The perfect trees' roots, the largest first."""
        return tuple(self._hashes)

    def copy(self) -> Self:
        """Return one that grows by itself."""
        return type(self)(self.size, self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf, given as its hash."""
        whole, merges = leaf, self.size
        while merges & 1:
            whole = node_hash(self._hashes.pop(), whole)
            merges >>= 1
        self._hashes.append(whole)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves in order, given as their hashes."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            root = node_hash(left, root)
        return root
