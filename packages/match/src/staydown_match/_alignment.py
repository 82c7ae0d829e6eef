"""Which shift in time between two videos the most of their matching frames agree on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from staydown_match.index import Matches

OFFSET_TOLERANCE_S = 0.5
"""Frames agree on an offset up to this: a frame matches its neighbours too, and another rate has frames in between."""

SHARE_OF_EXACT = 0.05
"""What agreement to the frame counts beside agreement within the tolerance: it decides among equals."""

LEAST_WEIGHT_S = 1e-3
"""What a frame counts at least, also the last one of a video whose end is not known."""


@dataclass(frozen=True, slots=True)
class Frames:
    """When the frames of a video begin and end, in seconds: two arrays of one length, in the order of time."""

    from_s: NDArray[np.float64]
    to_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Frames that match: arrays of one length, with the positions of the frames in their videos.

    `variant` says what was done to the query's frame: its position among the variants of a hash.
    """

    query: NDArray[np.int64]
    known: NDArray[np.int64]
    variant: NDArray[np.int64]
    distance_bits: NDArray[np.int64]

    @classmethod
    def of(cls, matches: Matches, *, frame_of_query: NDArray[np.int64], variant_of_query: NDArray[np.int64]) -> "Pairs":
        """Take over what a search found; its keys are positions of known frames."""
        return cls(
            frame_of_query[matches.query],
            matches.key.astype(np.int64),
            variant_of_query[matches.query],
            matches.distance_bits,
        )

    @classmethod
    def joined(cls, parts: Sequence["Pairs"]) -> "Pairs":
        """Give all pairs of several searches."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))

    def where(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """Give the pairs at which `chosen` is True."""
        return Pairs(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of one variant that agree on an offset: the known video's time less the query's, in seconds."""

    offset_s: float
    variant: int
    pairs: Pairs


def alignments(pairs: Pairs, query: Frames, known: Frames) -> Iterator[Alignment]:
    """Yield the offset that explains most of the query's time, then the one for most of the rest, until all is told."""
    while len(pairs):
        best = max(
            (_best_of(pairs, variant, query, known) for variant in np.unique(pairs.variant)), key=lambda it: it[0]
        )
        _, variant, offset_s = best
        low_s, high_s = _offsets(pairs, query, known)
        agreeing = (pairs.variant == variant) & (low_s <= offset_s) & (offset_s <= high_s)
        yield Alignment(offset_s, int(variant), pairs.where(agreeing))
        pairs = pairs.where(~np.isin(pairs.query, pairs.query[agreeing]))


def _offsets(pairs: Pairs, query: Frames, known: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the least and the greatest offset that each pair agrees with: a known hash is shown for some time."""
    at_s = query.from_s[pairs.query]
    low_s: NDArray[np.float64] = known.from_s[pairs.known] - at_s - OFFSET_TOLERANCE_S
    high_s: NDArray[np.float64] = known.to_s[pairs.known] - at_s + OFFSET_TOLERANCE_S
    return low_s, high_s


def _exact_offsets(pairs: Pairs, query: Frames, known: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the offsets at which what the query shows from one hash to the next lies within the known frame.

    A query of which only keyframes were looked at may show other things between two of them, so this is no more than a
    preference. Where it cannot lie within, its first moment does.
    """
    low_s: NDArray[np.float64] = known.from_s[pairs.known] - query.from_s[pairs.query]
    within_s = known.to_s[pairs.known] - query.to_s[pairs.query]
    at_first_s = known.to_s[pairs.known] - query.from_s[pairs.query]
    return low_s, np.where(within_s >= low_s, within_s, at_first_s)


def _best_of(pairs: Pairs, variant: int, query: Frames, known: Frames) -> tuple[float, int, float]:
    """Sweep over all offsets: how many seconds of the query agree at most, the variant, and with which offset."""
    of_variant = pairs.where(pairs.variant == variant)
    seconds = np.maximum(query.to_s - query.from_s, LEAST_WEIGHT_S)
    frame, low_s, high_s = _united_by_frame(of_variant.query, *_offsets(of_variant, query, known))
    # Among the offsets that equally many agree with, one at which pictures also begin and end together.
    exact_frame, exact_low_s, exact_high_s = _united_by_frame(
        of_variant.query, *_exact_offsets(of_variant, query, known)
    )
    starts_s, ends_s = np.concatenate([low_s, exact_low_s]), np.concatenate([high_s, exact_high_s])
    weight_s = np.concatenate([seconds[frame], SHARE_OF_EXACT * seconds[exact_frame]])
    edges_s = np.concatenate([starts_s, ends_s])
    steps_s = np.concatenate([weight_s, -weight_s])
    order = np.lexsort((-steps_s, edges_s))  # where one begins and another ends, both agree
    agreeing_s = np.cumsum(steps_s[order])
    peak = int(agreeing_s.argmax())
    sorted_edges_s = edges_s[order]
    return float(agreeing_s[peak]), variant, float(sorted_edges_s[peak] + sorted_edges_s[peak + 1]) / 2


def _united_by_frame(
    frame: NDArray[np.int64], low_s: NDArray[np.float64], high_s: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Unite overlapping ranges of one frame, so that it counts once at each offset however often it matches there."""
    order = np.lexsort((low_s, frame))
    frame, low_s, high_s = frame[order], low_s[order], high_s[order]
    # The farthest end so far of the same frame: made monotonic over all by lifting each frame above the one before.
    lift = frame * (float(np.ptp(high_s)) + float(np.ptp(low_s)) + 1.0)
    reach_s = np.maximum.accumulate(high_s + lift) - lift
    begins = np.ones(len(frame), np.bool_)
    begins[1:] = (frame[1:] != frame[:-1]) | (low_s[1:] > reach_s[:-1])
    last = np.append(np.flatnonzero(begins)[1:] - 1, len(frame) - 1)
    return frame[begins], low_s[begins], reach_s[last]
