"""One worker process of a sidecar: takes connections from the socket that all share, until it is told to end."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import logging
import logging.config
import os
import signal
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from staydown_client.errors import StaydownError
from staydown_client.sidecar.application import Sidecar
from staydown_client.sidecar.connection import Connection

if TYPE_CHECKING:
    import multiprocessing.connection
    import socket

    from staydown_client.sidecar.connection import Application
    from staydown_client.sidecar.settings import SidecarSettings

MAX_CONNECTIONS: Final = 4096
STOP_S: Final = 30.0
READY: Final = b"ready"
_BUFFER_BYTES: Final = 256 * 1024
_LOOK_EVERY_S: Final = 1.0
_NO_ROOM: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PR_SET_PDEATHSIG: Final = 1
_log = logging.getLogger("staydown_client")


def work(
    settings: SidecarSettings, listening: socket.socket, ready: multiprocessing.connection.Connection, parent: int
) -> None:
    """Serve until SIGTERM; `ready` is told once requests are answered. Runs as a process's main function."""
    _end_with_parent(parent)
    for ignored in (signal.SIGINT, signal.SIGHUP):  # the first process is asked, and tells its workers
        signal.signal(ignored, signal.SIG_IGN)
    logging.config.dictConfig(logging_settings())
    try:
        application = Sidecar(settings)
    except StaydownError as error:
        _log.error("A worker could not begin: %s", error)
        sys.exit(2)
    try:
        application.start()
        asyncio.run(_serve(application, listening, ready))
    finally:
        application.close()


def logging_settings() -> dict[str, Any]:
    """One line an event on standard error: never an address, a header, a fingerprint or a token."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(process)d %(levelname)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "loggers": {
            "asyncio": {"handlers": ["stderr"], "level": "CRITICAL", "propagate": False},
            "staydown_client": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "staydown_match": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }


def _end_with_parent(parent: int) -> None:
    """Have this worker stopped when the first process is gone, however it went: nobody else would tell it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


async def _serve(
    application: Application, listening: socket.socket, ready: multiprocessing.connection.Connection
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_note_error)
    listener = Listener(application, listening)
    stopping = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    listener.begin()
    ready.send_bytes(READY)
    ready.close()
    await stopping.wait()
    await listener.finish()


def _note_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nobody took: where it happened, and not asyncio's words, which name the client's address."""
    _log.error("An error of the sidecar's own ended a connection.", exc_info=context.get("exception"))


class Listener:
    """Takes connections, looks after them, and ends them."""

    def __init__(self, application: Application, listening: socket.socket) -> None:
        """Use a socket that listens; other processes may take connections from it, too."""
        self.application = application
        self.buffer = memoryview(bytearray(_BUFFER_BYTES))
        self.date = _date()
        self._listening = listening
        self._listening.settimeout(0.0)
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._beginning: set[asyncio.Task[Any]] = set()
        self._is_taking = self._is_over = False

    def opened(self, connection: Connection) -> None:
        """Note a connection."""
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        self._take()

    def begin(self) -> None:
        """Take connections from now on."""
        self._take()
        self._loop.call_later(_LOOK_EVERY_S, self._look_after)

    async def finish(self) -> None:
        """Take no more, let what was begun be answered for a while, then end the rest."""
        self._is_over = True
        self._rest()
        until = self._loop.time() + STOP_S
        while (self._connections or self._beginning) and self._loop.time() < until:
            for connection in tuple(self._connections):
                connection.finish()
            await asyncio.sleep(0.05)
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    def _take(self) -> None:
        has_room = len(self._connections) + len(self._beginning) < MAX_CONNECTIONS
        if has_room and not self._is_taking and not self._is_over:
            self._is_taking = True
            self._loop.add_reader(self._listening, self._accept)

    def _rest(self) -> None:
        if self._is_taking:
            self._is_taking = False
            self._loop.remove_reader(self._listening)

    def _accept(self) -> None:
        """Take one connection: another worker may be as free to take the next."""
        try:
            accepted, _ = self._listening.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                _log.error("No more connections can be taken at present: %s.", error.strerror)
                self._rest()
                self._loop.call_later(_LOOK_EVERY_S, self._take)
            return
        accepted.settimeout(0.0)
        task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: Connection(self), accepted))
        self._beginning.add(task)
        task.add_done_callback(self._begun)
        if len(self._connections) + len(self._beginning) >= MAX_CONNECTIONS:
            self._rest()

    def _begun(self, task: asyncio.Task[Any]) -> None:
        self._beginning.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("A connection could not be taken: %s.", type(task.exception()).__name__)

    def _look_after(self) -> None:
        self.date = _date()
        now = self._loop.time()
        for connection in tuple(self._connections):
            connection.look_after(now)
        self._loop.call_later(_LOOK_EVERY_S, self._look_after)


def _date() -> bytes:
    return formatdate(usegmt=True).encode("ascii")
