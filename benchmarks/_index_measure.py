"""Measures one system on one data set, in a process of its own: what one leaves behind does not weigh on the next."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from staydown_match import BruteForceIndex, HammingIndex

from benchmarks._index_data import Data, make
from benchmarks._index_systems import OURS, SYSTEMS, Staydown, System, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks._index_data import Hashes

_BUDGET_S = 2.0  # for each repetition of a rate
_REPETITIONS = 3
_TRUTH = 48  # queries answered by comparing with every hash
_MILLION = 1_000_000


@dataclass(slots=True)
class Measured:
    """All figures of one system on one data set.

    Rates and times of ours and of the peers are by the processor's time, the best of three, so that what else runs on
    the machine weighs less; `busy` says how much of the clock's time that was. Latencies are by the clock.
    """

    system: str
    data: str
    count: int
    batch_per_s: float = 0.0
    single_per_s: float = 0.0
    p50_us: float = 0.0
    p99_us: float = 0.0
    recall: float = 0.0
    matches_per_query: float = 0.0
    build_s: float = 0.0
    add_one_us: float = 0.0
    bytes_per_hash: float = 0.0
    busy: float = 1.0
    own: dict[str, float] = field(default_factory=dict)  # what only ours is measured for


def measure(system: str, data: str, count: int) -> Measured:
    """Measure in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (system, data, count))


def _measure(name: str, data_name: str, count: int) -> Measured:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    data = make(data_name, count)
    result = Measured(name, data_name, count)
    before = _resident_bytes()
    started = time.process_time()
    system = SYSTEMS[name](data)
    result.build_s = time.process_time() - started
    result.bytes_per_hash = (_resident_bytes() - before) / count
    _rates(system, data, result)
    result.recall = _recall(system, data)
    result.add_one_us = _add_one_us(system, data)
    if isinstance(system, Staydown):
        _own(system.index, data, result)
    return result


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _rates(system: System, data: Data, result: Measured) -> None:
    batch = _fitting(system, data.queries)
    result.batch_per_s, busy = _best_rate(lambda: system.search(batch), len(batch))
    singles = [batch[i : i + 1] for i in range(min(len(batch), 4096))]
    latencies: list[float] = []

    def one_by_one() -> None:
        latencies.clear()
        for one in singles:
            started = time.perf_counter()
            system.search(one)
            latencies.append(time.perf_counter() - started)

    result.single_per_s, busy_single = _best_rate(one_by_one, len(singles))
    result.busy = min(busy, busy_single)
    result.p50_us, result.p99_us = (float(np.quantile(latencies, share)) * 1e6 for share in (0.5, 0.99))
    if isinstance(system, Staydown):
        result.matches_per_query = len(system.index.search(batch)) / len(batch)


def _fitting(system: System, queries: Hashes) -> Hashes:
    """Take as many queries as the system answers in the time there is."""
    trial = queries[:16]
    system.search(trial)
    seconds, _ = timed(lambda: system.search(trial))
    return queries[: max(16, min(len(queries), int(_BUDGET_S / seconds * len(trial))))]


def _best_rate(work: Callable[[], object], count: int) -> tuple[float, float]:
    wall, processor = min((timed(work) for _ in range(_REPETITIONS)), key=lambda times: times[1])
    return count / processor, processor / wall


def _recall(system: System, data: Data) -> float:
    """Compare with every hash, on the first queries; 1 means that nothing is missing and nothing too much."""
    if data.name != "random":  # keys are not positions there: ours is compared by its own tests
        return float("nan")
    oracle = BruteForceIndex()
    oracle.add(np.arange(len(data.hashes), dtype=np.uint64), data.hashes)
    found = oracle.search(data.queries[:_TRUTH])
    truth = set(zip(found.query.tolist(), found.key.tolist(), strict=True))
    answer = system.found(data.queries[:_TRUTH])
    if answer - truth:
        raise AssertionError("a system gave matches that are none")
    return len(answer & truth) / len(truth)


def _add_one_us(system: System, data: Data) -> float:
    """Add for a second, at most 4,000 hashes: what the first addition sets up is included."""
    added = np.random.default_rng(3).integers(0, 256, (4000, 32), dtype=np.uint8)
    count = 0
    started = time.thread_time()
    while count < len(added) and time.thread_time() - started < 1:
        system.add_one(added[count : count + 1], len(data.hashes) + count)
        count += 1
    seconds = time.thread_time() - started
    for one in (added[:1], added[count - 1 : count]):
        if not system.found(one):
            raise AssertionError("an added hash is not found")
    return seconds / count * 1e6


def _own(index: HammingIndex, data: Data, result: Measured) -> None:
    sample = data.queries[:4096]
    rate, _ = _best_rate(lambda: index.search(sample), len(sample))
    result.own["batch with 4,000 added since, per s"] = rate
    if data.name != "random":
        rate, _ = _best_rate(lambda: index.search(sample, best_per_key=True), len(sample))
        result.own["batch, best_per_key, per s"] = rate
        rate, _ = _best_rate(lambda: index.search(sample, limit=1), len(sample))
        result.own["batch, limit=1, per s"] = rate
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        path = Path(folder, "index")
        index.compact()
        result.own["compacted bytes per hash"] = index.stats().memory_bytes / len(index)
        result.own["save all, s"], _ = timed(lambda: index.save(path))
        result.own["bytes per hash on disk"] = path.stat().st_size / len(index)
        fresh = np.random.default_rng(4).integers(0, 256, (1000, 32), dtype=np.uint8)
        index.add(np.arange(1000, dtype=np.uint64) + np.uint64(1 << 40), fresh)
        result.own["save after 1,000 changes, s"], _ = timed(lambda: index.save(path))
        result.own["open to first answer, s"], _ = timed(lambda: HammingIndex.open(path).search(fresh[:1]))
        result.own["batch, opened from the file, per s"] = _opened_rate(path, data)


def _opened_rate(path: Path, data: Data) -> float:
    opened = HammingIndex.open(path)
    opened.search(data.queries)  # its pages are there afterwards, and checked
    rate, _ = _best_rate(lambda: opened.search(data.queries), len(data.queries))
    return rate


def _folder() -> str | None:
    return os.environ.get("STAYDOWN_BENCH_FOLDER")


__all__ = ["OURS", "Measured", "measure"]
