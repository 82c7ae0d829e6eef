"""Which parts of two videos show the same: how much of each, when in each, and whether one is a part of the other.

A hash stands for what is shown from its time to that of the next one. Shares are shares of time, so it does not matter
how many hashes were kept of either video, nor where in them the sampling began. Frames of low quality (black ones,
fades) can be found in any video: they count neither for nor against.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from staydown_match._alignment import Alignment, Frames, Pairs, alignments
from staydown_match.index import BruteForceIndex
from staydown_match.types import (
    MAX_DISTANCE_BITS,
    MIN_QUALITY,
    ORIENTATIONS,
    PDQ_BYTES,
    Fingerprints,
    InvalidValueError,
    Orientation,
    PdqHash,
)
from staydown_match.variants import variants_of

WHOLE_SHARE = 0.75
"""From this share on a video is called matched as a whole: of a bad copy not every frame is near enough."""

MAX_GAP_S = 2.0
"""A part goes on over frames that do not match for at most so long, a caption or a bad cut; after that it is two."""

MAX_ALIGNMENTS = 100
"""As many different shifts in time between two videos are told apart: a compilation has one for each clip."""

VARIANTS = 2 * len(ORIENTATIONS)
"""Of a hash: its orientations, and the complement of each."""

Relation: TypeAlias = Literal["same", "query_is_part", "query_contains", "overlap", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPart:
    """A stretch of the query that shows a stretch of the known video; seconds from the beginning of each.

    `orientation` and `inverted` say what had to be done to the query's picture. `frames` counts its hashes that match,
    `distance_bits` is the mean of how near they came.
    """

    query_from_s: float
    query_to_s: float
    known_from_s: float
    known_to_s: float
    orientation: Orientation
    inverted: bool
    frames: int
    distance_bits: float

    @property
    def offset_s(self) -> float:
        """What to add to a time in the query to get that in the known video."""
        return self.known_from_s - self.query_from_s


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoMatch:
    """`query_share` and `known_share` (0 to 1) of what can be matched in each; `parts` in the order of the query."""

    query_share: float
    known_share: float
    parts: tuple[VideoPart, ...]

    @property
    def relation(self) -> Relation:
        """Say how the two are related: the query is a clip of the known video, contains it, or they share a part."""
        if not self.parts:
            return "none"
        query_is_whole, known_is_whole = self.query_share >= WHOLE_SHARE, self.known_share >= WHOLE_SHARE
        if query_is_whole:
            return "same" if known_is_whole else "query_is_part"
        return "query_contains" if known_is_whole else "overlap"


def match_videos(
    query: Fingerprints,
    known: Fingerprints,
    *,
    max_distance_bits: int = MAX_DISTANCE_BITS,
    min_quality: int = MIN_QUALITY,
) -> VideoMatch:
    """Compare the hashes of two videos, the known one in "publish" mode, the query in any.

    All variants of the query are looked for: turned, mirrored, inverted, without bars. Raises InvalidValueError when
    one of the two has hashes without times, as pictures have.
    """
    queries = _Timeline.of("query", query, min_quality=min_quality)
    knowns = _Timeline.of("known", known, min_quality=min_quality)
    pairs = _pairs_of(queries, knowns, max_distance_bits=max_distance_bits)
    parts: list[VideoPart] = []
    for alignment in islice(alignments(pairs, queries.frames, knowns.frames), MAX_ALIGNMENTS):
        parts.extend(_parts_of(alignment, queries, knowns))
    parts.sort(key=lambda part: (part.query_from_s, part.known_from_s))
    return VideoMatch(
        query_share=queries.share_within((part.query_from_s, part.query_to_s) for part in parts),
        known_share=knowns.share_within((part.known_from_s, part.known_to_s) for part in parts),
        parts=tuple(parts),
    )


@dataclass(frozen=True, slots=True)
class _Timeline:
    """A video's frames that can be matched, and their hashes: one for each frame, or two when it has bars."""

    hashes: tuple[PdqHash, ...]
    frame_of_hash: NDArray[np.int64]
    frames: Frames

    @classmethod
    def of(cls, name: str, video: Fingerprints, *, min_quality: int) -> "_Timeline":
        times_s = [found.at_s for found in video.pdq if found.at_s is not None]
        if len(times_s) < len(video.pdq):
            raise InvalidValueError(f"{name}: give the fingerprints of a video; these have hashes without a time")
        from_s = np.unique(np.array(times_s, np.float64))
        to_s = np.append(from_s[1:], max(video.duration_s or 0.0, from_s[-1])) if len(from_s) else from_s
        hashes = tuple(found for found in video.pdq if found.quality >= min_quality)
        usable_s, frame_of_hash = np.unique(np.array([found.at_s for found in hashes], np.float64), return_inverse=True)
        kept = np.isin(from_s, usable_s)
        return cls(hashes, frame_of_hash.astype(np.int64), Frames(from_s[kept], to_s[kept]))

    @property
    def end_s(self) -> float:
        return float(self.frames.to_s[-1])

    def bits(self) -> NDArray[np.uint8]:
        return np.frombuffer(b"".join(found.bits for found in self.hashes), np.uint8).reshape(-1, PDQ_BYTES)

    def share_within(self, stretches: Iterable[tuple[float, float]]) -> float:
        """Say which share of the time of these frames lies in any of `stretches`."""
        from_s, to_s = self.frames.from_s, self.frames.to_s
        total_s = float((to_s - from_s).sum())
        covered_s = 0.0
        for start_s, end_s in _united(stretches):
            covered_s += float(np.clip(np.minimum(to_s, end_s) - np.maximum(from_s, start_s), 0, None).sum())
        return min(1.0, covered_s / total_s) if total_s else 0.0


