"""The registry filled: items reported in batches, looked up by any fingerprint, and paged through (500k; --large: 5M).

A real hub (`staydown-hub up`, its own PostgreSQL) takes batches of 10,000 over HTTP: four of five items are pictures
with four fingerprints, one is a video with 44, one in twenty a near copy of another. What is timed is from sending a
batch to the last line of its answer. Options: --large, --items N, --keep FOLDER (a filled hub for the next run).
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import _registry_items as made
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ITEMS: Final = 500_000
_ITEMS_LARGE: Final = 5_000_000
_ITEMS_QUICK: Final = 20_000
_TARGET_ITEMS_S: Final = 2000.0
_TARGET_LOOKUP_MS: Final = 10.0
_TARGET_PAGE_MS: Final = 100.0
_LOOKUPS: Final = 2000
_PAGES: Final = 200
_WAIT_S: Final = 120.0
_ROLL: Final = """
[[organisation]]
slug = "police"
name = "Police"
kind = "police"
keys = [{ name = "bench", scopes = ["report", "read"] }]
"""


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Yield the figures."""
    parser = argparse.ArgumentParser(prog="./staydown bench registry", description=__doc__)
    parser.add_argument("--large", action="store_true", help="5 million items with 60 million fingerprints")
    parser.add_argument("--items", type=int, help="how many")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the filled hub is kept between runs")
    options = parser.parse_args(list(arguments))
    items = options.items or (_ITEMS_LARGE if options.large else _ITEMS_QUICK if quick else _ITEMS)
    with tempfile.TemporaryDirectory(prefix="staydown-bench-", dir="/tmp") as scratch:
        Path(scratch).chmod(0o755)  # as root the database runs under another account
        home = (options.keep or Path(scratch)) / f"registry-{items}"
        with _hub(home) as hub:
            if not (home / "filled").exists():
                yield from _filled(hub, items)
                (home / "filled").touch()
            yield from _looked_up(hub, items)
            yield _paged(hub)


class _Hub:
    """A running hub and a key to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.feed_port = _free_port(), _free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STAYDOWN_")},
            "STAYDOWN_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "staydown_hub.config.settings",
            "STAYDOWN_WEB_ADDRESS": f"127.0.0.1:{self.port}",
            "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{self.feed_port}",
        }
        self.environment.pop("DATABASE_URL", None)
        self.key = ""

    def command(self, *words: str) -> str:
        """Run another of the hub's commands and return what it prints."""
        return subprocess.run(
            [sys.executable, "-m", "staydown_hub", *words],
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def send(self, lines: bytes) -> float:
        """Send a batch, read its answer beside, and return the seconds until its last line."""
        connection = self.connection()
        began = time.perf_counter()
        connection.putrequest("POST", "/api/v1/reports/batch")
        for name, value in {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/x-ndjson",
            "Content-Length": str(len(lines)),
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        sending = threading.Thread(target=connection.send, args=(lines,))
        sending.start()
        told = connection.getresponse().read().splitlines()
        taken = time.perf_counter() - began
        sending.join()
        connection.close()
        refused = [line for line in told if b'"error"' in line]
        if refused or json.loads(told[-1]) != {"rows": lines.count(b"\n")}:
            raise SystemExit(f"a batch was not taken whole: {(refused or told[-1:])[0][:300]!r}")
        return taken

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that stays open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)


@contextmanager
def _hub(home: Path) -> Iterator[_Hub]:
    hub = _Hub(home)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    with (home / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "staydown_hub", "up"], env=hub.environment, stdout=output, stderr=output
        )
    try:
        _wait(lambda: "ready web=" in (home / "output.txt").read_text(), process)
        key = home / "bench.key"
        if not key.exists():
            roll = home / "roll.toml"
            roll.write_text(_ROLL)
            told: dict[str, Any] = json.loads(hub.command("organisations", "import", str(roll), "--json"))
            key.write_text(told["organisations"][0]["keys"][0]["token"])
        hub.key = key.read_text()
        yield hub
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_WAIT_S)


def _wait(happens: Any, process: subprocess.Popen[bytes]) -> None:  # noqa: ANN401 -- a question without arguments
    until = time.monotonic() + _WAIT_S
    while not happens():
        if time.monotonic() > until or process.poll() is not None:
            raise SystemExit("the hub did not get ready")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _filled(hub: _Hub, items: int) -> Iterator[Row]:
    # The first few wake the near process, which a hub begins with only when there is something to compare.
    seconds, done, fingerprints, slowest = 0.0, 0, 0, 0.0
    for number, (lines, count, total) in enumerate(made.batches(items)):
        if number == 0:
            _warm_up(hub, lines)
            continue
        taken = hub.send(lines)
        seconds, done, fingerprints, slowest = (
            seconds + taken,
            done + count,
            fingerprints + total,
            max(slowest, taken / count),
        )
        print(f"{done + count:,} items, {count / taken:,.0f} a second", file=sys.stderr)
    yield Row.rate(f"{items:,} items: registering in batches", done / seconds, "items/s", target=_TARGET_ITEMS_S)
    yield Row(f"{items:,} items: the slowest batch", 1 / slowest, "items/s")
    yield Row(f"{items:,} items: fingerprints registered", fingerprints / seconds, "fingerprints/s")


def _warm_up(hub: _Hub, lines: bytes) -> None:
    rows = lines.splitlines(keepends=True)
    for start in range(0, len(rows), 100):
        hub.send(b"".join(rows[start : start + 100]))
        if start == 0:
            time.sleep(5)


def _looked_up(hub: _Hub, items: int) -> Iterator[Row]:
    generator = random.Random(5)  # noqa: S311 -- nothing secret
    connection = hub.connection()
    taken: dict[str, list[float]] = {"exact": [], "near": []}
    for number in range(_LOOKUPS):
        item = generator.randrange(items)
        one = generator.choice(made.fingerprints_of(item))
        kind = "video" if made.is_video(made.original_of(item)) else "picture"
        if number % 2:
            # Another copy's hash: no exact fingerprint names it, so it is found by being near.
            value = bytearray(made.pdq_of(item)[0])
            value[3] ^= 0b101
            one = {"algorithm": "pdq", "value": value.hex(), "quality": 90}
        body = json.dumps({"kind": kind, "fingerprints": [one]})
        began = time.perf_counter()
        connection.request(
            "POST", "/api/v1/lookups", body, {"Authorization": f"Bearer {hub.key}", "Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        taken["near" if number % 2 or one["algorithm"] == "pdq" else "exact"].append(time.perf_counter() - began)
        if answer.status != http.client.OK:
            raise SystemExit(f"a lookup was answered {answer.status}")
    for name, seconds in taken.items():
        yield _p99(f"{items:,} items: lookup by {name} fingerprint, p99", seconds, _TARGET_LOOKUP_MS)


def _paged(hub: _Hub) -> Row:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._registry_pages", str(_PAGES)],
        env=hub.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return _p99("a page of the open items, p99", json.loads(done.stdout), _TARGET_PAGE_MS)


def _p99(name: str, seconds: list[float], target_ms: float) -> Row:
    ordered = sorted(seconds)
    value_ms = 1000 * ordered[int(0.99 * len(ordered))]
    note = f"median {1000 * ordered[len(ordered) // 2]:.1f} ms of {len(ordered)}"
    return Row(name, value_ms, "ms", None, None, target_ms, value_ms <= target_ms, note)
