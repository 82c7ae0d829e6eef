"""A first sync of a whole list, verified, and a restart: time, memory, disk (1M entries; --large adds 10M).

The list is sealed by the hub's own code and served as files in the feed's layout by a small server on another core, as
a CDN would. Each entry has an MD5, a SHA-256 and a PDQ hash. Options: --large, --sizes 100k,1M,2M, --keep FOLDER
(keeps the sealed list for the next run).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from staydown_client.folder import Settings, make_folder
from staydown_client.key import ApiKey
from staydown_client.log_settings import trust_in

from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000, "2M": 2_000_000, "10M": 10_000_000}
_TARGETS = {"1M": {"sync": 15.0}, "10M": {"sync": 180.0, "memory": 3.0, "restart": 1.0}}
_HERE = Path(__file__).parent
_GB = 1e9


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Yield the figures of each size."""
    parser = argparse.ArgumentParser(prog="./staydown bench sync", description=__doc__)
    parser.add_argument("--large", action="store_true", help="also 10 million entries (6 GB of disk, some minutes)")
    parser.add_argument("--sizes", help=f"of {', '.join(_SIZES)}")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where sealed lists are kept between runs")
    options = parser.parse_args(list(arguments))
    sizes = options.sizes.split(",") if options.sizes else ["100k"] if quick else ["1M"]
    for size in [*sizes, *(["10M"] if options.large else [])]:
        with tempfile.TemporaryDirectory(prefix="staydown-bench-") as scratch:
            place = (options.keep or Path(scratch)) / f"sealed-{size}"
            yield from _measured(size, place, Path(scratch))


def _measured(size: str, sealed: Path, scratch: Path) -> Iterator[Row]:
    if not (sealed / "facts.json").exists():
        sealed.mkdir(parents=True, exist_ok=True)
        _python("_sync_log", sealed, _SIZES[size])
    facts = json.loads((sealed / "facts.json").read_text())
    targets = _TARGETS.get(size, {})
    with _served(sealed) as address:
        key = ApiKey("sdk_abcdefgh_0123456789abcdefghijklmnopqrstuv", source="bench")
        settings = Settings(hub=address, list="bench", log=trust_in([facts["vkey"]]))
        folder = make_folder(scratch / "filter", settings=settings, key=key).path
        synced, seconds = _timed("sync", folder)
    yield _row(f"{size}: from nothing to ready", seconds, "s", targets.get("sync"), note=_SERVED)
    yield _row(f"{size}: memory of the first sync", synced["peak_bytes"] / _GB, "GB", targets.get("memory"))
    on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    yield _row(f"{size}: on disk", on_disk / _GB, "GB", None)
    sample = json.loads(facts["sample"])["fingerprints"][2]["value"]
    looks = [_timed("look", folder, sample) for _ in range(3)]
    if any(found["action"] != "block" for found, _ in looks):
        raise RuntimeError("the list was synced, and an entry of it is not refused")
    restart_s = sorted(seconds for _, seconds in looks)[1]
    yield _row(f"{size}: restart to the first verdict", restart_s, "s", targets.get("restart"), note=_RESTART)


_SERVED = "sealed by the hub's code, served as static files; every leaf and entry verified"
_RESTART = "start of Python included; the middle of three"


def _row(name: str, value: float, unit: str, target: float | None, *, note: str = "") -> Row:
    return Row(name, value, unit, target=target, met=None if target is None else value <= target, note=note)


def _timed(*words: object) -> tuple[dict[str, Any], float]:
    began = time.time()
    told: dict[str, Any] = json.loads(_python("_sync_child", *words))
    return told, told["done_at"] - began


def _python(module: str, *words: object) -> str:
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, words)]
    return subprocess.run(command, cwd=_HERE.parent, stdout=subprocess.PIPE, text=True, check=True).stdout


@contextmanager
def _served(sealed: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks._sync_server", str(sealed)]
    with subprocess.Popen(command, cwd=_HERE.parent, stdout=subprocess.PIPE, text=True) as server:
        try:
            if hasattr(os, "sched_setaffinity"):
                others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)
                os.sched_setaffinity(server.pid, others or os.sched_getaffinity(0))
            if server.stdout is None:
                raise RuntimeError("the server's address cannot be read")
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()
