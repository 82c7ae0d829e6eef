"""staydown assess: assess reported pictures, by fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.assess import assess_file
from staydown_client.cli.agency import for_each, hub_of, standing_as_json, standing_text
from staydown_client.cli.output import tell, tell_json

if TYPE_CHECKING:
    import argparse
    from pathlib import Path


def run(args: argparse.Namespace) -> int:
    """Assess each file and return the exit status."""
    with hub_of(args) as hub:

        def attempt(path: Path) -> None:
            standing = assess_file(hub, path, code=args.code)
            if args.json:
                tell_json({"file": str(path), **standing_as_json(standing)})
            else:
                tell(f"{path}: {standing_text(standing)}")

        return for_each(args.files, attempt)
