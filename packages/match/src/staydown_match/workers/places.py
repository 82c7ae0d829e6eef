"""The places of a pool's workers: who asks for one waits its turn, and not everyone may wait."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from staydown_match.workers.processes import WorkerProcess


class BusyError(Exception):
    """All places are taken, and either too many callers wait already or this one has waited long enough."""


class ClosedError(RuntimeError):
    """The pool was closed: make a new one."""

    def __init__(self) -> None:
        super().__init__("the pool is closed: make a new FingerprintPool")


@dataclass(eq=False, slots=True)
class Place:
    """One of the pool's places: held by one caller at a time, with a worker or without one yet."""

    worker: WorkerProcess | None = None


class Places:
    """Hands out a fixed number of places among any number of threads."""

    def __init__(self, *, count: int, max_waiting: int) -> None:
        self._places = [Place() for _ in range(count)]
        self._free = list(self._places)
        self._max_waiting = max_waiting
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()

    @contextmanager
    def take(self, *, until: float | None) -> Iterator[Place]:
        """Hold a place; `until` is a time of time.monotonic(). Raises BusyError or ClosedError when there is none."""
        place = self._taken(until)
        try:
            yield place
        finally:
            self._give_back(place)

    def close(self) -> list[WorkerProcess]:
        """Let nobody in any more, and give the workers of the places that are free."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            return [place.worker for place in self._free if place.worker]

    def forget(self) -> None:
        """In a forked copy of the program, where no other thread is: let go of the original's workers."""
        for place in self._places:
            if place.worker:
                place.worker.forget()
        self.__init__(count=len(self._places), max_waiting=self._max_waiting)  # type: ignore[misc]  # all of it anew

    def _taken(self, until: float | None) -> Place:
        with self._changed:
            if not self._free and not self._closed:
                self._wait(until)
            if self._closed:
                raise ClosedError
            return self._free.pop()  # the one used last: its memory is warm, and the others can stay unmade

    def _wait(self, until: float | None) -> None:
        if self._waiting >= self._max_waiting:
            raise BusyError
        self._waiting += 1
        try:
            timeout_s = None if until is None else max(0.0, until - time.monotonic())
            if not self._changed.wait_for(lambda: self._free or self._closed, timeout_s):
                raise BusyError
        finally:
            self._waiting -= 1

    def _give_back(self, place: Place) -> None:
        with self._changed:
            self._free.append(place)
            self._changed.notify()
