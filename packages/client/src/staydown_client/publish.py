"""What leaves this machine when a file is reported or assessed: its fingerprints in wire form, and nothing else."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from staydown_match import Limits

from staydown_client.errors import StaydownError
from staydown_client.policy import MIN_QUALITY

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from staydown_match import Fingerprints, PdqHash

    from staydown_client.entries import Kind

WireFingerprint: TypeAlias = "Mapping[str, str | int]"

MAX_FINGERPRINTS: Final[Mapping[Kind, int]] = {"picture": 64, "video": 256}
"""As many the hub takes of one file."""

PUBLISHING_LIMITS: Final = Limits(time_s=6 * 3600, cpu_s=6 * 3600)
"""A long video that is reported may take its time; a filter's upload may not."""

_LEAST_STEP_S: Final = 1 / 64
_GOLDEN: Final = (math.sqrt(5) - 1) / 2


class NotPublishableError(StaydownError):
    """The file's fingerprints would mislead, or the hub has no place for them; nothing was sent."""


class Fingerprinter(Protocol):
    """What makes fingerprints of a file: staydown_match.fingerprint_file, or a pool that does it in another process."""

    def __call__(self, path: str | os.PathLike[str], /) -> Fingerprints:
        """Fingerprint the file at `path`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What is sent of one file; `note` says in words what of it is not, None when all is."""

    kind: Kind
    fingerprints: list[WireFingerprint]
    note: str | None = None


def say_nothing(_note: str) -> None:
    """Take a note that nobody asked for."""


def wire_fingerprints(fingerprints: Fingerprints) -> list[WireFingerprint]:
    """Return every fingerprint in the form that the hub takes: exact ones first, each PDQ hash once."""
    return _exact(fingerprints) + _perceptual(fingerprints.pdq)


def publishable(fingerprints: Fingerprints) -> Publication:
    """Return what is sent of a picture or video that was read whole; raise `NotPublishableError` for anything else.

    A video that is longer than what is read of one is sent as far as it was read.
    """
    kind = fingerprints.kind
    is_long = kind == "video" and bool(fingerprints.pdq)
    problems = [one for one in fingerprints.problems if not (is_long and one.code == "limit")]
    if problems:
        problem = problems[0]
        raise NotPublishableError(f"{problem.code}: {problem.detail}; nothing was sent. Give a copy that opens whole.")
    if kind is None:
        raise NotPublishableError("neither a picture nor a video; nothing was sent.")
    exact = _exact(fingerprints)
    chosen = evenly_chosen(fingerprints.pdq, most=MAX_FINGERPRINTS[kind] - len(exact), length_s=fingerprints.duration_s)
    notes = [problem.detail for problem in fingerprints.problems]
    if len(chosen) < len(fingerprints.pdq):
        notes.append(f"of {len(fingerprints.pdq)} frames' hashes {len(chosen)} are sent, evenly chosen over its length")
    return Publication(kind=kind, fingerprints=exact + _perceptual(chosen), note="; ".join(notes) or None)


def evenly_chosen(hashes: Sequence[PdqHash], *, most: int, length_s: float | None) -> Sequence[PdqHash]:
    """Return all of `hashes`, or when these are more than `most` those of frames spread evenly over the video.

    Which instants are looked at does not depend on the file: whoever has another copy of the same video chooses the
    same frames of it, and one can vouch for the other's. Hashes of too low a quality to be matched give way first.
    """
    if len(_distinct(hashes)) <= most:
        return hashes
    frames: dict[float, list[PdqHash]] = {}
    for number, one in enumerate(hashes):
        if one.quality >= MIN_QUALITY:
            frames.setdefault(float(number) if one.at_s is None else one.at_s, []).append(one)
    times_s = sorted(frames)
    if not times_s:
        return hashes[:most]
    chosen: dict[float, None] = {}
    values: set[bytes] = set()
    for instant_s in _spread_instants(max(length_s or 0.0, times_s[-1])):
        place = bisect_right(times_s, instant_s) - 1
        if place < 0 or times_s[place] in chosen:
            continue
        shown = _distinct(frames[times_s[place]])
        if len(values | shown) > most:
            break
        chosen[times_s[place]] = None
        values |= shown
    return [one for at_s in sorted(chosen) for one in frames[at_s]]


def _spread_instants(length_s: float) -> Iterator[float]:
    """Yield instants, in seconds, evenly spread however many are taken: halves of halves, each round spread itself."""
    step_s = 2.0 ** math.ceil(math.log2(max(length_s, 1.0)))
    yield 0.0
    while step_s > _LEAST_STEP_S:
        step_s /= 2
        fresh = range(1, math.ceil(length_s / step_s) + 1, 2)
        for number in sorted(fresh, key=lambda number: number * _GOLDEN % 1.0):
            yield number * step_s


def _distinct(hashes: Sequence[PdqHash]) -> set[bytes]:
    return {one.bits for one in hashes}


def _exact(fingerprints: Fingerprints) -> list[WireFingerprint]:
    return [
        {"algorithm": "md5", "value": fingerprints.md5},
        {"algorithm": "sha1", "value": fingerprints.sha1},
        {"algorithm": "sha256", "value": fingerprints.sha256},
    ]


def _perceptual(hashes: Sequence[PdqHash]) -> list[WireFingerprint]:
    best: dict[str, int] = {}
    for pdq in hashes:
        best[pdq.bits.hex()] = max(pdq.quality, best.get(pdq.bits.hex(), 0))
    return [{"algorithm": "pdq", "value": value, "quality": quality} for value, quality in best.items()]
