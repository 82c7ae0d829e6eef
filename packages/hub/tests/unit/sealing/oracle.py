"""RFC 6962 as it is written: recursive, slow, and obviously right."""

import hashlib
from collections.abc import Sequence


def _split(count: int) -> int:
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaves that are hashed already."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return hashlib.sha256(b"\x01" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def audit_path(position: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the inclusion proof of section 2.1.1."""
    if len(leaves) <= 1:
        return []
    split = _split(len(leaves))
    if position < split:
        return [*audit_path(position, leaves[:split]), tree_hash(leaves[split:])]
    return [*audit_path(position - split, leaves[split:]), tree_hash(leaves[:split])]


def subproof(size: int, leaves: Sequence[bytes], *, is_whole: bool = True) -> list[bytes]:
    """Return the consistency proof of section 2.1.2."""
    if size == len(leaves):
        return [] if is_whole else [tree_hash(leaves)]
    split = _split(len(leaves))
    if size <= split:
        return [*subproof(size, leaves[:split], is_whole=is_whole), tree_hash(leaves[split:])]
    return [*subproof(size - split, leaves[split:], is_whole=False), tree_hash(leaves[:split])]
