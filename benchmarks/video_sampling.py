"""What dropping frames that are like the last kept one costs: share of another copy's frames found, hashes a minute."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from staydown_match.limits import Limits
from staydown_match.types import MAX_DISTANCE_BITS, MIN_QUALITY
from staydown_match.video.containers import MP4
from staydown_match.video.hashing import FrameHasher
from staydown_match.video.problems import ProblemList
from staydown_match.video.reader import VideoReader, every_frame
from staydown_match.video.sampling import FrameSampler

from benchmarks.films import MOTIONS, Take
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from staydown_match import PdqHash

THRESHOLDS_BITS = (0, 4, 8, 12, 16, 20)
BOUNDS_PER_MINUTE = (1500, 600, 300)
UNBOUNDED = 1_000_000


def run(*, quick: bool, arguments: Sequence[str]) -> Iterator[Row]:  # noqa: ARG001  # it takes none
    """Yield the recall for each threshold without a bound, then for each bound with the threshold that is used."""
    length_s = 10.0 if quick else 40.0
    with tempfile.TemporaryDirectory() as folder:
        for motion in MOTIONS:
            known = _hashes(Path(folder, "known.mp4"), Take(motion=motion, length_s=length_s, size=(960, 540)), crf=20)
            # Another copy: it begins between two of the known frames, has another rate and size, and is of low quality.
            other = Take(motion=motion, start_s=0.49, length_s=length_s - 1, size=(1280, 720), rate=12)
            asked = [it for it in _hashes(Path(folder, "asked.mp4"), other, crf=32) if it.quality >= MIN_QUALITY]
            for threshold_bits in THRESHOLDS_BITS:
                sampler = FrameSampler(max_hashes_per_minute=UNBOUNDED, max_distance_bits_to_drop=threshold_bits)
                yield _row(f"{motion}, dropped up to {threshold_bits} bits", sampler, known, asked, length_s)
            for bound in BOUNDS_PER_MINUTE:
                sampler = FrameSampler(max_hashes_per_minute=bound)
                yield _row(f"{motion}, at most {bound} a minute", sampler, known, asked, length_s)


def _row(name: str, sampler: FrameSampler, known: list[PdqHash], asked: list[PdqHash], length_s: float) -> Row:
    kept = [it for it in known if sampler.keeps(it.bits, quality=it.quality, at_s=it.at_s or 0.0)]
    nearest_bits = _nearest(_bits(asked), _bits(kept))
    found = 100 * float(np.mean(nearest_bits <= MAX_DISTANCE_BITS))
    note = f"{len(kept) / length_s * 60:.0f} hashes a minute, {nearest_bits.mean():.1f} bits to the nearest"
    return Row(name, found, "% found", note=note)


def _hashes(path: Path, take: Take, *, crf: int) -> list[PdqHash]:
    """Encode what is taken and hash every frame of it."""
    take.encode(path, codec="libx264", options={"preset": "veryfast", "crf": str(crf)})
    hasher = FrameHasher(with_orientations=False)
    with path.open("rb") as file:
        deadline_s = time.monotonic() + 3600
        reader = VideoReader(file, MP4, limits=Limits(), problems=ProblemList("MP4"), deadline_s=deadline_s)
        return [hasher.hash_of(timed) for timed in reader.frames(every_frame)]


def _bits(hashes: list[PdqHash]) -> NDArray[np.float32]:
    together = np.frombuffer(b"".join(it.bits for it in hashes), np.uint8).reshape(len(hashes), -1)
    return np.unpackbits(together, axis=1).astype(np.float32)


def _nearest(asked: NDArray[np.float32], kept: NDArray[np.float32]) -> NDArray[np.float32]:
    distances: NDArray[np.float32] = asked @ (1 - kept.T) + (1 - asked) @ kept.T
    nearest: NDArray[np.float32] = distances.min(axis=1)
    return nearest
