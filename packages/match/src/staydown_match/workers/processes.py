"""The nursery and its workers as the pool's process sees them: started, spoken to, ended."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from staydown_match.content import Content
from staydown_match.limits import Limits
from staydown_match.types import Mode
from staydown_match.workers.messages import GoneError, TooLateError, receive_answer, receive_walls, send_request

if TYPE_CHECKING:
    from staydown_match.workers.confinement import Wall

START_TIMEOUT_S = 60.0
"""How long loading all decoders may take on a machine that is busy."""

_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
_OWN_VARIABLES = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",  # each further one takes 64 MB of the address space that a worker is allowed
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",  # numpy's threads would not survive the fork
}


class StartError(Exception):
    """No process for decoding could be started; the message says what to look at."""


class NurseryProcess:
    """The running nursery: forks workers and ends them. Threads may share it."""

    def __init__(self, limits: Limits, reader: str) -> None:
        """Start it; `wait_until_ready` waits until it can be used. Raises StartError."""
        settings = json.dumps({"reader": reader, "limits": dataclasses.asdict(limits)})
        self._control, theirs = _connected(socket.SOCK_SEQPACKET)
        command = [sys.executable, "-P", "-m", "staydown_match.workers.nursery", str(theirs.fileno()), settings]
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=_environment(),
                    start_new_session=True,  # Ctrl-C is for the program that asked, which then closes the pool
                )
        except OSError as error:
            self._control.close()
            raise StartError(f"{sys.executable} could not be started: {error.strerror}") from None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The nursery's process id."""
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Return when it can fork; raise StartError when it cannot be started."""
        with self._lock:
            self._control.settimeout(START_TIMEOUT_S)
            if self._received() != b"ready":
                raise StartError("the process for decoding did not start; it wrote why to the error output")

    def fork(self) -> "WorkerProcess":
        """Make a new worker, walled in and ready for files; raise StartError when that fails."""
        ours, theirs = _connected(socket.SOCK_STREAM)
        with theirs:
            pid = self._forked(theirs)
        if not pid:
            ours.close()
            raise StartError("no process for decoding could be made; the system may be short of memory or processes")
        worker = WorkerProcess(self, pid, ours)
        worker.wait_until_walled_in()
        return worker

    def end(self, pid: int) -> int | None:
        """Kill a worker if it still runs; return how it ended, as os.waitpid does, or None when that is not known."""
        with self._lock:
            try:
                self._control.send(b"end %d" % pid)
                return int(self._received() or b"")
            except (OSError, ValueError):
                return None

    def close(self) -> None:
        """End all workers and the nursery itself, and wait for them."""
        self._control.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(START_TIMEOUT_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """In a forked copy of the pool's process: the nursery is the original's. Let go of it and leave it alone."""
        self._control.close()
        self._process.returncode = 0  # not our child: there is nothing to wait for

    def _forked(self, connection: socket.socket) -> int:
        with self._lock:
            try:
                socket.send_fds(self._control, [b"fork"], [connection.fileno()])
                return int(self._received() or b"0")
            except OSError:
                return 0

    def _received(self) -> bytes:
        try:
            return self._control.recv(64)
        except OSError:
            return b""


class WorkerProcess:
    """One worker: looks into one file at a time."""

    def __init__(self, nursery: NurseryProcess, pid: int, connection: socket.socket) -> None:
        self._nursery = nursery
        self._connection = connection
        self.pid = pid
        self.walls: frozenset[Wall] = frozenset()
        self.files = 0

    def wait_until_walled_in(self) -> None:
        """Return when it takes files; raise StartError when it died before."""
        try:
            self.walls = receive_walls(self._connection, deadline=time.monotonic() + START_TIMEOUT_S)
        except (GoneError, TooLateError):
            self.end()
            raise StartError("a process for decoding ended before its first file") from None

    def hand_over(self, mode: Mode, file_descriptor: int) -> bool:
        """Give it an open file; False when it is gone and never saw the file."""
        self.files += 1
        try:
            send_request(self._connection, mode, file_descriptor)
        except GoneError:
            return False
        return True

    def receive(self, *, deadline: float) -> tuple[Content, bool]:
        """Wait for what it found, and whether it ends itself now. Raises as messages.receive_answer does."""
        return receive_answer(self._connection, deadline=deadline)

    def end(self) -> int | None:
        """Kill it if it still runs; return how it ended, as os.waitpid does, or None when that is not known."""
        self.forget()
        return self._nursery.end(self.pid)

    def forget(self) -> None:
        """Close this side of the connection."""
        self._connection.close()


def _connected(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair(socket.AF_UNIX, kind)
    except OSError as error:
        raise StartError(f"no connection to a process for decoding could be made: {error.strerror}") from None


def _environment() -> dict[str, str]:
    """Give workers none of the program's settings: they hold passwords and keys."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **_OWN_VARIABLES}


def was_killed_by(status: int | None, number: signal.Signals) -> bool:
    """Say whether a process that ended with this status was killed by that signal."""
    return status is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