def _united(stretches: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    united: list[tuple[float, float]] = []
    for start_s, end_s in sorted(stretches):
        if united and start_s <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], end_s)
        else:
            united.append((start_s, end_s))
    return united


def _pairs_of(query: _Timeline, known: _Timeline, *, max_distance_bits: int) -> Pairs:
    """Find which frames match: first as they are; turned and inverted where that finds nothing."""
    index = BruteForceIndex()
    index.add(known.frame_of_hash.astype(np.uint64), known.bits())
    plain = Pairs.of(
        index.search(query.bits(), max_distance_bits),
        frame_of_query=query.frame_of_hash,
        variant_of_query=np.zeros(len(query.hashes), np.int64),
    )
    left = np.flatnonzero(~np.isin(query.frame_of_hash, plain.query))
    if not len(left):
        return plain
    variants = np.concatenate([variants_of(query.hashes[position])[1:] for position in left])
    changed = Pairs.of(
        index.search(variants, max_distance_bits),
        frame_of_query=np.repeat(query.frame_of_hash[left], VARIANTS - 1),
        variant_of_query=np.tile(np.arange(1, VARIANTS), len(left)),
    )
    return Pairs.joined([plain, changed])


def _parts_of(alignment: Alignment, query: _Timeline, known: _Timeline) -> Iterator[VideoPart]:
    """Cut the frames that agree on one offset into stretches without a gap."""
    frames = np.unique(alignment.pairs.query)
    seconds_before = np.append(0.0, np.cumsum(query.frames.to_s - query.frames.from_s))
    # How much lies between one matching frame and the next that could have matched and did not.
    unmatched_s = seconds_before[frames[1:]] - seconds_before[frames[:-1] + 1]
    for run in np.split(frames, np.flatnonzero(unmatched_s > MAX_GAP_S) + 1):
        yield _part(run, alignment, query, known)


def _part(run: NDArray[np.int64], alignment: Alignment, query: _Timeline, known: _Timeline) -> VideoPart:
    """Describe the stretch of the frames `run`, no longer than the known video is at that offset."""
    from_s, to_s = float(query.frames.from_s[run[0]]), float(query.frames.to_s[run[-1]])
    known_from_s = min(max(from_s + alignment.offset_s, 0.0), known.end_s)
    known_to_s = min(max(to_s + alignment.offset_s, known_from_s), known.end_s)
    matching = np.isin(alignment.pairs.query, run)
    return VideoPart(
        query_from_s=round(from_s, 3),
        query_to_s=round(to_s, 3),
        known_from_s=round(known_from_s, 3),
        known_to_s=round(known_to_s, 3),
        orientation=ORIENTATIONS[alignment.variant % len(ORIENTATIONS)],
        inverted=alignment.variant >= len(ORIENTATIONS),
        frames=len(run),
        distance_bits=float(alignment.pairs.distance_bits[matching].mean()),
    )
