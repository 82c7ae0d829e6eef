"""Exact near-match search on one core, beside faiss and threatexchange: speed, memory, change (--large adds 50M).

Options: --large, --sizes 1M,10M, --data random,video, --peers-up-to SIZE (none: ours alone, to try a change),
--markdown FILE (writes the documentation's table), --keep FILE (measurements are kept there; peers, and ours at the
same commit, are not measured again: the whole takes an hour), --tabulate (measures nothing, shows what FILE has).
What is measured goes to standard error as it comes.
STAYDOWN_BENCH_FOLDER names a folder for the saved index, when the usual one for temporary files is too small.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._index_measure import OURS, Measured, measure
from benchmarks._index_systems import SYSTEMS
from benchmarks._index_table import as_markdown
from benchmarks.report import Report, Row, machine, revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SIZES = {"100k": 100_000, "1M": 1_000_000, "10M": 10_000_000, "50M": 50_000_000}
_TARGETS = {
    "1M": {"batch": 130e3, "single": 60e3, "ratio": 50.0, "bytes": 150.0, "open": 0.1, "add": 5.0, "save": 1.0},
    "10M": {"batch": 40e3, "single": 20e3, "ratio": 100.0, "bytes": 110.0, "open": 0.3, "add": 5.0, "save": 1.0},
    "50M": {"batch": 10e3, "single": 6e3, "bytes": 110.0, "open": 1.0, "add": 5.0, "save": 1.0},
}
_LARGEST_OF_PEERS = {"threatexchange PDQIndex": 1_000_000}
_EXACT = 1.0


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of ours with their targets, beside the best exact peer, and those of the peers."""
    options = _options(arguments)
    sizes = options.sizes.split(",") if options.sizes else ["100k"] if quick else ["1M", "10M"]
    if options.large:
        sizes.append("50M")
    kept = _Kept(options.keep)
    results: list[Measured] = []
    rows: list[Row] = []
    for size in sizes:
        for data in options.data.split(","):
            of_data = list(_measured(_systems(size, options.peers_up_to), data, _SIZES[size], kept, options))
            results += of_data
            rows += _rows(size, of_data) if of_data else ()
    if options.markdown:
        command = shlex.join(["./staydown", "bench", "index", *arguments])
        report = Report(machine=machine(), commit=", ".join(sorted(kept.commits_of_ours)), rows=tuple(rows))
        options.markdown.write_text(as_markdown(report, results, command))
    yield from rows


class _Kept:
    """Measurements that outlive a run, a JSON object a line; the last of several counts."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.commits_of_ours: set[str] = set()
        lines = path.read_text().splitlines() if path is not None and path.exists() else ()
        self._kept = {(one["system"], one["data"], one["count"]): one for one in map(json.loads, lines)}

    def find(self, system: str, data: str, count: int, *, any_commit: bool) -> Measured | None:
        one = self._kept.get((system, data, count))
        if one is None or not (any_commit or system != OURS or one["commit"] == revision()):
            return None
        return self._noted(one)

    def put(self, result: Measured) -> Measured:
        one = {"commit": revision(), **asdict(result)}
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(one) + "\n")
        return self._noted(one)

    def _noted(self, one: dict[str, Any]) -> Measured:
        if one["system"] == OURS:
            self.commits_of_ours.add(one["commit"])
        return Measured(**{name: value for name, value in one.items() if name != "commit"})


def _measured(
    systems: Sequence[str], data: str, count: int, kept: _Kept, options: argparse.Namespace
) -> Iterator[Measured]:
    for system in systems:
        result = kept.find(system, data, count, any_commit=options.tabulate)
        if result is None and not options.tabulate:
            result = kept.put(measure(system, data, count))
        if result is not None:
            print(result, file=sys.stderr, flush=True)
            yield result


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./staydown bench index", description=__doc__)
    parser.add_argument("--large", action="store_true", help="also 50 million hashes (ours alone; 16 GB of memory)")
    parser.add_argument("--sizes", help=f"of {', '.join(_SIZES)}")
    parser.add_argument("--data", default="random,video")
    parser.add_argument("--peers-up-to", default="10M", choices=["none", *_SIZES], help="larger sizes are ours alone")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="measurements, so that a long run can be taken up again"
    )
    parser.add_argument("--tabulate", action="store_true", help="measure nothing: only what --keep's FILE has")
    return parser.parse_args(arguments)


def _systems(size: str, peers_up_to: str) -> list[str]:
    if _SIZES[size] > _SIZES.get(peers_up_to, 0):
        return [OURS]
    return [name for name in SYSTEMS if _SIZES[size] <= _LARGEST_OF_PEERS.get(name, _SIZES[size])]


def _rows(size: str, results: list[Measured]) -> Iterator[Row]:
    ours, *peers = results
    name = f"{size} {ours.data}"
    targets = _TARGETS.get(size, {}) if ours.data == "random" else {}
    yield Row.rate(f"{name}: batch", ours.batch_per_s, "lookups/s", target=targets.get("batch"))
    best = max((peer.batch_per_s for peer in peers if not peer.recall < _EXACT), default=None)
    if best is not None:
        ratio = targets.get("ratio")
        yield Row.rate(f"{name}: batch, best exact peer", ours.batch_per_s, "lookups/s", peer=best, target=ratio)
    yield Row.rate(f"{name}: single", ours.single_per_s, "lookups/s", target=targets.get("single"))
    yield _at_most(f"{name}: add one", ours.add_one_us, "us", targets.get("add"))
    yield _at_most(f"{name}: memory", ours.bytes_per_hash, "bytes/hash", targets.get("bytes"))
    yield _at_most(f"{name}: open to first answer", ours.own["open to first answer, s"], "s", targets.get("open"))
    saved_s = ours.own["save after 1,000 changes, s"]
    yield _at_most(f"{name}: save after 1,000 changes", saved_s, "s", targets.get("save"))
    if ours.data == "random":
        yield Row(f"{name}: recall", ours.recall, "", target=_EXACT, met=ours.recall == _EXACT)
    for peer in peers:
        yield Row(f"{name}: batch, {peer.system}", peer.batch_per_s, "lookups/s")


def _at_most(name: str, value: float, unit: str, target: float | None) -> Row:
    return Row(name, value, unit, target=target, met=None if target is None else value <= target)
