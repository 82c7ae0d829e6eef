"""`./staydown bench`: lists the benchmarks, or runs one and prints its table."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import benchmarks
from benchmarks.report import Report, machine, render_table, revision

if TYPE_CHECKING:
    from benchmarks.report import Benchmark

_INFRASTRUCTURE = {"__main__", "changes", "films", "pictures", "report", "samples"}


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 when every row that has a target met it, 1 when one did not, 2 for bad usage."""
    parser = argparse.ArgumentParser(prog="./staydown bench", description=__doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="which benchmark; without it they are listed")
    parser.add_argument("--quick", action="store_true", help="a smaller run, for a first impression")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    options, rest = parser.parse_known_args(arguments)
    names = _names()
    if options.name is None:
        for name in names:
            print(f"{name:14} {_summary(name)}")
        return 0
    if options.name not in names:
        parser.error(f"there is no benchmark {options.name!r}; there are: {', '.join(names)}")
    report = _run(options.name, quick=options.quick, rest=rest)
    print(render_table(report))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if any(row.met is False for row in report.rows) else 0


def _names() -> list[str]:
    modules = pkgutil.iter_modules(benchmarks.__path__)
    return sorted(module.name for module in modules if module.name not in _INFRASTRUCTURE)


def _module(name: str) -> Benchmark:
    module: Benchmark = importlib.import_module(f"benchmarks.{name}")
    return module


def _summary(name: str) -> str:
    # Read, not imported: to list a benchmark nobody needs its peers.
    source = Path(benchmarks.__file__).with_name(f"{name}.py").read_text()
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _run(name: str, *, quick: bool, rest: list[str]) -> Report:
    # One core, so that ours and the peers are measured alike and the other core is free for the rest of the machine.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = tuple(_module(name).run(quick=quick, arguments=rest))
    return Report(machine=machine(), commit=revision(), rows=rows)


if __name__ == "__main__":
    sys.exit(main())
