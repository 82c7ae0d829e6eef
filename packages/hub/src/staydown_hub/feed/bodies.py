"""The body of a request: read up to a limit, in time, and of the type that the route takes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from staydown_hub.feed.answers import RefusedError

Receive = Callable[[], Awaitable[dict[str, Any]]]

_WITHIN_S: Final = 10.0


async def read_body(
    headers: Iterable[tuple[bytes, bytes]], receive: Receive, *, media_type: str, max_bytes: int
) -> bytes:
    """Return the body. Raises RefusedError: 415 for another type, 413 over the limit, 408 when it does not come."""
    given = next((value for name, value in headers if name == b"content-type"), b"").decode("latin-1")
    if given.partition(";")[0].strip().lower() != media_type:
        message = f"Send the body as {media_type}. The hub takes no files."
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await _read(receive, max_bytes)
    except TimeoutError:
        raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "timeout", "The body did not come: send it again.") from None


async def _read(receive: Receive, max_bytes: int) -> bytes:
    read = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(HTTPStatus.BAD_REQUEST, "bad_request", "The body ended too early: send it again.")
        read += message.get("body", b"")
        if len(read) > max_bytes:
            what = f"A body has at most {max_bytes:,} bytes here."
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", what)
        if not message.get("more_body", False):
            return bytes(read)
