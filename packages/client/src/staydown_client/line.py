"""The connection in use, so that another thread can cut it: when it takes too long, or when somebody asks to end.

A read timeout bounds the wait for each byte. The whole is bounded here, whatever the other side drips: a TLS handshake,
headers, the length of a chunk, a line of an event. Only finding a name's addresses is left to the system's own bounds.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

import urllib3

if TYPE_CHECKING:
    from types import TracebackType

_LONGEST_WAIT_S: Final = 3600.0


class Line:
    """The newest connection of one transport. `cut`, `shut_down` and `is_cut` are for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A second descriptor of the connection: whatever is read through the first, and however it is wrapped or
        # replaced meanwhile, this one still belongs to it.
        self._twin: socket.socket | None = None
        self._is_down = False
        self._is_cut = False

    @property
    def is_cut(self) -> bool:
        """Whether what is being exchanged was cut: then what looks like its end is none."""
        return self._is_cut

    @property
    def is_down(self) -> bool:
        """Whether it was shut down for good."""
        return self._is_down

    def begin(self) -> None:
        """Begin another exchange; one that was cut before does not matter to it."""
        with self._lock:
            self._is_cut = self._is_down

    def take(self, connection: socket.socket) -> None:
        """Take a new connection in the place of the one before."""
        twin = connection.dup()
        with self._lock:
            before, self._twin = self._twin, twin
            if self._is_cut:
                _shut(twin)
        if before is not None:
            before.close()

    def cut(self) -> None:
        """Break off what is being exchanged."""
        with self._lock:
            self._is_cut = True
            if self._twin is not None:
                _shut(self._twin)

    def shut_down(self) -> None:
        """Break off what is being exchanged, and all that is tried later."""
        self._is_down = True
        self.cut()

    def drop(self) -> None:
        """Give the connection up."""
        with self._lock:
            twin, self._twin = self._twin, None
        if twin is not None:
            _shut(twin)
            twin.close()


class Watchdog:
    """Cuts a line, from `with` to its end, when nothing was said to have come of it for `patience_s`."""

    def __init__(self, line: Line, *, patience_s: float) -> None:
        self._line = line
        self._patience_s = patience_s
        self._until_s = math.inf
        self._wake = threading.Condition()
        self._ended = False

    def __enter__(self) -> Self:
        self.go_on()
        threading.Thread(target=self._run, name="staydown-watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._wake:
            self._ended = True
            self._wake.notify()

    def go_on(self) -> None:
        """Say that something came: the time begins anew."""
        self._until_s = time.monotonic() + self._patience_s

    def rest(self) -> None:
        """Say that nobody waits for the other side until `go_on`."""
        self._until_s = math.inf

    def _run(self) -> None:
        with self._wake:
            while not self._ended:
                left_s = self._until_s - time.monotonic()
                if left_s <= 0:
                    self._line.cut()
                    return
                self._wake.wait(min(left_s, self._patience_s, _LONGEST_WAIT_S))


class LinedPools(urllib3.PoolManager):
    """Connections, each of which is given to a line as soon as there is one. For one thread at a time."""

    def __init__(self, line: Line, *, timeout: urllib3.Timeout) -> None:
        super().__init__(retries=False, timeout=timeout)
        self._line = line
        self.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def send(self, method: str, url: str, *, body: bytes | None, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Send a request and return its answer, of which only the headers were read."""
        _connecting.line = self._line
        return self.request(method, url, body=body, headers=headers, redirect=False, preload_content=False)


class _Connecting(threading.local):
    """Whose connections are made in this thread."""

    line: Line | None = None


_connecting = _Connecting()


class _PlainConnection(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _lined(super()._new_conn())


class _SecureConnection(urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _lined(super()._new_conn())


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _lined(connection: socket.socket) -> socket.socket:
    if _connecting.line is not None:
        _connecting.line.take(connection)
    return connection


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)
