"""The pool gives what the function gives, to any number of callers, and leaves nothing behind."""

import contextlib
import gc
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image
from staydown_match import (
    ClosedError,
    FingerprintPool,
    Fingerprints,
    InvalidValueError,
    Limits,
    NotAFileError,
    StartError,
    fingerprint_bytes,
    fingerprint_file,
)

MakePool: TypeAlias = Callable[..., FingerprintPool]
Order: TypeAlias = Callable[[FingerprintPool, str], Fingerprints]

HERE = Path(__file__).resolve().parent
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")


@pytest.fixture(scope="module")
def files(photographs: dict[str, Any]) -> list[bytes]:
    """Encode small photographs in every format, whole and cut off; with an empty file and one of no known type."""
    made = [b"", b"nothing that anyone decodes"]
    for name in ("chelsea.png", "coffee.png"):
        picture = Image.fromarray(photographs[name]).resize((300, 200))
        for file_format in FORMATS:
            file = io.BytesIO()
            picture.save(file, file_format)
            made += [file.getvalue(), file.getvalue()[: len(file.getvalue()) // 2]]
    return made


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[FingerprintPool]:
    with FingerprintPool(workers=2) as pool:
        yield pool


def everything(found: Fingerprints) -> tuple[object, ...]:
    """Also what equality leaves out."""
    return found, [pdq.orientations for pdq in found.pdq]


def test_it_finds_what_the_function_finds(shared_pool: FingerprintPool, files: list[bytes], tmp_path: Path) -> None:
    for number, data in enumerate(files):
        path = tmp_path / str(number)
        path.write_bytes(data)
        expected = everything(fingerprint_bytes(data))
        assert everything(shared_pool.fingerprint_bytes(data)) == expected
        assert everything(shared_pool.fingerprint_file(path)) == expected
        assert everything(shared_pool.fingerprint_file(str(path))) == expected


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind(shared_pool: FingerprintPool, files: list[bytes], kind: Callable[[bytes], Any]) -> None:
    assert shared_pool.fingerprint_bytes(kind(files[2])) == fingerprint_bytes(files[2])


def test_it_raises_what_the_function_raises(shared_pool: FingerprintPool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, error in (
        (tmp_path / "none", FileNotFoundError),
        (tmp_path, IsADirectoryError),
        (tmp_path / "pipe", NotAFileError),
    ):
        for fingerprint in (fingerprint_file, shared_pool.fingerprint_file):
            with pytest.raises(error):
                fingerprint(path)
    with pytest.raises(InvalidValueError, match="mode: give one of"):
        shared_pool.fingerprint_bytes(b"", "fast")  # type: ignore[arg-type]  # what a caller without a checker may do


@pytest.mark.parametrize("name", ["workers", "files_per_worker"])
def test_options_are_checked(name: str) -> None:
    with pytest.raises(InvalidValueError, match=f"{name}: give a number from 1 on, not 0"):
        FingerprintPool(**{name: 0})  # type: ignore[arg-type]  # all options named here are numbers


@pytest.mark.parametrize("name", list(Limits.__dataclass_fields__))
def test_limits_are_checked(name: str) -> None:
    for value in (0, -1):
        with pytest.raises(InvalidValueError, match=f"{name}: give a number over 0, not {value}"):
            Limits(**{name: value})


@pytest.mark.parametrize(
    ("name", "most"), [("time_s", 10**6), ("cpu_s", 10**6), ("memory_bytes", 10**18), ("max_frames", 10**18)]
)
def test_limits_without_limit_are_refused_and_the_largest_work(name: str, most: int, files: list[bytes]) -> None:
    for value in (most + 1, float("inf"), float("nan")):
        with pytest.raises(InvalidValueError, match=f"{name}: give"):
            Limits(**{name: value})  # type: ignore[arg-type]  # it must be refused
    with FingerprintPool(limits=Limits(**{name: most}), workers=1) as pool:
        assert pool.fingerprint_bytes(files[2], timeout_s=float("inf")) == fingerprint_bytes(files[2])


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan")])
def test_a_time_to_wait_is_checked(shared_pool: FingerprintPool, timeout_s: float) -> None:
    with pytest.raises(InvalidValueError, match="timeout_s: give a number over 0, or None"):
        shared_pool.fingerprint_bytes(b"x", timeout_s=timeout_s)


def test_a_file_on_its_way_when_the_pool_is_closed_starts_nothing(
    make_pool: MakePool, own_processes: Callable[[], set[int]]
) -> None:
    pool = make_pool()
    with pool._places.take(until=None) as place:
        pool.close()
        with pytest.raises(StartError, match="closed"):
            pool._crew.hand_over(place, "publish", 0)
    assert own_processes() == set()


def test_limits_reach_the_worker(files: list[bytes]) -> None:
    limits = Limits(max_pixels=300 * 200 - 1)
    with FingerprintPool(workers=1, limits=limits) as pool:
        found = pool.fingerprint_bytes(files[2])
    assert [problem.code for problem in found.problems] == ["limit"]
    assert found == fingerprint_bytes(files[2], limits=limits)


def test_many_callers_at_once(shared_pool: FingerprintPool, files: list[bytes]) -> None:
    expected = [fingerprint_bytes(data) for data in files] * 8
    with ThreadPoolExecutor(16) as callers:
        assert list(callers.map(shared_pool.fingerprint_bytes, files * 8)) == expected


def test_who_comes_too_many_is_told_so(make_pool: MakePool) -> None:
    pool = make_pool(max_waiting=1)
    answers: dict[str, Fingerprints] = {}

    def ask(name: str, timeout_s: float) -> threading.Thread:
        def asking() -> None:
            answers[name] = pool.fingerprint_bytes(b"ORDER sleep\n", timeout_s=timeout_s)

        caller = threading.Thread(target=asking)
        caller.start()
        return caller

    # The first holds the only worker for longer than the second has patience, whenever each of them gets its turn.
    first = ask("first", 6.0)
    while pool._places._free:
        time.sleep(0.01)
    second = ask("second", 4.0)
    while pool._places._waiting < 1:
        time.sleep(0.01)
    found = pool.fingerprint_bytes(b"one too many")
    assert [problem.code for problem in found.problems] == ["busy"]
    assert (found.pdq, found.sha256) == ((), fingerprint_bytes(b"one too many").sha256)
    for caller in (first, second):
        caller.join()
    assert [answers[name].problems[0].code for name in ("first", "second")] == ["limit", "busy"]


def worker_of(pool: FingerprintPool, order: Order) -> str:
    detail: str = order(pool, "who").problems[0].detail
    return detail


def test_a_worker_is_replaced_after_its_files(make_pool: MakePool, order: Order) -> None:
    pool = make_pool(files_per_worker=3)
    seen = [worker_of(pool, order) for _ in range(9)]
    assert seen == [seen[0]] * 3 + [seen[3]] * 3 + [seen[6]] * 3
    assert len(set(seen)) == 3


def test_a_worker_that_grows_is_replaced(make_pool: MakePool, order: Order) -> None:
    """Of 300 MB it may grow by an eighth: the second 24 MB that it keeps are its last."""
    pool = make_pool(files_per_worker=1000)
    first = worker_of(pool, order)
    order(pool, "keep_memory")
    assert worker_of(pool, order) == first
    assert order(pool, "keep_memory").problems[0].detail == "kept"
    assert worker_of(pool, order) != first


def test_closing_leaves_no_process(make_pool: MakePool, order: Order, own_processes: Callable[[], set[int]]) -> None:
    pool = make_pool(workers=3)
    with ThreadPoolExecutor(3) as callers:
        list(callers.map(lambda _: order(pool, "who"), range(9)))
    assert len(own_processes()) >= 2
    pool.close()
    assert own_processes() == set()
    pool.close()
    with pytest.raises(ClosedError):
        pool.fingerprint_bytes(b"")


def test_closing_while_files_are_decoded(make_pool: MakePool, own_processes: Callable[[], set[int]]) -> None:
    pool, answers = make_pool(workers=2), list[object]()

    def call() -> None:
        try:
            answers.append(pool.fingerprint_bytes(b"ORDER sleep\n").problems[0].code)
        except ClosedError:
            answers.append("closed")

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    while pool._places._free or pool._places._waiting < 2:
        time.sleep(0.01)
    time.sleep(0.3)
    pool.close()
    for caller in callers:
        caller.join(10)
    assert sorted(map(str, answers)) == ["closed", "closed", "crashed", "crashed"]
    assert own_processes() == set()


def test_a_pool_that_is_dropped_leaves_no_process(own_processes: Callable[[], set[int]]) -> None:
    pool = FingerprintPool(workers=1).start()
    assert own_processes()
    del pool
    gc.collect()
    assert own_processes() == set()


@pytest.mark.parametrize(("program", "words"), [("/bin/false", "did not start"), ("/no/such", "could not be started")])
def test_a_pool_that_cannot_start_says_so(
    program: str, words: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    pool = FingerprintPool(workers=1)
    with pytest.raises(StartError, match=words):
        pool.start()
    found = pool.fingerprint_bytes(b"some file")
    assert [problem.code for problem in found.problems] == ["crashed"]
    assert found.sha256 == fingerprint_bytes(b"some file").sha256
    assert words in caplog.text
    pool.close()


def processes_that_end(pids: list[int], *, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while any(is_alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("way", ["killed", "leaves", "ends"])
def test_a_program_that_is_gone_leaves_no_process(way: str) -> None:
    """Also kill -9, with all workers busy in calls that never return."""
    command = [sys.executable, str(HERE / "owner.py"), way]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 3
        if way == "killed":
            assert all(is_alive(pid) for pid in pids)
            owner.send_signal(signal.SIGKILL)
        owner.wait(20)
    assert processes_that_end(pids, within_s=5)


def test_a_forked_copy_of_the_program_has_processes_of_its_own(files: list[bytes]) -> None:
    with FingerprintPool(workers=1) as pool:
        before = pool._crew.nursery_pid
        pid = os.fork()
        if pid == 0:
            status = 1
            with contextlib.suppress(BaseException):
                right = pool.fingerprint_bytes(files[2]) == fingerprint_bytes(files[2])
                other = pool._crew.nursery_pid not in {before, None}
                pool.close()
                status = 0 if right and other else 2
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert pool._crew.nursery_pid == before
        assert pool.fingerprint_bytes(files[2]) == fingerprint_bytes(files[2])


def test_a_program_ended_by_its_thread_of_start_goes_on(files: list[bytes]) -> None:
    """The thread that started the pool may end: its processes do not end with it."""
    pool = FingerprintPool(workers=1)
    starter = threading.Thread(target=pool.start)
    starter.start()
    starter.join()
    time.sleep(0.3)
    nursery = pool._crew.nursery_pid
    assert pool.fingerprint_bytes(files[2]) == fingerprint_bytes(files[2])
    assert nursery is not None
    assert pool._crew.nursery_pid == nursery
    pool.close()
