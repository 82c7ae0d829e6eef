"""FingerprintPool: fingerprints of strangers' files, decoded in worker processes that may die without harm."""

import fcntl
import logging
import math
import os
import signal
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from staydown_match.content import Content
from staydown_match.exact import ExactHashes, exact_hashes
from staydown_match.fingerprint import checked_mode, joined, open_regular
from staydown_match.limits import DEFAULT_LIMITS, MOST_SECONDS, Limits
from staydown_match.types import Fingerprints, InvalidValueError, Mode, Problem, ProblemCode
from staydown_match.workers.crew import Crew
from staydown_match.workers.messages import BadAnswerError, GoneError, TooLateError
from staydown_match.workers.places import BusyError, Place, Places
from staydown_match.workers.processes import StartError, WorkerProcess, was_killed_by

_logger = logging.getLogger(__name__)
_READER = "staydown_match.content:read_content"


class FingerprintPool:
    """Fingerprints files of strangers: decoding runs in processes of its own, with limits that the system enforces.

        with FingerprintPool() as pool:
            found = pool.fingerprint_file(path)

    The result is that of staydown_match.fingerprint_file. When decoding takes too much time or memory, crashes, or is
    killed, the file still has its exact hashes, with no PDQ and a problem ("limit" or "crashed"), and no other file
    notices. One pool serves any number of threads and is best kept for as long as the program runs: its first file
    waits about half a second until the decoders are loaded, or `start` has them loaded before.

    limits: what one file may take.
    workers: how many files are decoded at once; by default one for each core this process may use. Together they can
        take `workers` times `limits.memory_bytes`.
    max_waiting: how many calls may wait for a worker. One more is answered at once: exact hashes and a problem "busy".
    files_per_worker: after so many files a worker is replaced by a fresh one, so that whatever a file did to it does
        not stay. 1 gives each file a process of its own.
    """

    def __init__(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        workers: int | None = None,
        max_waiting: int = 256,
        files_per_worker: int = 50,
        _reader: str = _READER,
    ) -> None:
        """Start nothing yet. Raises InvalidValueError."""
        count = len(os.sched_getaffinity(0)) if workers is None else workers
        for name, value, least in (
            ("workers", count, 1),
            ("max_waiting", max_waiting, 0),
            ("files_per_worker", files_per_worker, 1),
        ):
            if value < least:
                raise InvalidValueError(f"{name}: give a number from {least} on, not {value}")
        self._limits, self._files_per_worker = limits, files_per_worker
        self._crew = Crew(limits, _reader)
        self._places = Places(count=count, max_waiting=max_waiting)
        self._finalizer = weakref.finalize(self, _close, self._places, self._crew)
        _pools.add(self)

    def start(self) -> Self:
        """Have a worker ready before the first file comes. Raises StartError, which says what to look at."""
        with self._places.take(until=None) as place:
            place.worker = place.worker or self._crew.make_worker()
        return self

    def close(self) -> None:
        """End all processes of the pool and wait until they are gone; calls still running get a problem "crashed"."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fingerprint_file(
        self, path: str | os.PathLike[str], mode: Mode = "publish", *, timeout_s: float | None = None
    ) -> Fingerprints:
        """Fingerprint the file at `path`; as staydown_match.fingerprint_file, with the same exceptions.

        `timeout_s` is how long this call may wait for a worker and then for its answer; without it, as long as other
        calls take and `limits.time_s`. The file should not change meanwhile. Raises ClosedError after `close`.
        """
        checked_mode(mode)
        with open_regular(path) as file:
            return self._fingerprint(file.fileno(), mode, timeout_s)

    def fingerprint_bytes(
        self, data: bytes | bytearray | memoryview, mode: Mode = "publish", *, timeout_s: float | None = None
    ) -> Fingerprints:
        """Fingerprint a file's content that is already in memory; as fingerprint_file. No disk gets it."""
        checked_mode(mode)
        with _in_memory(data) as descriptor:
            return self._fingerprint(descriptor, mode, timeout_s)

    def _fingerprint(self, descriptor: int, mode: Mode, timeout_s: float | None) -> Fingerprints:
        if timeout_s is not None and not timeout_s > 0:
            raise InvalidValueError(f"timeout_s: give a number over 0, or None, not {timeout_s}")
        until = None if timeout_s is None else time.monotonic() + min(timeout_s, MOST_SECONDS)
        try:
            with self._places.take(until=until) as place, self._looking(place, descriptor, mode) as worker:
                # The worker decodes while this process hashes.
                started = time.monotonic()
                time_s = min(self._limits.time_s, math.inf if until is None else max(0.0, until - started))
                exact = _exact_hashes(descriptor)
                return joined(exact, self._answer(place, worker, started=started, time_s=time_s))
        except BusyError:
            return joined(_exact_hashes(descriptor), _problem("busy", "too many files are waiting to be decoded"))
        except StartError as error:
            _logger.error("%s", error)  # noqa: TRY400 - its cause is not in this process
            return joined(_exact_hashes(descriptor), _problem("crashed", "no process to decode it could be started"))

    @contextmanager
    def _looking(self, place: Place, descriptor: int, mode: Mode) -> Iterator[WorkerProcess]:
        """Have a worker look at the file. One whose answer was not read to its end is of no more use."""
        worker = self._crew.hand_over(place, mode, descriptor)
        try:
            yield worker
        except BaseException:
            self._end(place)
            raise

    def _answer(self, place: Place, worker: WorkerProcess, *, started: float, time_s: float) -> Content:
        try:
            content, is_last = worker.receive(deadline=started + time_s)
        except TooLateError:
            self._end(place)
            return _problem("limit", f"decoding takes longer than the {time_s:.3g} seconds that it may")
        except GoneError:
            return self._why_gone(self._end(place))
        except BadAnswerError:
            self._end(place)
            return _problem("crashed", "the process that decoded it answered nonsense")
        if is_last or worker.files >= self._files_per_worker:
            self._end(place)
        return content

    def _end(self, place: Place) -> int | None:
        worker, place.worker = place.worker, None
        return worker.end() if worker else None

    def _why_gone(self, status: int | None) -> Content:
        if was_killed_by(status, signal.SIGPROF):
            return _problem(
                "limit", f"decoding takes more than the {self._limits.cpu_s} seconds of processor time that it may"
            )
        if was_killed_by(status, signal.SIGKILL):
            return _problem("crashed", "the process that decoded it was killed")
        return _problem("crashed", "the process that decoded it crashed")

    def _forget(self) -> None:
        self._places.forget()
        self._crew.forget()


def _close(places: Places, crew: Crew) -> None:
    for worker in places.close():
        worker.forget()
    crew.close()


_pools: weakref.WeakSet[FingerprintPool] = weakref.WeakSet()


def _forget_in_forked_copy() -> None:
    for pool in _pools:
        pool._forget()  # noqa: SLF001 - this module's own


os.register_at_fork(after_in_child=_forget_in_forked_copy)


def _problem(code: ProblemCode, detail: str) -> Content:
    return Content(problems=(Problem(code=code, detail=detail),))


def _exact_hashes(descriptor: int) -> ExactHashes:
    """Hash an open file without moving its position, which the worker shares."""
    offset = 0

    def read(size: int) -> bytes:
        nonlocal offset
        block = os.pread(descriptor, size, offset)
        offset += len(block)
        return block

    return exact_hashes(read)


@contextmanager
def _in_memory(data: bytes | bytearray | memoryview) -> Iterator[int]:
    """Give an open file that is only in memory, and that nobody can change: the worker has it open, too."""
    descriptor = os.memfd_create("file", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        yield descriptor
    finally:
        os.close(descriptor)
