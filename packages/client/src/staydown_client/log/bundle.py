"""Entries as they travel in bulk, with the salts that their leaves commit to: read without copying, trusting no number.

The form, version 1: the bytes "SDB" and 1; the first position (8 bytes) and the number of records (4), big-endian; then
each record: 0, salt (32), length of the body (4), body; or, where the entry was redacted, 1 and the leaf hash (32).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from staydown_client.errors import LogRefusedError
from staydown_client.log.compact_range import MAX_SIZE
from staydown_client.log.hashing import HASH_BYTES, SALT_BYTES, entry_leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC: Final = b"SDB\x01"
MAX_RECORDS: Final = 4096
MAX_ENTRY_BYTES: Final = 1024 * 1024
ENTRY: Final = 0
REDACTED: Final = 1
_HEAD: Final = Struct(">4sQI")
_LENGTH: Final = Struct(">I")
_ENTRY_HEAD: Final = 1 + SALT_BYTES + _LENGTH.size
_REDACTED_BYTES: Final = 1 + HASH_BYTES

Record: TypeAlias = tuple[bytes, bytes | None]
"""An entry's salt and body; or the leaf's hash and None where the entry was redacted."""


def parse_bundle(data: bytes) -> tuple[int, list[Record]]:
    """Return the first position and the records; raise `LogRefusedError` (garbage) for anything but a whole bundle.

    Work and memory are bounded by the length of `data`, whatever the numbers in it claim.
    """
    if len(data) < _HEAD.size:
        _garbage("is cut short")
    magic, first, count = _HEAD.unpack_from(data)
    if magic != MAGIC:
        _garbage("is of no form that this version knows")
    if count > MAX_RECORDS or first + count > MAX_SIZE:
        _garbage("claims too many records")
    records, end = _records(data, count)
    if end != len(data):
        _garbage("has bytes after its last record, or ends within it")
    return first, records


def leaf_hashes(records: Iterable[Record]) -> list[bytes]:
    """Return the hashes by which the tree commits to the records, in order."""
    return [first if body is None else entry_leaf_hash(first, body) for first, body in records]


def _records(data: bytes, count: int) -> tuple[list[Record], int]:
    """Return the records and where the last one says it ends, which may lie beyond the bytes.

    A list of ten million passes through here: plain tuples, and nothing looked up twice.
    """
    records: list[Record] = []
    length_at, keep = _LENGTH.unpack_from, records.append
    at, available = _HEAD.size, len(data)
    for _ in range(count):
        if at + _REDACTED_BYTES > available:
            _garbage("is cut short")
        tag, start = data[at], at + 1
        if tag == ENTRY:
            body = at + _ENTRY_HEAD
            if body > available:
                _garbage("is cut short")
            (length,) = length_at(data, body - _LENGTH.size)
            if length > MAX_ENTRY_BYTES:
                _garbage("has an entry that is too long")
            at = body + length
            keep((data[start : start + SALT_BYTES], data[body:at]))
        elif tag == REDACTED:
            at += _REDACTED_BYTES
            keep((data[start:at], None))
        else:
            _garbage("has a record of no kind that this version knows")
    return records, at


def _garbage(why: str) -> NoReturn:
    raise LogRefusedError(f"The hub's bundle of entries was refused: it {why}.", problem="garbage")
