"""Runs a sidecar: worker processes that share one socket, and beside them in this process the sync that they see."""

from __future__ import annotations

import logging
import logging.config
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Final

from staydown_client.errors import ConfigurationError, FolderBusyError
from staydown_client.filter import Filter
from staydown_client.sidecar.settings import checked_settings
from staydown_client.sidecar.worker import MAX_CONNECTIONS, STOP_S, logging_settings, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import SpawnProcess

    from staydown_client.sidecar.settings import Address, SidecarSettings

_log = logging.getLogger("staydown_client")
_START_S: Final = 60.0
_RESPAWN_S: Final = 3.0
_KILL_S: Final = STOP_S + 5


def serve(settings: SidecarSettings, *, follow: bool) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP replaces the workers one by one.

    With `follow` the list is kept up to date from a thread of this process, unless another process does it already.
    Raises `FolderError` or `ConfigurationError` when it cannot begin.
    """
    checked_settings(settings)
    logging.config.dictConfig(logging_settings())
    with ExitStack() as stack:
        signals = stack.enter_context(_signals())
        opened = stack.enter_context(Filter.open(settings.folder))
        listening = stack.enter_context(_listening(settings.address))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="staydown-sidecar-", dir=settings.scratch))
        if follow:
            try:
                stack.enter_context(opened.follow())
            except FolderBusyError:
                _log.info("Another process syncs this folder; the sidecar sees what it applies.")
        Workers(replace(settings, scratch=Path(scratch)), listening).run(signals)


class _Worker:
    """A worker process, and the pipe by which it says that it is ready."""

    def __init__(self, settings: SidecarSettings, listening: socket.socket) -> None:
        # Workers begin anew instead of being copied from a process that has threads.
        context = multiprocessing.get_context("spawn")
        self.ready, told = context.Pipe(duplex=False)
        self.process: SpawnProcess = context.Process(
            target=work, args=(settings, listening, told, os.getpid()), name="staydown-sidecar"
        )
        self.process.start()
        told.close()
        self.began_at = time.monotonic()

    def wait_until_ready(self) -> bool:
        """Say whether it answers requests now; False when it ended, or takes too long."""
        try:
            return self.ready.poll(_START_S) and bool(self.ready.recv_bytes())
        except (EOFError, OSError):
            return False

    def tell_to_end(self) -> None:
        """Let it answer what it has begun, and end."""
        self.process.terminate()

    def end(self) -> None:
        """See to it that it is gone."""
        self.tell_to_end()
        self.process.join(_KILL_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Workers:
    """Keeps as many worker processes running as there should be."""

    def __init__(self, settings: SidecarSettings, listening: socket.socket) -> None:
        self._settings = settings
        self._listening = listening
        self._running: list[_Worker] = []
        self._leaving: list[_Worker] = []

    def run(self, signals: Connection) -> None:
        """Run them until SIGTERM or SIGINT."""
        try:
            self._running = [_Worker(self._settings, self._listening) for _ in range(self._settings.workers)]
            while True:
                ends = [each.process.sentinel for each in (*self._running, *self._leaving)]
                wait([signals, *ends])
                told = signals.recv_bytes() if signals.poll() else b""
                if told in {b"SIGTERM", b"SIGINT"}:
                    return
                if told == b"SIGHUP":
                    self._replace_all()
                self._replace_dead()
        finally:
            for worker in (*self._running, *self._leaving):
                worker.tell_to_end()
            for worker in (*self._running, *self._leaving):
                worker.end()

    def _replace_all(self) -> None:
        """Put a new worker in the place of each, which goes once its successor answers."""
        for place, old in enumerate(self._running):
            new = _Worker(self._settings, self._listening)
            if not new.wait_until_ready():
                _log.error("A new worker does not begin: those that run go on.")
                new.end()
                return
            self._running[place] = new
            old.tell_to_end()
            self._leaving.append(old)

    def _replace_dead(self) -> None:
        self._leaving = [each for each in self._leaving if each.process.is_alive()]
        for place, worker in enumerate(self._running):
            if not worker.process.is_alive():
                _log.error("A worker ended by itself (status %s); another takes its place.", worker.process.exitcode)
                time.sleep(max(0.0, worker.began_at + _RESPAWN_S - time.monotonic()))
                self._running[place] = _Worker(self._settings, self._listening)


@contextmanager
def _signals() -> Iterator[Connection]:
    """Give a pipe on which SIGTERM, SIGINT and SIGHUP arrive by their names."""
    arriving, told = multiprocessing.Pipe(duplex=False)

    def take(number: int, _frame: object) -> None:
        told.send_bytes(signal.Signals(number).name.encode())

    before = {each: signal.signal(each, take) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        with arriving, told:
            yield arriving
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _listening(address: Address) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        made = socket.create_server((address.host, address.port), family=family, backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise ConfigurationError(
            f"{address.host}:{address.port} cannot be listened on: {error.strerror}. Does another sidecar run? "
            "Choose another with --address."
        ) from error
    with made:
        yield made
