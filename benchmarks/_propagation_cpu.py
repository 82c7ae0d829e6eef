"""How much of the processor each part of the benchmark took: the hub's processes, the filters, the light clients."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s_by_part(home: Path) -> dict[str, float]:
    """Return the seconds of the processor that each part's living processes took so far; the hub's home is `home`."""
    ours = _family({str(os.getpid())} | _saying(f"\0-D\0{home}"))
    marks = {
        "hub: feed": "\0feed\0",
        "hub: database": f"\0-D\0{home}",
        "admitting process": "\0benchmarks._propagation_admit\0",
        "real filters": "\0benchmarks._propagation_filter\0",
        "light clients": "\0benchmarks._propagation_light\0",
    }
    return {part: sum(map(_cpu_s, _family(_saying(mark) & ours))) for part, mark in marks.items()}


def _saying(mark: str) -> set[str]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark in path.read_text():
                found.add(path.parent.name)
        except OSError:
            continue
    return found


def _family(pids: set[str]) -> set[str]:
    """Return processes and all that descend from them."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[path.parent.name] = path.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
    family = set(pids)
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def _cpu_s(pid: str) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / _TICKS
