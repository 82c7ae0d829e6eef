"""staydown fingerprint --compare: which part of one video shows which part of another."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from staydown_match import (
    MIN_QUALITY,
    BruteForceIndex,
    find_variants,
    fingerprint_file,
    match_videos,
    scan_closer_on_hit,
)

from staydown_client.cli.files import complain_of, problem_code
from staydown_client.cli.output import complain, tell, tell_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from staydown_match import Fingerprints, PdqHash, VideoMatch, VideoPart

_RELATIONS: Final = {
    "same": "they show the same",
    "query_is_part": "the first is a part of the second",
    "query_contains": "the first contains the second",
    "overlap": "each shows a part of the other",
    "none": "nothing of one was found in the other",
}


def compare(query_path: Path, known_path: Path, *, as_json: bool) -> int:
    """Show how the first video is related to the second, and return the exit status: 0 when anything is in both."""
    known = _fingerprints(known_path, fingerprint_file)
    if known is None:
        return 2
    closer = partial(scan_closer_on_hit, is_hit=partial(_is_in, _index_of(known)))
    query = _fingerprints(query_path, closer)
    if query is None:
        return 2
    match = match_videos(query, known)
    if as_json:
        tell_json(_as_json(query_path, known_path, match))
    else:
        _show(query_path, known_path, match)
    if query.problems or known.problems:
        return 2
    return 0 if match.parts else 1


def _fingerprints(path: Path, read: Callable[[Path], Fingerprints]) -> Fingerprints | None:
    try:
        found = read(path)
    except OSError as error:
        complain_of(path, problem_code(error), error.strerror or "")
        return None
    for problem in found.problems:
        complain_of(path, problem.code, problem.detail)
    if found.kind == "picture" or (found.kind is None and not found.problems):
        complain(f"{path} is no video. Name two videos.")
    return found if found.kind == "video" else None


def _index_of(video: Fingerprints) -> BruteForceIndex:
    index = BruteForceIndex()
    bits = [found.bits for found in video.pdq if found.quality >= MIN_QUALITY]
    index.add(np.arange(len(bits), dtype=np.uint64), np.frombuffer(b"".join(bits), np.uint8).reshape(-1, 32))
    return index


def _is_in(index: BruteForceIndex, hashed: PdqHash) -> bool:
    return bool(find_variants(index, [hashed]))


def _as_json(query_path: Path, known_path: Path, match: VideoMatch) -> dict[str, object]:
    return {
        "query": str(query_path),
        "known": str(known_path),
        "relation": match.relation,
        "query_share": round(match.query_share, 3),
        "known_share": round(match.known_share, 3),
        "parts": [asdict(part) for part in match.parts],
    }


def _show(query_path: Path, known_path: Path, match: VideoMatch) -> None:
    tell(f"{query_path} and {known_path}: {_RELATIONS[match.relation]}")
    if match.parts:
        tell(f"  {match.query_share:.0%} of the first is in the second, {match.known_share:.0%} the other way round")
    for part in match.parts:
        known = f"{part.known_from_s:.1f} to {part.known_to_s:.1f} s"
        tell(f"  {part.query_from_s:.1f} to {part.query_to_s:.1f} s shows {known}{_changes(part)}")


def _changes(part: VideoPart) -> str:
    changes = [part.orientation.replace("_", " by ")] if part.orientation != "upright" else []
    changes += ["inverted"] if part.inverted else []
    return f" ({', '.join(changes)})" if changes else ""
