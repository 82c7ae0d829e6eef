"""staydown filter unsilence: let a silenced entry count again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from staydown_client.cli.output import complain, tell
from staydown_client.config import find_folder
from staydown_client.folder import open_folder
from staydown_client.judge import Judge

if TYPE_CHECKING:
    import argparse


def run(args: argparse.Namespace) -> int:
    """Take the entry off the allow-list and return the exit status."""
    with closing(Judge(open_folder(find_folder(args.folder)).settings_path)) as judge:
        was_silenced = judge.unsilence(args.position)
    if not was_silenced:
        complain(f"position {args.position} is not silenced here.")
        return 1
    tell(f"Position {args.position} counts again.")
    return 0
