"""staydown filter silence: let an entry's matches pass on this platform."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from staydown_client.cli.output import tell
from staydown_client.config import find_folder
from staydown_client.folder import open_folder
from staydown_client.judge import Judge

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Silence the entry and return the exit status."""
    with closing(Judge(open_folder(find_folder(args.folder)).settings_path)) as judge:
        is_new = judge.silence(args.position, reason=args.reason)
    if is_new:
        tell(f"Position {args.position} is silenced here from now on; the hub will be told why.")
    else:
        tell(f"Position {args.position} is silenced already; its first reason stays.")
    return 0
