"""staydown filter sync: bring the list up to date with the hub."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING

from staydown_client.cli.output import complain, tell, tell_json
from staydown_client.config import find_folder
from staydown_client.errors import ConfigurationError
from staydown_client.folder import open_folder
from staydown_client.local.delivery import Delivery, deliver_once
from staydown_client.metrics_file import MetricsFile
from staydown_client.sync import Applied, CaughtUp, opened

if TYPE_CHECKING:
    import argparse

    from staydown_client.sync import Progress


def run(args: argparse.Namespace) -> int:
    """Sync once, or follow until interrupted, and return the exit status."""
    if args.metrics and not args.follow:
        raise ConfigurationError("--metrics goes with --follow.")
    folder = open_folder(find_folder(args.folder))
    show = _show_json if args.json else _show
    with opened(folder) as syncing:
        if args.follow:
            with Delivery(folder), MetricsFile(folder.path, args.metrics) if args.metrics else nullcontext():
                syncing.follow(show)
        else:
            syncing.catch_up(show)
            deliver_once(folder)
    return 0


def _show(progress: Progress) -> None:
    if isinstance(progress, CaughtUp):
        size = progress.position + 1
        tell(f"Up to date: the list has {size} positions; {progress.applied} were new.")
    elif isinstance(progress, Applied):
        tell(f"Applied position {progress.position}: {progress.operation}.")
    else:
        complain(f"{progress.message} Next try in {progress.retry_in_s:.1f} s; the last list stays in force.")


def _show_json(progress: Progress) -> None:
    event = "caught_up" if isinstance(progress, CaughtUp) else "applied" if isinstance(progress, Applied) else "trouble"
    tell_json({"event": event, **asdict(progress)})
