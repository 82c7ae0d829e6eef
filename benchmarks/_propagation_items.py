"""The invented items whose way to the filters is timed: known by their number to every process of the benchmark."""

from __future__ import annotations

import hashlib

LIST = "main"
_NEAR_BITS = 8


def digest(number: int) -> bytes:
    """Return the SHA-256 that item `number` is listed by."""
    return hashlib.sha256(b"staydown propagation %d" % number).digest()


def listed_hash(number: int) -> bytes:
    """Return the PDQ hash that item `number` is listed by: random, so about 128 bits from every other."""
    return hashlib.sha256(b"staydown propagation, near, %d" % number).digest()


def near_hash(number: int) -> bytes:
    """Return the hash of a changed copy of item `number`, 8 bits from the listed one."""
    whole = listed_hash(number)
    return bytes([whole[0] ^ ((1 << _NEAR_BITS) - 1)]) + whole[1:]
