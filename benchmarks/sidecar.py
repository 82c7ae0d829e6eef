"""The sidecar over HTTP, on one core: single lookups, batches, pictures, and lookups while entries arrive.

Rates are per second of the processor's time of all of the sidecar's processes, the kernel's work for their sockets
included. Who asks has another core, and its time is not counted: real requests over kept connections, each for another
hash of 16,000, the next one sent when the last was answered, every answer's status read.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks import _index_data, _sidecar_load
from benchmarks._sidecar_list import listed_folder
from benchmarks.pictures import photographs
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks._sidecar_list import ListedFolder

_COMPACT = "application/vnd.staydown.lookup"
_BATCH = 1000
_ENTRIES_PER_SECOND = 100
_HITS = 0.01  # of the queries lie near an entry; each is put on disk for the hub
_SINGLE_TARGET, _BATCH_TARGET, _P99_TARGET_MS = 8_000, 100_000, 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Yield the rates of one worker that has one core; who asks has another."""
    parser = argparse.ArgumentParser(prog="./staydown bench sidecar")
    parser.add_argument("--entries", type=int, default=100_000 if quick else 1_000_000)
    parser.add_argument("--for-s", type=float, default=3.0 if quick else 15.0)
    options = parser.parse_args(arguments)
    data = _index_data.make("random", options.entries)
    with tempfile.TemporaryDirectory() as scratch:
        listed = listed_folder(Path(scratch) / "filter", data.hashes)
        with _sidecar(listed, Path(scratch)) as sidecar:
            yield from _lookups(sidecar, data, options.entries, for_s=options.for_s)
            yield from _arriving(sidecar, data, listed, for_s=options.for_s)
            yield from _pictures(sidecar, for_s=options.for_s)


def _lookups(sidecar: _Sidecar, data: _index_data.Data, entries: int, *, for_s: float) -> Iterator[Row]:
    name = f"{entries // 1000:,}k entries: "
    queries = _queries(data)
    singles = [_json_request(query) for query in queries]
    load, cpu_s = sidecar.load(singles, connections=16, for_s=for_s)
    yield from _single_rows(name + "single lookups", load, cpu_s)
    batches = [_compact_request(queries[start : start + _BATCH]) for start in range(0, 16 * _BATCH, _BATCH)]
    load, cpu_s = sidecar.load(batches, connections=2, for_s=for_s)
    yield Row.rate(
        name + "hashes in batches of 1,000",
        _BATCH * len(load.latencies_s) / cpu_s,
        "hashes/s",
        target=_BATCH_TARGET,
    )
    yield Row(
        "the same by the clock", _BATCH * load.per_second, "hashes/s", note=f"p50 {load.percentile_ms(50):.1f} ms"
    )
    with_json = [_json_request(*queries[start : start + _BATCH]) for start in range(0, 16 * _BATCH, _BATCH)]
    load, cpu_s = sidecar.load(with_json, connections=2, for_s=for_s / 3)
    yield Row("the same as JSON", _BATCH * len(load.latencies_s) / cpu_s, "hashes/s")


def _single_rows(name: str, load: _sidecar_load.Load, cpu_s: float) -> Iterator[Row]:
    note = f"by the clock {load.per_second:,.0f}; the sidecar had {_share(cpu_s, load)} of its core, who asked "
    note += f"{_share(load.asking_s, load)} of the other"
    yield replace(Row.rate(name, len(load.latencies_s) / cpu_s, "lookups/s", target=_SINGLE_TARGET), note=note)
    p99_ms = load.percentile_ms(99)
    yield Row(
        f"{name}, p99",
        p99_ms,
        "ms",
        target=_P99_TARGET_MS,
        met=p99_ms < _P99_TARGET_MS,
        note=f"16 connections; p50 {load.percentile_ms(50):.2f} ms",
    )


def _share(cpu_s: float, load: _sidecar_load.Load) -> str:
    return f"{cpu_s / load.seconds:.0%}"


