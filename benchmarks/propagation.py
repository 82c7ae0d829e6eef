"""From an admission's commit to its refusal by filters: a real hub, 500 connected filters, 20 of them real processes.

The others are light clients, in one process, that verify every event's leaves, root and signature. All run on this
machine's cores together with the hub and its database. What is timed ends when a real filter has answered that the item
and a changed copy are refused. Options: --admissions N, --real N, --light N, --every-ms MS, --markdown FILE (writes the
documentation's table).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from staydown_client.folder import Settings, make_folder
from staydown_client.key import ApiKey
from staydown_client.log_settings import trust_in

from benchmarks._propagation_cpu import cpu_s_by_part
from benchmarks._propagation_items import LIST
from benchmarks._propagation_table import Load, Way, as_markdown, rows_of
from benchmarks.report import Report, machine, revision
from demo.hub import Hub
from demo.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.report import Row

_HERE = Path(__file__).parent
_SETTLES_S = 2.0
_ROLL = """
[[organisation]]
slug = "centre"
name = "Support centre"
kind = "support_centre"

[[organisation]]
slug = "police"
name = "Police"
kind = "police"

[[organisation]]
slug = "platform"
name = "Platform"
kind = "platform"
keys = [{ name = "key", scopes = ["filter"] }]
"""


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Yield the times of admissions and of withdrawals, and what they cost."""
    parser = argparse.ArgumentParser(prog="./staydown bench propagation", description=__doc__)
    parser.add_argument("--admissions", type=int, default=50 if quick else 1000)
    parser.add_argument("--real", type=int, default=5 if quick else 20)
    parser.add_argument("--light", type=int, default=50 if quick else 480)
    parser.add_argument("--every-ms", type=int, default=200)
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args(list(arguments))
    _use_every_core()
    # As root the database runs under another account, which must be able to reach its folder.
    with tempfile.TemporaryDirectory(prefix="staydown-bench-") as scratch:
        Path(scratch).chmod(0o755)
        ways, loads = _measured(Path(scratch), options)
    rows = rows_of(ways, loads, real=options.real, light=options.light)
    yield from rows
    if options.markdown:
        command = " ".join(["./staydown bench propagation", *arguments])
        report = Report(machine(), revision(), tuple(rows))
        options.markdown.write_text(as_markdown(report, command, every_ms=options.every_ms))


def _measured(scratch: Path, options: argparse.Namespace) -> tuple[list[Way], list[Load]]:
    home = scratch / "hub"
    home.mkdir()
    addresses = {f"STAYDOWN_{name}_ADDRESS": f"127.0.0.1:{free_port()}" for name in ("WEB", "FEED")}
    with Hub(home, environment=addresses) as hub, ExitStack() as closing:
        key = _platforms_key(hub, scratch)
        settings = {"STAYDOWN_HOME": str(home), "DJANGO_SETTINGS_MODULE": "staydown_hub.config.settings"}
        words = (options.admissions, options.every_ms)
        judge = closing.enter_context(_child("admit", *words, environment={**os.environ, **addresses, **settings}))
        judge.hear("reported")
        filters, light = _connected(closing, hub, key, scratch, options)
        time.sleep(_SETTLES_S)
        committed_ns, loads = [], []
        for word in ("admit", "withdraw"):
            before, began = cpu_s_by_part(home), time.monotonic()
            committed_ns.append(judge.ask(word))
            time.sleep(_SETTLES_S)
            seconds = time.monotonic() - began
            used = {part: cpu_s - before[part] for part, cpu_s in cpu_s_by_part(home).items()}
            loads.append(Load(word, used, seconds=seconds, events=options.admissions))
        answered_ns = [list(each.end()) for each in filters]
        verified_ns = light.end()
    ways = []
    for at, word in enumerate(("admit", "withdraw")):
        part = slice(at * options.admissions, (at + 1) * options.admissions)
        ways.append(Way(word, committed_ns[at], [each[part] for each in answered_ns], verified_ns[part]))
    return ways, loads


def _platforms_key(hub: Hub, scratch: Path) -> str:
    roll = scratch / "roll.toml"
    roll.write_text(_ROLL)
    made = json.loads(hub.command("organisations", "import", str(roll), "--json"))
    token: str = next(one["keys"][0]["token"] for one in made["organisations"] if one["slug"] == "platform")
    return token


def _connected(
    closing: ExitStack, hub: Hub, key: str, scratch: Path, options: argparse.Namespace
) -> tuple[list[_Child], _Child]:
    """Connect all; the real filters stand evenly among the others in the order in which the feed serves its streams."""
    [offered] = [one for one in hub.get("lists", key=key)["lists"] if one["slug"] == LIST]
    settings = Settings(hub=hub.web_url, list=LIST, log=trust_in(offered["keys"]))
    filters = []
    for number in range(options.real):
        folder = make_folder(scratch / f"filter-{number}", settings=settings, key=ApiKey(key, source="bench"))
        filters.append(closing.enter_context(_child("filter", folder.path, options.admissions)))
    feed = urlsplit(str(hub.get("me", key=key)["feed_url"]))
    light = closing.enter_context(_child("light", feed.hostname, feed.port, offered["keys"][0]))
    light.say(key)
    for each in filters:
        each.hear("ready")
    for number, each in enumerate(filters):
        begin, end = (options.light * at // options.real for at in (number, number + 1))
        light.say(str(end - begin))
        light.hear("connected")
        each.say("follow")
        each.hear("following")
    return filters, light


class _Child:
    """A process of this benchmark, spoken to by lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, line: str) -> None:
        """Send a line."""
        print(line, file=self._process.stdin, flush=True)

    def hear(self, wanted: str) -> None:
        """Wait for a line, which must be this one."""
        if self._heard() != wanted:
            raise RuntimeError(f"a process of the benchmark did not say {wanted!r}")

    def ask(self, line: str) -> Any:  # noqa: ANN401 -- JSON of our own
        """Send a line and return the JSON that is answered."""
        self.say(line)
        return json.loads(self._heard())

    def end(self) -> Any:  # noqa: ANN401 -- JSON of our own
        """End its input, and return the JSON that it then tells."""
        if self._process.stdin:
            self._process.stdin.close()
        return json.loads(self._heard())

    def _heard(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("a process of the benchmark ended early; what it said stands above")
        return line.strip()


@contextmanager
def _child(name: str, *words: object, environment: dict[str, str] | None = None) -> Iterator[_Child]:
    command = [sys.executable, "-m", f"benchmarks._propagation_{name}", *map(str, words)]
    with subprocess.Popen(
        command, cwd=_HERE.parent, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _Child(process)
        finally:
            process.kill()


def _use_every_core() -> None:
    """Undo what the runner does for others: the whole machine is part of what is measured here."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
