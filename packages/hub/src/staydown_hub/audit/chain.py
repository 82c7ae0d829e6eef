"""The audit chain checked again in Python, independently of the SQL that wrote it.

A seal's hash is SHA-256 over: the previous hash (32 bytes; zeros at the start), the position (8 bytes, big-endian), and
the record's fields in order (id, time, act, organisation, person, subject, detail, source), each as its length (4
bytes, big-endian; -1 when absent) and its UTF-8 text. The time is in UTC: ``2026-01-02T03:04:05.678901Z``.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

START: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Sealed:
    """One seal with its record, as read from the database; ``fields`` is None when the record is gone."""

    position: int
    previous_hash: bytes
    hash: bytes
    fields: tuple[str | None, ...] | None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal. Noted elsewhere, it later shows whether the end of the log was cut off."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


def record_fields(  # noqa: PLR0913 -- the eight columns that are hashed, in their order
    *,
    record_id: int,
    at: datetime,
    act: str,
    organisation: UUID | None,
    person: UUID | None,
    subject: str,
    detail: str,
    source: str,
) -> tuple[str | None, ...]:
    """Return a record's fields as the texts that are hashed."""
    time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    who = [None if one is None else str(one) for one in (organisation, person)]
    return (str(record_id), time, act, *who, subject, detail, source)


def seal_hash(*, previous: bytes, position: int, fields: tuple[str | None, ...]) -> bytes:
    """Return the hash that the seal at this position must have."""
    hashed = hashlib.sha256(previous + position.to_bytes(8, "big"))
    for one in fields:
        encoded = b"" if one is None else one.encode()
        hashed.update((-1 if one is None else len(encoded)).to_bytes(4, "big", signed=True) + encoded)
    return hashed.digest()


def problems_in(seals: Iterable[Sealed]) -> Iterator[str]:
    """Yield what is wrong with a chain read in order of position: one line a problem, nothing when it is whole."""
    previous, expected = START, 0
    for seal in seals:
        if seal.position != expected:
            yield f"positions {expected} to {seal.position - 1} are missing"
        if seal.previous_hash != previous:
            yield f"position {seal.position} does not follow from what stands before it"
        if seal.fields is None:
            yield f"position {seal.position} has lost its record"
        elif seal.hash != seal_hash(previous=seal.previous_hash, position=seal.position, fields=seal.fields):
            yield f"position {seal.position} was changed after it was sealed"
        previous, expected = seal.hash, seal.position + 1


class BadHeadError(ValueError):
    """A text that is no head."""

    def __init__(self) -> None:
        super().__init__("A head looks like 41:<64 hex digits>, as `audit verify` prints it.")


def parse_head(text: str) -> Head:
    """Return the head written as ``position:hash``. Raises BadHeadError."""
    position, _, digest = text.partition(":")
    try:
        head = Head(position=int(position), hash=bytes.fromhex(digest))
    except ValueError:
        raise BadHeadError from None
    if head.position < 0 or len(head.hash) != len(START):
        raise BadHeadError
    return head