def _arriving(sidecar: _Sidecar, data: _index_data.Data, listed: ListedFolder, *, for_s: float) -> Iterator[Row]:
    """Measure single lookups while a sync, on the other core, puts entries in."""
    singles = [_json_request(query) for query in _queries(data)]
    words = (listed.path, listed.size, _ENTRIES_PER_SECOND)
    command = [sys.executable, "-m", "benchmarks._sidecar_list", *map(str, words)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as adding:
        if adding.stdout is None or adding.stdout.readline() != "begun\n":
            raise RuntimeError("no entries could be added")
        load, cpu_s = sidecar.load(singles, connections=16, for_s=for_s)
        told, _ = adding.communicate()
    added, seconds = told.split()
    arriving = int(added) / float(seconds)
    yield from _single_rows(f"single lookups while {arriving:.0f} entries/s arrive", load, cpu_s)


def _pictures(sidecar: _Sidecar, *, for_s: float) -> Iterator[Row]:
    for size in ("0.3 MP", "2 MP"):
        file = io.BytesIO()
        Image.fromarray(next(iter(photographs(size, count=1)))).save(file, "JPEG", quality=90)
        asked = [_sidecar_load.request("/v1/check", "image/jpeg", file.getvalue())]
        load, cpu_s = sidecar.load(asked, connections=4, for_s=for_s / 2, check=b'"action":"allow"')
        note = f"decoded in a walled-in process on the same core; p50 {load.percentile_ms(50):.1f} ms"
        yield Row(f"pictures checked, JPEG of {size}", len(load.latencies_s) / cpu_s, "pictures/s", note=note)


def _queries(data: _index_data.Data) -> _index_data.Hashes:
    """Return random hashes of which one in a hundred lies near an entry."""
    random = np.random.default_rng(7)
    queries = random.integers(0, 256, (16 * _BATCH, 32), dtype=np.uint8)
    chosen = random.random(len(queries)) < _HITS
    near = data.hashes[random.integers(0, len(data.hashes), chosen.sum())]
    queries[chosen] = _index_data.flip(near, random.integers(0, 32, chosen.sum()), random)
    return queries


def _json_request(*hashes: object) -> bytes:
    rows = [{"algorithm": "pdq", "value": bytes(np.asarray(bits)).hex(), "quality": 100} for bits in hashes]
    return _sidecar_load.request("/v1/lookup", "application/json", json.dumps({"fingerprints": rows}).encode())


def _compact_request(hashes: _index_data.Hashes) -> bytes:
    body = struct.pack(">4sBBH", b"SDL\x01", 0, 0, len(hashes)) + hashes.tobytes()
    return _sidecar_load.request("/v1/lookup", _COMPACT, body)


class _Sidecar:
    """A running sidecar of one worker."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self._port = port

    def load(
        self, requests: Sequence[bytes], *, connections: int, for_s: float, check: bytes = b""
    ) -> tuple[_sidecar_load.Load, float]:
        """Ask; return the answers and the processor's time that all of the sidecar's processes took meanwhile."""

        def is_good(answer: bytes) -> bool:
            return check in answer

        _sidecar_load.run(self._port, requests, connections=connections, for_s=min(1.0, for_s), check=is_good)
        before_s = self._cpu_s()
        load = _sidecar_load.run(self._port, requests, connections=connections, for_s=for_s, check=is_good)
        return load, self._cpu_s() - before_s

    def _cpu_s(self) -> float:
        return sum(_cpu_s(pid) for pid in _family(self._process.pid))


@contextmanager
def _sidecar(listed: ListedFolder, scratch: Path) -> Iterator[_Sidecar]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "staydown_client", "filter", "serve", str(listed.path), "--no-follow"]
    # It keeps the core that this process was given; who asks goes to the others.
    command += ["--address", f"127.0.0.1:{port}", "--scratch", str(scratch), "--decoders", "1"]
    process = subprocess.Popen(command)
    others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)
    kept = os.sched_getaffinity(0)
    os.sched_setaffinity(0, others or kept)
    try:
        _wait_until_ready(process, port)
        yield _Sidecar(process, port)
    finally:
        os.sched_setaffinity(0, kept)
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as asking:
                asking.sendall(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
                if asking.recv(100).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the sidecar did not start")


def _family(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _cpu_s(pid: int) -> float:
    """Return the processor's time of a process and of its children that ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS
