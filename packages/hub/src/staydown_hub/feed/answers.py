"""Answers as ASGI messages: JSON, the API's shape of an error, and the head of a stream."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from staydown_hub.feed.ranges import UnsatisfiableRangeError, names, parse_range

Send = Callable[[dict[str, Any]], Awaitable[None]]

_JSON: Final = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
_EVENTS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # a reverse proxy must pass each event on at once
]


class RefusedError(Exception):
    """A request that is answered with an error, in the same shape as the API's."""

    def __init__(self, status: HTTPStatus, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields or {}

    def body(self) -> bytes:
        """Return the answer's body."""
        fields = [{"field": field, "message": message} for field, message in self.fields.items()]
        return json.dumps({"error": self.code, "message": self.message, "fields": fields}).encode()


async def send_json(send: Send, body: bytes, *, status: int = HTTPStatus.OK) -> None:
    """Send a whole JSON answer."""
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": int(status), "headers": [*_JSON, length]})
    await send({"type": "http.response.body", "body": body})


async def send_nothing(send: Send) -> None:
    """Send that what was posted is taken, with nothing to say to it."""
    headers = [(b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": int(HTTPStatus.NO_CONTENT), "headers": headers})
    await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes to be served; `etag` in quotes, unless they are not to be asked for again."""

    body: bytes
    kind: bytes
    cache: bytes
    etag: str = ""
    coding: bytes = b""
    is_ranged: bool = False

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that hold for the whole and for each part."""
        found = [(b"content-type", self.kind), (b"cache-control", self.cache), (b"vary", b"Accept-Encoding")]
        if self.etag:
            found.append((b"etag", self.etag.encode()))
        if self.coding:
            found.append((b"content-encoding", self.coding))
        if self.is_ranged:
            found.append((b"accept-ranges", b"bytes"))
        return found


async def send_content(send: Send, content: Content, header: Callable[[bytes], str | None]) -> None:
    """Send bytes: nothing to one who has them already, the part to one who asks for a part."""
    headers = content.headers()
    if content.etag and names(header(b"if-none-match"), content.etag):
        await _send(send, HTTPStatus.NOT_MODIFIED, headers, b"")
        return
    whole, asked = len(content.body), header(b"range") if content.is_ranged else None
    if asked and (header(b"if-range") or content.etag) != content.etag:
        asked = None
    try:
        part = parse_range(asked, whole)
    except UnsatisfiableRangeError:
        message = "The range begins beyond the end."
        raise RefusedError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "range", message) from None
    if part is None:
        await _send(send, HTTPStatus.OK, headers, content.body)
        return
    start, end = part
    headers.append((b"content-range", b"bytes %d-%d/%d" % (start, end - 1, whole)))
    await _send(send, HTTPStatus.PARTIAL_CONTENT, headers, content.body[start:end])


async def _send(send: Send, status: HTTPStatus, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    if status is not HTTPStatus.NOT_MODIFIED:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def begin_events(send: Send) -> None:
    """Send the head of a stream of server-sent events."""
    await send({"type": "http.response.start", "status": int(HTTPStatus.OK), "headers": list(_EVENTS)})
