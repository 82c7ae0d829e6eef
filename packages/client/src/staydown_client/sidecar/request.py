"""A request as the sidecar's application sees it: its head, and a body that comes in parts."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from staydown_client.sidecar.answers import Answer


class BrokenOffError(Exception):
    """The connection ended, or broke HTTP's rules, before the body was whole."""


@dataclass(slots=True)
class Request:
    """A request's head. `headers` by their names in lower case; of one that is repeated the first counts."""

    method: str
    path: str
    authority: str | None
    headers: dict[str, str]


class Later:
    """An answer that is told soon, by whoever was given this; a task would cost more than many answers do."""

    __slots__ = ("_take",)

    def __init__(self) -> None:
        self._take: Callable[[Answer], None] | None = None

    def then(self, take: Callable[[Answer], None]) -> None:
        """Have the answer given to `take`."""
        self._take = take

    def tell(self, answer: Answer) -> None:
        """Give the answer, once."""
        if self._take is not None:
            self._take(answer)


class Body:
    """A body as it comes, for one reader. What waits to be read is bounded: `pause` and `resume` act on the socket."""

    def __init__(self, *, most_bytes: int, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._parts: deque[bytes] = deque()
        self._bytes = 0
        self._most_bytes = most_bytes
        self._pause = pause
        self._resume = resume
        self._has_ended = self._is_broken = False
        self._waiting: asyncio.Future[None] | None = None

    def feed(self, part: bytes) -> None:
        """Take the next part in."""
        self._parts.append(part)
        self._bytes += len(part)
        if self._bytes > self._most_bytes:
            self._pause()
        self._wake()

    def end(self) -> None:
        """Note that the body is whole."""
        self._has_ended = True
        self._wake()

    def break_off(self) -> None:
        """Note that no more will come; without an effect on a body that is whole."""
        self._is_broken = not self._has_ended
        self._wake()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._parts:
            if self._is_broken:
                raise BrokenOffError
            if self._has_ended:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        part = self._parts.popleft()
        self._bytes -= len(part)
        if self._bytes <= self._most_bytes:
            self._resume()
        return part

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
