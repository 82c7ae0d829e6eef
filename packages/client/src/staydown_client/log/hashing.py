"""The hashes of RFC 6962, section 2.1, and the leaf of this log: a commitment to salt and entry."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
SALT_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return sha256(_LEAF + data).digest()


def entry_leaf_hash(salt: bytes, body: bytes) -> bytes:
    """Return the leaf hash of an entry: its 32 random bytes, then its canonical text in UTF-8."""
    return sha256(_LEAF + salt + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return sha256(_NODE + left + right).digest()


def level_above(hashes: list[bytes]) -> list[bytes]:
    """Return the nodes over `hashes`, which are even in number: a whole level at once, for speed."""
    pairs = iter(hashes)
    return [sha256(_NODE + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
