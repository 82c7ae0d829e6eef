"""Finds the one file in a multipart form while it arrives."""

from __future__ import annotations

from email.message import Message
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import ParseError
from python_multipart.multipart import MultipartParser

from staydown_client.sidecar.answers import refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from staydown_client.sidecar.bodies import Spool

_MAX_BOUNDARY: Final = 70  # RFC 2046
_MAX_PARTS: Final = 20
_MAX_HEADERS: Final = 8
_MAX_HEADER_BYTES: Final = 4096


def boundary_of(content_type: str) -> str:
    """Return a multipart form's boundary; refuse a type that has none."""
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= _MAX_BOUNDARY or not boundary.isascii():
        raise _bad("its content-type names no boundary")
    return boundary


async def take_file(body: AsyncIterator[bytes], boundary: str, spool: Spool) -> None:
    """Put the form's file into `spool`; refuse a form with no file, with two, or that is none."""
    form = _Form(boundary)
    async for chunk in body:
        for part in form.feed(chunk):
            await spool.add(part)
    form.finish()


class _Form:
    """Follows the form from part to part; a part with a file name is a file."""

    def __init__(self, boundary: str) -> None:
        self._parts = self._files = 0
        self._found: list[bytes] = []
        self._name = self._value = b""
        self._in_file = self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_name,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._take,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )

    def feed(self, chunk: bytes) -> list[bytes]:
        """Read on; return what of the file is in `chunk`."""
        self._found = []
        try:
            self._parser.write(chunk)
        except ParseError:
            raise _bad("it is not well-formed") from None
        return self._found

    def finish(self) -> None:
        """Refuse a form that did not end, or has no file."""
        if not self._ended:
            raise _bad("it ends too early")
        if self._files == 0:
            raise _bad("no part of it is a file: a part's content-disposition must have a filename")

    def _begin_part(self) -> None:
        self._parts += 1
        self._in_file = False
        self._name = self._value = b""
        if self._parts > _MAX_PARTS:
            raise _bad(f"it has more than {_MAX_PARTS} parts")

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition" and _has_filename(self._value):
            self._in_file = True
            self._files += 1
            if self._files > 1:
                raise _bad("it has more than one file: send each by itself")
        self._name = self._value = b""

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._found.append(data[start:end])

    def _end_part(self) -> None:
        self._in_file = False

    def _end(self) -> None:
        self._ended = True


def _has_filename(disposition: bytes) -> bool:
    message = Message()
    message["content-disposition"] = disposition.decode("latin-1")
    return message.get_param("filename", header="content-disposition") is not None


def _bad(why: str) -> Exception:
    return refused(400, "bad_form", f"The form cannot be read: {why}.")
