"""Pools whose workers misbehave on order, and a look at the processes that are there."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from staydown_match import FingerprintPool, Fingerprints, Limits

HERE = Path(__file__).resolve().parent
MEGABYTE = 1 << 20

MakePool: TypeAlias = Callable[..., FingerprintPool]
Ordered: TypeAlias = Callable[[FingerprintPool, str], Fingerprints]

SMALL_LIMITS = Limits(memory_bytes=300 * MEGABYTE, time_s=30.0)


@pytest.fixture
def make_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePool]:
    """Make pools whose workers run misbehaving.py; all are closed at the end."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    made: list[FingerprintPool] = []

    def make(limits: Limits = SMALL_LIMITS, workers: int = 1, **options: int) -> FingerprintPool:
        pool = FingerprintPool(limits=limits, workers=workers, _reader="misbehaving:read", **options)
        made.append(pool)
        return pool.start()

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def order() -> Ordered:
    """Send a file that is an order."""
    return lambda pool, name: pool.fingerprint_bytes(b"ORDER " + name.encode() + b"\n")


def processes_under(pid: int) -> set[int]:
    """Find all living descendants of a process."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.fixture
def processes() -> Callable[[int], set[int]]:
    """Find all living descendants of a process."""
    return processes_under


@pytest.fixture
def own_processes() -> Callable[[], set[int]]:
    """Find all living descendants of this process that were not there when the test began."""
    before = processes_under(os.getpid())
    return lambda: processes_under(os.getpid()) - before
