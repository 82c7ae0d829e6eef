"""The index benchmark's results as a page of the documentation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._index_measure import Measured
    from benchmarks.report import Report, Row

_HEAD = (
    "system",
    "batch lookups/s",
    "single lookups/s",
    "p50 us",
    "p99 us",
    "recall",
    "build s",
    "add one us",
    "bytes/hash",
)


def as_markdown(report: Report, results: Sequence[Measured], command: str) -> str:
    """Give the targets, one table for each data set, and what is measured of ours alone."""
    parts = [
        "# The index beside its peers\n",
        f"Measured by `{command}` on {report.machine}, commit {report.commit}, one core pinned.",
        "It is made in parts (`--keep`), one for each system and data set, each in a process of its own.",
        "Rates are per second of the processor's time, the best of three; latencies are by the clock.",
        "What limits them is told in [decision 10](../../adr/0010-hamming-index.md).\n",
        _targets(report.rows),
    ]
    groups: dict[tuple[int, str], list[Measured]] = {}
    for result in results:
        groups.setdefault((result.count, result.data), []).append(result)
    for (count, data), group in groups.items():
        parts += [f"\n## {count // 1000:,}k hashes, {data}\n", _table(group)]
        parts += [_own(result) for result in group if result.own]
    return "\n".join(parts)


def _targets(rows: Sequence[Row]) -> str:
    lines = ["| what | ours | unit | times the peer | target | reached |", "|---|---|---|---|---|---|"]
    for row in rows:
        if row.target is not None:
            ratio = "-" if row.ratio is None else f"{row.ratio:.1f}"
            reached = "yes" if row.met else "**no**"
            lines.append(f"| {row.name} | {_figure(row.value)} | {row.unit} | {ratio} | {row.target:g} | {reached} |")
    return "\n".join(lines) + "\n"


def _table(group: Sequence[Measured]) -> str:
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    lines += ["| " + " | ".join(_cells(result)) + " |" for result in group]
    return "\n".join(lines) + "\n"


def _cells(result: Measured) -> list[str]:
    return [
        result.system,
        f"{result.batch_per_s:,.0f}",
        f"{result.single_per_s:,.0f}",
        f"{result.p50_us:,.1f}",
        f"{result.p99_us:,.1f}",
        "-" if math.isnan(result.recall) else f"{result.recall:g}",
        f"{result.build_s:,.1f}",
        f"{result.add_one_us:,.1f}",
        f"{result.bytes_per_hash:,.0f}",
    ]


def _own(result: Measured) -> str:
    lines = [
        f"{result.system}, besides ({result.matches_per_query:.2f} matches a query; while it was measured it had",
        f"{result.busy:.0%} of the core, the rest went to other programs):\n",
    ]
    lines += [f"- {name}: {_figure(value)}" for name, value in result.own.items()]
    return "\n".join(lines) + "\n"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004  # three digits say enough
