"""staydown fingerprint: show files' fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from staydown_match import fingerprint_file

from staydown_client.cli.compare import compare
from staydown_client.cli.files import complain_of, problem_code
from staydown_client.cli.output import complain, tell, tell_json
from staydown_client.publish import wire_fingerprints

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from staydown_match import Fingerprints

_VIDEOS_COMPARED: Final = 2


def run(args: argparse.Namespace) -> int:
    """Show each file's fingerprints, or how two videos are related, and return the exit status."""
    if args.compare:
        if len(args.files) != _VIDEOS_COMPARED:
            complain("--compare takes two videos. Name the one that is looked at, then the one that is known.")
            return 2
        return compare(*args.files, as_json=args.json)
    good = [_fingerprint(path, as_json=args.json) for path in args.files]
    return 0 if all(good) else 2


def _fingerprint(path: Path, *, as_json: bool) -> bool:
    try:
        found = fingerprint_file(path)
    except OSError as error:
        complain_of(path, problem_code(error), error.strerror or "")
        return False
    if as_json:
        tell_json({"file": str(path), **_as_json(found)})
    else:
        _show(path, found)
    for problem in found.problems:
        complain_of(path, problem.code, problem.detail)
    return not found.problems


def _as_json(found: Fingerprints) -> dict[str, object]:
    return {
        "kind": found.kind,
        "media_type": found.media_type,
        "width": found.width,
        "height": found.height,
        "fingerprints": wire_fingerprints(found),
        "problems": [{"code": problem.code, "detail": problem.detail} for problem in found.problems],
    }


def _show(path: Path, found: Fingerprints) -> None:
    size = f" {found.width}x{found.height}" if found.width is not None else ""
    tell(f"{path}: {found.media_type or 'unknown type'}{size}")
    for fingerprint in wire_fingerprints(found):
        quality = f" quality {fingerprint['quality']}" if "quality" in fingerprint else ""
        tell(f"  {fingerprint['algorithm']:<6} {fingerprint['value']}{quality}")
