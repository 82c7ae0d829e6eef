"""A worker that has been taken over can compute and answer, and nothing else."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from staydown_match import FingerprintPool, Fingerprints
from staydown_match.workers.confinement import WALLS
from staydown_match.workers.processes import WorkerProcess
from staydown_match.workers.seccomp import build_filter

MakePool: TypeAlias = Callable[..., FingerprintPool]
Order: TypeAlias = Callable[[FingerprintPool, str], Fingerprints]


def worker_of(pool: FingerprintPool) -> WorkerProcess:
    worker = pool._places._places[0].worker
    assert worker is not None
    return worker


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def limits_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): line[26:].split()[0] for line in lines}


def test_all_walls_stand(make_pool: MakePool) -> None:
    assert platform.machine() in {"x86_64", "aarch64"}, "seccomp.py lists the system calls of these machines only"
    assert worker_of(make_pool()).walls == WALLS


def test_no_way_out_is_open(make_pool: MakePool, order: Order) -> None:
    assert order(make_pool(), "escape").problems[0].detail == "open ways: "


def test_a_worker_cannot_kill(make_pool: MakePool, order: Order) -> None:
    found = order(make_pool(), "kill_self")
    assert (found.problems[0].code, found.problems[0].detail) == ("crashed", "the process that decoded it crashed")


def test_threads_work(make_pool: MakePool, order: Order) -> None:
    assert order(make_pool(), "think_in_threads").problems[0].detail == "sum 499545"


def test_the_system_says_the_same(make_pool: MakePool) -> None:
    pool = make_pool()
    worker = worker_of(pool).pid
    status, limits = status_of(worker), limits_of(worker)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert int(status["CapEff"], 16) == 0
    assert status["Uid"].split() == (["65534"] * 4 if os.geteuid() == 0 else [str(os.getuid())] * 4)
    assert limits["Max file size"] == limits["Max core file size"] == "0"
    assert limits["Max open files"] == "16"
    mapped = int(status["VmSize"].split()[0]) * 1024
    assert mapped < int(limits["Max address space"]) <= mapped + pool._limits.memory_bytes + (16 << 20)
    assert Path(f"/proc/{worker}/oom_score_adj").read_text().strip() == "1000"


def test_a_worker_has_only_its_own_files_open(make_pool: MakePool, order: Order, tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 - the standard library's signature
        found = order(make_pool(), "open_files")
    # /dev/null three times, the count of its own memory, the connection, and the file of this order.
    assert sorted(found.problems[0].detail.split()) == ["device"] * 3 + ["file"] * 2 + ["socket"]


def test_no_setting_of_the_program_reaches_a_worker(
    make_pool: MakePool, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAYDOWN_API_KEY", "sdk_secret")
    names = set(order(make_pool(), "environment").problems[0].detail.split(","))
    assert "STAYDOWN_API_KEY" not in names
    assert "PYTHONPATH" in names


def test_content_in_memory_cannot_be_changed_by_a_worker(
    make_pool: MakePool, own_processes: Callable[[], set[int]]
) -> None:
    """The descriptor that is passed for bytes is sealed: writing to it is one of the ways that `escape` tries."""
    pool = make_pool()
    found = pool.fingerprint_bytes(b"ORDER escape\n" + bytes(5_000_000))
    assert found.problems[0].detail == "open ways: "
    assert own_processes()


def test_workers_are_forked_from_a_process_of_one_thread(make_pool: MakePool) -> None:
    """What other threads hold at the moment of a fork would stay locked for ever in the copy."""
    nursery = make_pool()._crew.nursery_pid
    assert len(list(Path(f"/proc/{nursery}/task").iterdir())) == 1


def test_the_filter_is_one_that_the_kernel_can_take() -> None:
    program = build_filter()
    assert program is not None
    assert len(program) % 8 == 0
    assert len(program) // 8 < 4096
