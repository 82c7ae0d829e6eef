"""staydown filter watch: check files as they come into a folder."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from staydown_client.cli.output import tell, tell_json
from staydown_client.config import find_folder
from staydown_client.filter import Filter
from staydown_client.watch import Watch

if TYPE_CHECKING:
    import argparse

    from staydown_client.watch import Watched


def run(args: argparse.Namespace) -> int:
    """Watch until SIGTERM or Ctrl-C, and return the exit status."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Filter.open(find_folder(args.folder)) as opened:
        watching = Watch(opened.start(), args.watched, quarantine=args.quarantine)
        tell_of = _show_json if args.json else _show
        watching.run(tell_of, stop=stop, existing=args.existing)
    return 0


def _show(watched: Watched) -> None:
    verdict = watched.verdict
    details = [f"list {reason.list}, position {reason.position}" for reason in verdict.reasons]
    details += [problem.code for problem in verdict.problems if verdict.action == "unchecked"]
    moved = f"; moved to {watched.moved_to}" if watched.moved_to is not None else ""
    moved += f"; not moved: {watched.not_moved}" if watched.not_moved is not None else ""
    tell(f"{watched.path}: {verdict.action}" + (f" ({'; '.join(details)})" if details else "") + moved)


def _show_json(watched: Watched) -> None:
    moved_to = None if watched.moved_to is None else str(watched.moved_to)
    said = {"file": str(watched.path), **watched.verdict.as_json(), "moved_to": moved_to}
    tell_json(said if watched.not_moved is None else said | {"not_moved": watched.not_moved})
