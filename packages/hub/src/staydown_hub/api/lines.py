"""Bodies of one JSON object a line: read as they come, never held whole."""

from collections.abc import Iterator
from typing import Final

from django.http import HttpRequest, UnreadablePostError

# As much as a whole body may have elsewhere: no line that is right comes near it.
MAX_LINE_BYTES: Final = 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024


class BrokenOffError(Exception):
    """The body ended before its Content-Length: its sender is gone."""


def lines_of(request: HttpRequest) -> Iterator[bytes | None]:
    """Yield the body's lines without their ends, empty ones left out; None for a line that is too long.

    Raises BrokenOffError; a line whose end did not come is never yielded then.
    """
    awaited = int(request.META.get("CONTENT_LENGTH") or 0)
    held, is_too_long = bytearray(), False
    while awaited > 0:
        piece = _read(request, min(awaited, _PIECE_BYTES))
        awaited -= len(piece)
        *ended, rest = piece.split(b"\n")
        for end in ended:
            held += end
            if line := None if is_too_long or len(held) > MAX_LINE_BYTES else bytes(held).strip(b" \t\r"):
                yield line
            elif line is None:
                yield None
            held.clear()
            is_too_long = False
        held += rest
        if len(held) > MAX_LINE_BYTES:
            held.clear()
            is_too_long = True
    if is_too_long:
        yield None
    elif line := bytes(held).strip(b" \t\r"):
        yield line


def _read(request: HttpRequest, size: int) -> bytes:
    try:
        piece = request.read(size)
    except (UnreadablePostError, OSError):
        raise BrokenOffError from None
    if not piece:
        raise BrokenOffError
    return bytes(piece)
