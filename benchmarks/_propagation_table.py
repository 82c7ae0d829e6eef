"""What was measured of an entry's way to the filters, as rows and as the documentation's table."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.report import Report

_MEDIAN_MS, _P99_MS = 100.0, 250.0
_MS = 1e6
_WIDTH = 120
# Hasher-Matcher-Actioner's documented cycle: what its tasks wait before they look again.
_CYCLE_S = {"fetch": 240, "build": 60, "reload": 30}
_NAMES = {"admit": "admission to refusal", "withdraw": "withdrawal to no refusal"}


@dataclass(frozen=True, slots=True)
class Way:
    """When entries were committed, when each real filter answered by them, and when the light clients had them.

    All in nanoseconds of one clock. `verified_ns` holds for each entry the first, the middle and the last light
    client's time, and how many verified it.
    """

    word: str
    committed_ns: Sequence[int]
    answered_ns: Sequence[Sequence[int | None]]
    verified_ns: Sequence[Sequence[int]]

    def taken_ms(self) -> list[float]:
        """Return how long each entry took to each real filter, shortest first."""
        pairs = (zip(self.committed_ns, each, strict=True) for each in self.answered_ns)
        return sorted((at - began) / _MS for each in pairs for began, at in each if at is not None)

    def last_ms(self) -> list[float]:
        """Return how long each entry took to the last of the real filters, shortest first."""
        entries = zip(self.committed_ns, zip(*self.answered_ns, strict=True), strict=True)
        found = [(began, [at for at in each if at is not None]) for began, each in entries]
        return sorted((max(at_ns) - began) / _MS for began, at_ns in found if at_ns)

    def lost(self, *, light: int) -> int:
        """Return how many pairs of an entry and a filter or client there are where it never arrived."""
        real = sum(at is None for each in self.answered_ns for at in each)
        return real + light * len(self.committed_ns) - sum(count for *_, count in self.verified_ns)

    def light_ms(self) -> list[float]:
        """Return how long each entry took to the last of the light clients, shortest first."""
        pairs = zip(self.committed_ns, self.verified_ns, strict=False)
        return sorted((last - began) / _MS for began, (_, _, last, _) in pairs)


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of entries cost: seconds of the processor by part, over `seconds` by the clock."""

    word: str
    cpu_s: dict[str, float]
    seconds: float
    events: int


def rows_of(ways: Sequence[Way], loads: Sequence[Load], *, real: int, light: int) -> list[Row]:
    """Return the rows; the peer's figures are reckoned from its documented cycle, not measured."""
    rows = [row for way in ways for row in _rows_of(way, real=real, light=light)]
    return [*rows, *(row for load in loads[:1] for row in _costs(load, real=real, light=light))]


def _rows_of(way: Way, *, real: int, light: int) -> list[Row]:
    name, taken_ms = _NAMES[way.word], way.taken_ms()
    mean_ms, worst_ms = 1000 * sum(_CYCLE_S.values()) / 2, 1000.0 * sum(_CYCLE_S.values())
    lost = way.lost(light=light)
    told = f"of {len(way.committed_ns):,} entries at {real} filters; greatest {taken_ms[-1]:.0f} ms"
    return [
        _timed(f"{name}, median", statistics.median(taken_ms), peer=mean_ms, target=_MEDIAN_MS, note=told),
        _timed(f"{name}, p99", _p99(taken_ms), peer=worst_ms, target=_P99_MS),
        _timed("  at the last of the real filters, median", statistics.median(way.last_ms())),
        *([_timed("  at the last of all light clients, median", statistics.median(way.light_ms()))] if light else []),
        Row("  lost", lost, "", target=0, met=lost == 0, note=f"of {(real + light) * len(way.committed_ns):,}"),
    ]


def _costs(load: Load, *, real: int, light: int) -> list[Row]:
    busy = sum(load.cpu_s.values()) / load.seconds
    rows = [Row("processor's time of all parts", busy, "cores", note=f"{load.events / load.seconds:.1f} entries/s")]
    of = {"real filters": f"{real} of them", "light clients": f"{light} of them"}
    for part, cpu_s in load.cpu_s.items():
        rows.append(Row(f"  {part}, an entry", 1000 * cpu_s / load.events, "ms", note=of.get(part, "")))
    return rows


def _timed(name: str, value: float, *, peer: float | None = None, target: float | None = None, note: str = "") -> Row:
    return Row(name, value, "ms", peer=peer, target=target, met=None if target is None else value < target, note=note)


def _p99(ordered: Sequence[float]) -> float:
    return ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]


def as_markdown(report: Report, command: str, *, every_ms: int) -> str:
    """Return the documentation's page."""
    told = f"Measured by `{command}` on {report.machine}, commit {report.commit}. {_HOW.format(every_ms=every_ms)}"
    lines = [
        "# From an admission to its refusal, measured",
        "",
        fill(told, _WIDTH),
        "",
        "| what | ours | unit | peer, reckoned | target | reached |",
        "|---|---|---|---|---|---|",
    ]
    for row in report.rows:
        peer = "-" if row.peer is None else f"{row.peer:,.0f}"
        target = "-" if row.target is None else f"{row.target:g}"
        met = {None: "-", True: "yes", False: "**no**"}[row.met]
        note = f" ({row.note})" if row.note else ""
        lines.append(f"| {row.name.strip()}{note} | {_number(row.value)} | {row.unit} | {peer} | {target} | {met} |")
    cycle = ", ".join(f"{word} {seconds} s" for word, seconds in _CYCLE_S.items())
    return "\n".join([*lines, "", fill(_PEER.format(cycle=cycle), _WIDTH), ""])


_HOW = """A running hub (`staydown-hub up` with its database), its filters and its light clients share the machine's
cores. An item that one organisation reported is assessed by a second in a process that uses the hub's services, one
about every {every_ms} ms; the time begins just before that transaction's COMMIT is sent and ends when a filter has
answered, by `Filter.look_up`, that the item (by its SHA-256) and a changed copy (8 bits from its PDQ hash) are
refused. A real filter is a process that follows as `staydown filter sync --follow` does and is asked as soon as its
list changed. A light client keeps no list; it verifies each event's leaf, root and signature with the filter's own
code; all of them are in one process. A withdrawal is the second organisation's assessment that the item does not
qualify; its time ends with the answer that neither is refused any more."""

_PEER = """The peer is Hasher-Matcher-Actioner. Its figures are **not measured**: they are reckoned from the cycle that
its documentation gives ({cycle}). An entry meets each of these at any moment, so it waits for half of them on average
(beside our median) and for all of them at worst (beside our p99); the work itself is not counted."""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004  # as in report
