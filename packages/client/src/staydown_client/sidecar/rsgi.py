"""What granian hands to an application for each request (RSGI 1.5), typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, overload

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Headers(Protocol):
    """A request's headers, by their names in lower case."""

    @overload
    def get(self, key: str) -> str | None: ...

    @overload
    def get(self, key: str, default: str) -> str: ...


class Scope(Protocol):
    """A request without its body."""

    method: str
    path: str
    authority: str | None
    headers: Headers


class HTTPProtocol(Protocol):
    """A request's body, and the way to answer it."""

    async def __call__(self) -> bytes:
        """Return the whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send the answer."""
