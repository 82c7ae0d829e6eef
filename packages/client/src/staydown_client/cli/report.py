"""staydown report: report pictures and videos, by fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staydown_client.cli import report_batch
from staydown_client.cli.agency import decoding, for_each, hub_of, noting, standing_as_json, standing_text
from staydown_client.cli.output import tell, tell_json
from staydown_client.errors import ConfigurationError
from staydown_client.report import report_file

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from staydown_client.hub import Receipt


def run(args: argparse.Namespace) -> int:
    """Report each file, or each line of a batch, and return the exit status."""
    if args.batch:
        return report_batch.run(args)
    if not args.seen_at:
        raise ConfigurationError("Say where the files were seen: --seen-at URL.")
    with hub_of(args) as hub, decoding() as fingerprint:
        return for_each(
            args.files,
            send=lambda path: report_file(
                hub, path, seen_at=args.seen_at, code=args.code, fingerprint=fingerprint, note=noting(path)
            ),
            show=_show_json if args.json else _show,
        )


def _show(path: Path, receipt: Receipt) -> None:
    if receipt.standing is None:
        tell(f"{path}: reported, item {receipt.item}")
    else:
        tell(f"{path}: {'reported before' if receipt.known else 'new'}, {standing_text(receipt.standing)}")


def _show_json(path: Path, receipt: Receipt) -> None:
    if receipt.standing is None:
        tell_json({"file": str(path), "item": str(receipt.item)})
    else:
        standing = standing_as_json(receipt.standing)
        tell_json({"file": str(path), **standing, "known": receipt.known, "sightings": receipt.sightings})
