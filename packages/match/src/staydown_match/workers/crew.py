"""The crew of a pool: one nursery and the workers it forks, made when they are needed and made anew when they die."""

import logging
import os
import threading

from staydown_match.limits import Limits
from staydown_match.types import Mode
from staydown_match.workers.confinement import WALLS
from staydown_match.workers.places import Place
from staydown_match.workers.processes import NurseryProcess, StartError, WorkerProcess

_logger = logging.getLogger(__name__)
_ATTEMPTS = 3


class Crew:
    """Keeps a nursery running while there is use for one. Threads may share it."""

    def __init__(self, limits: Limits, reader: str) -> None:
        self._limits = limits
        self._reader = reader
        self._nursery: NurseryProcess | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._said_which_walls_miss = False

    def hand_over(self, place: Place, mode: Mode, file_descriptor: int) -> WorkerProcess:
        """Give an open file to the worker of `place`, or to a new one if it has none or a dead one.

        Raises StartError when there is no worker to be had.
        """
        for _ in range(_ATTEMPTS):
            place.worker = place.worker or self.make_worker()
            if place.worker.hand_over(mode, file_descriptor):
                return place.worker
            place.worker.end()
            place.worker = None
        raise StartError("processes for decoding die before their first file; the system may be short of memory")

    def make_worker(self) -> WorkerProcess:
        """Fork a worker; raise StartError when that fails also from a new nursery."""
        nursery = self._running_nursery()
        try:
            worker = nursery.fork()
        except StartError:
            self._replace(nursery)
            worker = self._running_nursery().fork()
        self._say_which_walls_miss(worker)
        return worker

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            self._closed = True
            nursery, self._nursery = self._nursery, None
        if nursery:
            nursery.close()

    def forget(self) -> None:
        """In a forked copy of the program: the processes are the original's; the copy gets its own."""
        if self._nursery:
            self._nursery.forget()
        self._nursery = None
        self._lock = threading.Lock()  # whoever held the old one was not copied

    @property
    def nursery_pid(self) -> int | None:
        """The process id of the nursery; None when none was needed yet."""
        return self._nursery.pid if self._nursery else None

    def _running_nursery(self) -> NurseryProcess:
        with self._lock:
            if self._closed:
                raise StartError("the pool was closed while the file waited")
            if self._nursery is None:
                nursery = NurseryProcess(self._limits, self._reader)
                try:
                    nursery.wait_until_ready()
                except BaseException:
                    nursery.close()
                    raise
                self._nursery = nursery
            return self._nursery

    def _replace(self, broken: NurseryProcess) -> None:
        with self._lock:
            if self._nursery is not broken:
                return  # another thread was quicker
            self._nursery = None
        broken.close()

    def _say_which_walls_miss(self, worker: WorkerProcess) -> None:
        missing = WALLS - worker.walls
        if missing and not self._said_which_walls_miss:
            self._said_which_walls_miss = True
            _logger.warning(
                "process %d: files are decoded without these walls: %s", os.getpid(), ", ".join(sorted(missing))
            )
