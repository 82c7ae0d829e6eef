"""staydown filter flood: show entries held for flooding, or reset them."""

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
    """Show or reset, and return the exit status: 1 while an entry is held."""
    with closing(Judge(open_folder(find_folder(args.folder)).settings_path)) as judge:
        if args.reset:
            tell(f"{judge.reset_flood(args.position)} of the entries that were held are believed again.")
            return 0
        held = [flood for flood in judge.status().floods if args.position in {None, flood.position}]
    for flood in held:
        tell(f"Position {flood.position} is held: it matched {flood.matches} of {flood.uploads} uploads.")
    if not held:
        tell("No entry is held.")
    return 1 if held else 0
