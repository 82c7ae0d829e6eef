"""staydown assess: assess reported pictures and videos, by fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.assess import assess_file
from staydown_client.cli.agency import decoding, for_each, hub_of, noting, standing_as_json, standing_text
from staydown_client.cli.output import tell, tell_json

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from staydown_client.hub import Standing


def run(args: argparse.Namespace) -> int:
    """Assess each file and return the exit status."""
    with hub_of(args) as hub, decoding() as fingerprint:
        return for_each(
            args.files,
            send=lambda path: assess_file(hub, path, code=args.code, fingerprint=fingerprint, note=noting(path)),
            show=_show_json if args.json else _show,
        )


def _show(path: Path, standing: Standing) -> None:
    tell(f"{path}: {standing_text(standing)}")


def _show_json(path: Path, standing: Standing) -> None:
    tell_json({"file": str(path), **standing_as_json(standing)})
