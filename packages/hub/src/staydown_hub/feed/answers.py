"""Answers as ASGI messages: JSON, the API's shape of an error, and the head of a stream."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

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


async def begin_events(send: Send) -> None:
    """Send the head of a stream of server-sent events."""
    await send({"type": "http.response.start", "status": int(HTTPStatus.OK), "headers": list(_EVENTS)})
