"""Answers on a socket file that only the hub's own account can open: a thread a connection."""

import contextlib
import logging
import os
import socket
import socketserver
from pathlib import Path
from typing import Final

import psycopg

from staydown_hub.near import wire
from staydown_hub.near.following import Following

_IDLE_S: Final = 60.0
_log = logging.getLogger(__name__)


class NearServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The one server of an index. Whoever comes later at the same place takes it over, as after a kill."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, following: Following) -> None:
        self.following = following
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o177)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say where it happened, without what was asked."""
        del request, client_address
        _log.exception("a question was not answered")


class _Handler(socketserver.BaseRequestHandler):
    request: socket.socket
    server: NearServer

    def handle(self) -> None:
        self.request.settimeout(_IDLE_S)
        with contextlib.suppress(wire.BrokenOffError, OSError):
            while (hashes := wire.read_question(self.request)) is not None:
                try:
                    rows = self.server.following.near(hashes)
                except psycopg.Error as error:
                    # No answer at all: whoever asks must not take it for "nothing is near".
                    _log.warning("The database did not answer (%s).", type(error).__name__)
                    return
                self.request.sendall(wire.answer(rows))
