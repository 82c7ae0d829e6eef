"""The process that workers are forked from: clean, with one thread, all code loaded, and never near a stranger's file.

`python -P -m staydown_match.workers.nursery DESCRIPTOR SETTINGS`, started by the pool. Forking here costs milliseconds
where a new interpreter costs half a second, and does not copy the locks and threads of the program that uses the pool.
It ends, with all its workers, when the pool's end of the connection is closed: by the pool, or by its program's death.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from typing import cast

from staydown_match.limits import Limits
from staydown_match.workers.confinement import Surroundings
from staydown_match.workers.seccomp import build_filter
from staydown_match.workers.warm_up import load_everything
from staydown_match.workers.worker import Reader, serve

COMMAND_BYTES = 256


class Nursery:
    """Forks workers and ends them, as it is told over `control`."""

    def __init__(self, control: socket.socket, reader: Reader, limits: Limits) -> None:
        self._control = control
        self._reader = reader
        self._surroundings = Surroundings(limits=limits, parent=os.getpid(), seccomp_program=build_filter())
        self._workers: set[int] = set()

    def run(self) -> None:
        """Obey until the pool is gone, then leave no worker behind."""
        try:
            self._control.sendall(b"ready")
            while self._obey():
                pass
        finally:
            for pid in list(self._workers):
                self._end(pid)

    def _obey(self) -> bool:
        command, descriptors, _flags, _address = socket.recv_fds(self._control, COMMAND_BYTES, 1)
        match command.split():
            case [b"fork"] if descriptors:
                self._control.sendall(b"%d" % self._fork(descriptors[0]))
            case [b"end", pid] if int(pid) in self._workers:
                self._control.sendall(b"%d" % self._end(int(pid)))
            case _:
                return False
        return True

    def _fork(self, descriptor: int) -> int:
        """Make a worker that speaks over `descriptor`, and return its process id; 0 when the system refuses."""
        with socket.socket(fileno=descriptor) as connection:
            try:
                pid = os.fork()
            except OSError:
                return 0
            if pid == 0:
                self._become_worker(connection)
        self._workers.add(pid)
        return pid

    def _become_worker(self, connection: socket.socket) -> None:
        status = 1
        try:
            self._control.close()
            serve(connection, self._reader, self._surroundings)
            status = 0
        finally:
            os._exit(status)  # whatever was raised: nothing of the nursery may run on in here

    def _end(self, pid: int) -> int:
        """Kill a worker if it still runs, and return how it ended; until then its process id is nobody else's."""
        os.kill(pid, signal.SIGKILL)
        self._workers.discard(pid)
        return os.waitpid(pid, 0)[1]


def main(arguments: list[str]) -> None:
    """Load everything, then serve the pool at the other end of the inherited descriptor."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    _set_signals()
    settings = json.loads(arguments[1])
    module, _, name = settings["reader"].partition(":")
    reader = cast("Reader", getattr(importlib.import_module(module), name))
    load_everything()
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 2)  # decoders' complaints quote the files; ours, up to here, are for the operator
    os.close(silence)
    gc.collect()
    gc.freeze()  # a worker's collector need not touch, and thereby copy, what all of them share
    Nursery(control, reader, Limits(**settings["limits"])).run()


def _set_signals() -> None:
    """Start from what the system gives, not from what the program has set; end with it, not before it.

    Who stops a service often signals all of its processes at once. The program may still have files to finish then.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main(sys.argv[1:])
