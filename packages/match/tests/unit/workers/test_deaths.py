"""A worker that dies, hangs or takes too much costs its own file the PDQ hash, and nothing else."""

import hashlib
import io
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import FingerprintPool, Fingerprints, Limits, fingerprint_bytes

MakePool: TypeAlias = Callable[..., FingerprintPool]
Order: TypeAlias = Callable[[FingerprintPool, str], Fingerprints]

MEGABYTE = 1 << 20


def codes(found: Fingerprints) -> list[str]:
    return [problem.code for problem in found.problems]


def assert_only_exact(found: Fingerprints, data: bytes) -> None:
    assert (found.kind, found.pdq, found.width) == (None, (), None)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def good(photographs: dict[str, NDArray[np.uint8]]) -> bytes:
    """Encode a photograph small enough to be hashed in no time."""
    file = io.BytesIO()
    Image.fromarray(photographs["chelsea.png"]).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("crash", "crashed", "crashed"),
        ("abort", "crashed", "crashed"),
        ("leave", "crashed", "crashed"),
        ("fail", "crashed", "crashed"),
        ("nonsense", "crashed", "nonsense"),
        ("too_much", "crashed", "nonsense"),
        ("take_memory", "limit", "memory"),
    ],
)
def test_a_death_is_that_files_problem_alone(
    make_pool: MakePool, order: Order, good: bytes, name: str, code: str, words: str
) -> None:
    pool = make_pool()
    expected = fingerprint_bytes(good)
    for _ in range(3):
        found = order(pool, name)
        assert_only_exact(found, b"ORDER " + name.encode() + b"\n")
        assert codes(found) == [code]
        assert words in found.problems[0].detail
        assert pool.fingerprint_bytes(good) == expected


@pytest.mark.parametrize("name", ["sleep", "compute", "dribble"])
def test_time_by_the_clock_is_limited(make_pool: MakePool, order: Order, good: bytes, name: str) -> None:
    pool = make_pool(Limits(time_s=0.7))
    started = time.monotonic()
    found = order(pool, name)
    assert time.monotonic() - started < 5
    assert codes(found) == ["limit"]
    assert "0.7 seconds" in found.problems[0].detail
    assert pool.fingerprint_bytes(good) == fingerprint_bytes(good)


def test_processor_time_is_limited_by_the_system(make_pool: MakePool, order: Order, good: bytes) -> None:
    pool = make_pool(Limits(cpu_s=1, time_s=60.0))
    found = order(pool, "compute")
    assert codes(found) == ["limit"]
    assert "1 seconds of processor time" in found.problems[0].detail
    assert pool.fingerprint_bytes(good) == fingerprint_bytes(good)


def test_processor_time_is_counted_for_each_file(make_pool: MakePool, good: bytes) -> None:
    """A worker that lives long has used much in all; only what one file takes counts."""
    pool = make_pool(Limits(cpu_s=1), files_per_worker=10_000)
    busy_until = time.monotonic() + 2.5
    while time.monotonic() < busy_until:
        assert pool.fingerprint_bytes(good).problems == ()


def test_a_caller_can_have_less_patience_than_the_limits(make_pool: MakePool) -> None:
    pool = make_pool()
    started = time.monotonic()
    found = pool.fingerprint_bytes(b"ORDER sleep\n", timeout_s=0.5)
    assert time.monotonic() - started < 5
    assert codes(found) == ["limit"]
    assert "0.5 seconds" in found.problems[0].detail


def busy_worker(pool: FingerprintPool) -> int:
    """Wait until the only worker is at work, and give its process id."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        worker = pool._places._places[0].worker
        if worker and worker.files and not pool._places._free:
            return worker.pid
        time.sleep(0.01)
    raise AssertionError("no worker took the file")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_worker_killed_in_the_middle_of_a_file(
    make_pool: MakePool, order: Order, good: bytes, number: signal.Signals
) -> None:
    pool, found = make_pool(), list[Fingerprints]()
    caller = threading.Thread(target=lambda: found.append(order(pool, "sleep")))
    caller.start()
    os.kill(busy_worker(pool), number)
    caller.join(10)
    assert [codes(one) for one in found] == [["crashed"]]
    assert pool.fingerprint_bytes(good) == fingerprint_bytes(good)


def test_a_service_that_is_being_stopped_can_finish_its_files(make_pool: MakePool, order: Order) -> None:
    """Its manager signals all of its processes; decoding goes on for as long as the program does."""
    pool, found = make_pool(), list[Fingerprints]()
    caller = threading.Thread(target=lambda: found.append(order(pool, "nap")))
    caller.start()
    worker, nursery = busy_worker(pool), pool._crew.nursery_pid
    assert nursery is not None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(worker, number)
        os.kill(nursery, number)
    caller.join(10)
    assert [one.problems[0].detail for one in found] == ["slept"]


def test_a_worker_killed_while_idle_costs_no_file(make_pool: MakePool, good: bytes) -> None:
    pool = make_pool()
    for _ in range(3):
        worker = pool._places._places[0].worker
        assert worker is not None
        os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.2)
        assert pool.fingerprint_bytes(good) == fingerprint_bytes(good)


def test_a_killed_nursery_takes_its_workers_along_and_is_replaced(
    make_pool: MakePool, order: Order, good: bytes, own_processes: Callable[[], set[int]]
) -> None:
    pool, found = make_pool(), list[Fingerprints]()
    caller = threading.Thread(target=lambda: found.append(order(pool, "sleep")))
    caller.start()
    worker, nursery = busy_worker(pool), pool._crew.nursery_pid
    assert nursery is not None
    os.kill(nursery, signal.SIGKILL)
    caller.join(10)
    assert [codes(one) for one in found] == [["crashed"]]
    assert pool.fingerprint_bytes(good) == fingerprint_bytes(good)
    assert pool._crew.nursery_pid != nursery
    assert worker not in own_processes()


def test_a_hundred_hostile_files_among_good_ones(make_pool: MakePool, good: bytes) -> None:
    """Several callers at once, deaths of every kind: each good file is right, and nothing is waited for twice."""
    pool = make_pool(Limits(time_s=10.0, memory_bytes=200 * MEGABYTE), workers=2)
    deaths = [b"ORDER crash\n", b"ORDER abort\n", b"ORDER leave\n", b"ORDER nonsense\n", b"ORDER fail\n"]
    files = [file for number in range(100) for file in (deaths[number % len(deaths)], good)]
    expected = fingerprint_bytes(good)
    results: dict[int, Fingerprints] = {}

    def call(numbers: range) -> None:
        for number in numbers:
            results[number] = pool.fingerprint_bytes(files[number])

    started = time.monotonic()
    callers = [threading.Thread(target=call, args=(range(first, len(files), 4),)) for first in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert time.monotonic() - started < 60
    assert all(results[number] == expected for number in range(1, len(files), 2))
    assert all(codes(results[number]) == ["crashed"] for number in range(0, len(files), 2))
