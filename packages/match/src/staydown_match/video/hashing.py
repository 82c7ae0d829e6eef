"""From a decoded frame to its PDQ hashes: of the whole frame, and of what is left without its bars."""

from collections.abc import Iterator

from staydown_match import _native
from staydown_match.trim import TOLERANCE, trim_borders
from staydown_match.types import PdqHash, Variant
from staydown_match.video.luma import Luma, LumaReader
from staydown_match.video.reader import TimedFrame

TIME_DIGITS = 3
"""Times are given to the millisecond."""


class FrameHasher:
    """Hashes the frames of one video."""

    def __init__(self, *, with_orientations: bool) -> None:
        """Keep or drop what a query needs to find turned and mirrored copies."""
        self._with_orientations = with_orientations
        self._luma_reader = LumaReader()
        self._luma: Luma | None = None
        self.size_pixels: tuple[int, int] | None = None
        """Width and height of the first frame as seen by people."""

    def hash_of(self, timed: TimedFrame) -> PdqHash:
        """Hash the whole frame. Raises PixelFormatError."""
        self._luma = luma = self._luma_reader.luma_of(timed.frame)
        height, width = luma.samples.shape
        self.size_pixels = self.size_pixels or (width, height)
        return self._hash(luma, "whole", timed.at_s)

    def trimmed_hash_of(self, timed: TimedFrame) -> Iterator[PdqHash]:
        """Hash the frame that was hashed last without its bars, if it has any."""
        luma = self._luma
        if luma is not None and (box := trim_borders(luma.samples, tolerance=round(TOLERANCE * luma.white / 255))):
            top, bottom, left, right = box
            inner = Luma(luma.samples[top:bottom, left:right], luma.black, luma.white)
            yield self._hash(inner, "trimmed", timed.at_s)

    def _hash(self, luma: Luma, variant: Variant, at_s: float) -> PdqHash:
        bits, quality, orientations = _native.pdq_from_plane(luma.samples, luma.black, luma.white)
        return PdqHash(
            bits=bits,
            quality=quality,
            variant=variant,
            at_s=round(at_s, TIME_DIGITS),
            orientations=orientations if self._with_orientations else b"",
        )
