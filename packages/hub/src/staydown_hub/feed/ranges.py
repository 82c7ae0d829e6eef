"""Which part of an answer was asked for, and whether the caller has it already (RFC 9110: one range, and ETags)."""

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class UnsatisfiableRangeError(ValueError):
    """A range that begins beyond the end."""


def parse_range(header: str | None, length: int) -> tuple[int, int] | None:
    """Return the first byte and the one after the last; None for the whole, also where several ranges are asked for.

    Raises UnsatisfiableRangeError.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(0, length - int(found[2])), length
    else:
        start, end = int(found[1]), min(length, int(found[2]) + 1) if found[2] else length
        if found[2] and int(found[2]) < start:
            return None
    if start >= length:
        raise UnsatisfiableRangeError
    return start, end


def names(header: str | None, etag: str) -> bool:
    """Tell whether an If-None-Match header names this ETag, be it as a weak one."""
    if header is None:
        return False
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return "*" in given or etag in given


def accepts(header: str | None, coding: str) -> bool:
    """Tell whether an Accept-Encoding header allows this coding by name."""
    for one in (header or "").lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() == coding:
            return not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return False
