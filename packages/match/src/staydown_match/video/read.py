"""From a video file to its content: the hashes of its frames with their times, and what was not read.

Publishing hashes every frame and keeps those that differ from the one before, because another copy of the video may be
sampled at any phase. Scanning looks at keyframes, which need no other frame to be decoded; where they say too little
for longer than KEYFRAME_GAP_S it decodes every frame.
"""

import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from staydown_match.limits import DEFAULT_LIMITS, Limits
from staydown_match.types import MIN_QUALITY, Mode, PdqHash, Problem
from staydown_match.video.completeness import structure_problem
from staydown_match.video.containers import Container, recognise
from staydown_match.video.hashing import FrameHasher
from staydown_match.video.luma import PixelFormatError
from staydown_match.video.problems import ProblemList
from staydown_match.video.reader import Keyframes, VideoReader, Wanted, every_frame
from staydown_match.video.sampling import FrameSampler

KEYFRAME_GAP_S = 12.0
"""Between two keyframes that can be matched lie at most so many seconds, or every frame between them is decoded.

Encoders set 10 seconds and less unless told otherwise. Keyframes that are all black hide nothing, then; keyframes that
show something else do, for so long at a time: only "scan-every-frame" (`every_frame` in a filter's policy) closes that.
"""

MISSING_S, MISSING_SHARE = 1.0, 0.02
"""A video that is shorter than its header says by this much, whichever is more, is called truncated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoContent:
    """What a video file holds: `is_video` is False when that is sound alone. Sizes are those of the first frame."""

    is_video: bool
    media_type: str
    width: int | None
    height: int | None
    duration_s: float | None
    pdq: tuple[PdqHash, ...]
    problems: tuple[Problem, ...]


def read_video(file: BinaryIO, mode: Mode, limits: Limits = DEFAULT_LIMITS) -> VideoContent | None:
    """Fingerprint the video in `file`, which can seek; None when its container is none that is opened here.

    `mode`: "publish", "scan" (keyframes first) or "scan-every-frame". Whatever the file holds, there is an answer.
    """
    container = recognise(file)
    return None if container is None else _Reading(file, container, mode, limits).content()


class _Reading:
    """One video being read."""

    def __init__(self, file: BinaryIO, container: Container, mode: Mode, limits: Limits) -> None:
        self._file = file
        self._container = container
        self._mode = mode
        self._limits = limits
        self._problems = ProblemList(container.name)
        self._deadline_s = time.monotonic() + limits.stop_after_s
        self._reader = VideoReader(file, container, limits=limits, problems=self._problems, deadline_s=self._deadline_s)
        self._hasher = FrameHasher(with_orientations=mode != "publish")

    def content(self) -> VideoContent:
        """Read the video."""
        if self._mode == "scan":
            hashes = self._with_gaps_filled(list(self._hashes(Keyframes())))
        else:
            hashes = list(self._hashes(every_frame))
        self._note_what_is_missing(hashes)
        width, height = self._hasher.size_pixels or (None, None)
        return VideoContent(
            is_video=self._reader.has_video is not False,
            media_type=self._container.media_type,
            width=width,
            height=height,
            duration_s=self._duration_s(),
            pdq=tuple(hashes),
            problems=self._problems.as_tuple(),
        )

    def _hashes(self, wanted: Wanted) -> Iterator[PdqHash]:
        sampler = FrameSampler(max_hashes_per_minute=self._limits.max_hashes_per_minute)
        for timed in self._reader.frames(wanted):
            if timed.frame.is_corrupt:
                self._problems.note_code("damaged")
                if self._mode == "publish":  # what a list holds must be seen in the video, not made by its damage
                    continue
            try:
                frame_hash = self._hasher.hash_of(timed)
            except PixelFormatError:
                self._problems.note(
                    "unsupported", "frames of the {} video are stored in a way that is not decoded here"
                )
                continue
            if sampler.keeps(frame_hash.bits, quality=frame_hash.quality, at_s=timed.at_s):
                yield frame_hash
                yield from self._hasher.trimmed_hash_of(timed)
        if sampler.left_out:
            self._problems.note(
                "limit",
                f"{sampler.left_out} frames of the {{}} video that differ from those before them have no hash: at most "
                f"{self._limits.max_hashes_per_minute} a minute are kept",
            )

    def _with_gaps_filled(self, hashes: list[PdqHash]) -> list[PdqHash]:
        usable_at_s = [found.at_s for found in hashes if found.quality >= MIN_QUALITY and found.at_s is not None]
        edges = [0.0, *usable_at_s, self._reader.end_s]
        gaps = [(start, end) for start, end in pairwise(edges) if end - start > KEYFRAME_GAP_S]
        if not gaps:
            return hashes
        starts = [start for start, _ in gaps]

        def in_a_gap(at_s: float) -> bool:
            place = bisect_right(starts, at_s) - 1
            return place >= 0 and at_s < gaps[place][1]

        seen_at_s = {found.at_s for found in hashes}
        filling = self._hashes(lambda _is_keyframe, group_at_s: in_a_gap(group_at_s))
        return sorted(
            [*hashes, *(found for found in filling if found.at_s not in seen_at_s)], key=lambda found: found.at_s or 0.0
        )

    def _note_what_is_missing(self, hashes: list[PdqHash]) -> None:
        found = structure_problem(self._file, self._container, deadline_s=self._deadline_s)
        if found:
            self._problems.note_code(found)
        elif self._missing_s() > 0 and not self._problems.has("limit"):
            self._problems.note("truncated", "the {} video ends earlier than its header says")
        if self._problems or hashes:
            return
        if self._reader.has_video:
            self._problems.note("damaged", "the {} video holds no frame that could be decoded")
        else:
            self._problems.note("unsupported", "the {} file holds no video; sound is not fingerprinted here")

    def _missing_s(self) -> float:
        said_s, found_s = self._reader.header_duration_s or 0.0, self._reader.end_s
        return said_s - found_s if said_s - found_s > max(MISSING_S, MISSING_SHARE * said_s) else 0.0

    def _duration_s(self) -> float | None:
        said_s, found_s = self._reader.header_duration_s or 0.0, self._reader.end_s
        if self._problems.has("limit") and not self._problems.has("truncated"):
            found_s = max(said_s, found_s)
        return round(found_s, 3) or None
