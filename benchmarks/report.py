"""The shape of a benchmark's result: rows with the peer beside us, printed as a table and written as JSON."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    `peer` is the other program's figure from the same run, in the same unit. `ratio` says how many times better ours
    is (more for a rate, less for a time). `target` is what the project promises: of the ratio when there is a peer, of
    the value otherwise.
    """

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    note: str = ""

    @classmethod
    def rate(cls, name: str, value: float, unit: str, *, peer: float | None = None, target: float | None = None) -> Row:
        """Make a figure where more is better; `target` is a least ratio to the peer, or a least value without one."""
        ratio = value / peer if peer else None
        judged = ratio if ratio is not None else value
        return cls(name, value, unit, peer, ratio, target, None if target is None else judged >= target)


@dataclass(frozen=True, slots=True)
class Report:
    """All rows of one run, with the machine and the commit they were measured on."""

    machine: str
    commit: str
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, object]:
        """`{machine, commit, rows: [{name, value, unit, peer, ratio, target, met, note}]}`."""
        return {"machine": self.machine, "commit": self.commit, "rows": [asdict(row) for row in self.rows]}


class Benchmark(Protocol):
    """What a module in this folder offers: a docstring whose first line says what it measures, and `run`."""

    __doc__: str | None

    def run(self, *, quick: bool, arguments: Sequence[str]) -> Iterable[Row]:
        """Measure, yielding rows; `arguments` are the command's words that the runner did not know."""


def machine() -> str:
    """Return processor, cores and system in one line, without the machine's name."""
    processor = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{processor}, {os.cpu_count()} cores, {system}"


def revision() -> str:
    """Return the commit that was measured; marked when the tree had changes that are not in it."""
    root = Path(__file__).parent
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    if commit.returncode != 0:
        return "unknown"
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=False
    ).stdout
    return commit.stdout.strip() + ("+changes" if changed else "")


def render_table(report: Report) -> str:
    """Return the report as text: one aligned line for each row."""
    head = ("what", "ours", "unit", "peer", "ratio", "target", "met")
    lines = [head, *(_cells(row) for row in report.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    notes = [f"  {row.name}: {row.note}" for row in report.rows if row.note]
    return "\n".join([f"{report.machine}\ncommit {report.commit}\n", *table, *(["", *notes] if notes else [])])


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "-" if row.ratio is None else f"{row.ratio:.1f}x"
    target = "-" if row.target is None else f"{row.target:g}" + ("x" if row.ratio is not None else "")
    met = {None: "-", True: "yes", False: "NO"}[row.met]
    return (row.name, _number(row.value), row.unit, "-" if row.peer is None else _number(row.peer), ratio, target, met)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004  # three digits say enough
