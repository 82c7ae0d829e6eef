"""Takes a request's body in: never more than was agreed, never longer than it may take, never a part for the whole."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from staydown_client.sidecar.answers import RefusedError, busy, refused
from staydown_client.sidecar.request import BrokenOffError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from staydown_client.sidecar.request import Body, Request

SMALL_BYTES: Final = 1024 * 1024


def declared_length(request: Request, *, max_bytes: int) -> int | None:
    """Return the body's length as the request declares it; None when it comes in chunks. Refuses one too long."""
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal():
        raise refused(400, "bad_length", "The content-length is no number.")
    length = int(text)
    if length > max_bytes:
        raise too_long(max_bytes)
    return length


def too_long(max_bytes: int) -> RefusedError:
    """Make the error for a body that is longer than is taken."""
    return refused(413, "too_long", f"At most {max_bytes} bytes are taken.")


async def chunks(
    request: Request, source: Body, *, max_bytes: int, receive_s: float, idle_s: float
) -> AsyncIterator[bytes]:
    """Yield a body as it comes, whole or not at all: an error follows when it breaks off, stalls or is too long."""
    declared = declared_length(request, max_bytes=max_bytes)
    loop = asyncio.get_running_loop()
    until = loop.time() + receive_s
    received = 0
    while True:
        try:
            async with asyncio.timeout(max(0.0, min(idle_s, until - loop.time()))):
                chunk = await anext(source)
        except StopAsyncIteration:
            break
        except TimeoutError:
            raise refused(408, "too_slow", "The body did not arrive in time.") from None
        except BrokenOffError:
            raise broken_off() from None
        received += len(chunk)
        if received > max_bytes:
            raise too_long(max_bytes)
        yield chunk
    if declared is not None and received != declared:
        raise broken_off()


def broken_off() -> RefusedError:
    """Make the error for a body that ends too early."""
    return refused(400, "broken_off", "The body ended before it was whole.")


class Budget:
    """How many bytes all uploads of this process may take at once."""

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes

    def take(self, count: int) -> None:
        """Take `count` bytes; refuse the upload (503) when so many are not left."""
        if count > self._left_bytes:
            raise busy("bytes of uploads")
        self._left_bytes -= count

    def give_back(self, count: int) -> None:
        """Let others have them."""
        self._left_bytes += count


class Spool:
    """A file as it arrives: in memory while it is small, then in a file without a name, gone with this process."""

    def __init__(self, folder: Path, budget: Budget) -> None:
        self._folder = folder
        self._budget = budget
        self._taken = 0
        self._buffer = bytearray()
        self._descriptor: int | None = None

    async def add(self, data: bytes | memoryview) -> None:
        """Append `data`; what is large goes to the disk from a thread, so that nobody waits for the disk."""
        self._budget.take(len(data))
        self._taken += len(data)
        self._buffer += data
        if len(self._buffer) >= SMALL_BYTES:
            await asyncio.get_running_loop().run_in_executor(None, self._flush)

    def source(self) -> bytes | str:
        """Return the file as `Filter.check` takes it: its bytes, or a path that only this process can open."""
        if self._descriptor is None:
            return bytes(self._buffer)
        self._flush()
        return f"/proc/self/fd/{self._descriptor}"

    def close(self) -> None:
        """Forget the file."""
        self._budget.give_back(self._taken)
        self._taken = 0
        self._buffer.clear()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _flush(self) -> None:
        if self._descriptor is None:
            self._descriptor = _nameless_file(self._folder)
        view = memoryview(bytes(self._buffer))
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._buffer.clear()


@contextmanager
def spooled(folder: Path, budget: Budget) -> Iterator[Spool]:
    """Give a spool that is gone after the block."""
    spool = Spool(folder, budget)
    try:
        yield spool
    finally:
        spool.close()


def _nameless_file(folder: Path) -> int:
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:  # some file systems cannot: the name is taken away at once
        descriptor, path = tempfile.mkstemp(dir=folder)
        os.unlink(path)  # noqa: PTH108 - mkstemp gives a text
        return descriptor
