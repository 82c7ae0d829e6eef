"""The hashes of a file's pictures: of each as a whole, of what is inside its bars, and none twice."""

from staydown_match.decode import Frame
from staydown_match.pdq import pdq_from_grey, pdq_from_rgb, pdq_from_shrunk_grey
from staydown_match.trim import Bounds, trim_borders
from staydown_match.types import MAX_DISTANCE_BITS, PdqHash, Variant

MAX_HASHES = 2000
"""As many are kept of one file: each is a search of its own wherever the file is looked for."""

SAME_PICTURE_BITS = 3
"""A later picture no further than this from one that is kept is left out: it would find the same."""


class DistinctHashes:
    """The hashes of a file's pictures so far: the first picture's, and of each later one those unlike all before."""

    def __init__(self) -> None:
        self._kept: list[PdqHash] = []
        self._numbers: list[int] = []

    @property
    def kept(self) -> tuple[PdqHash, ...]:
        """The hashes in the order of the pictures; of one picture the whole comes before the trimmed."""
        return tuple(self._kept)

    def add(self, frame: Frame) -> bool:
        """Add the hashes of the next picture; False when there is no room for them."""
        first = not self._kept
        for found in hashes_of(frame):
            number = int.from_bytes(found.bits, "big")
            if not first and any((number ^ other).bit_count() <= SAME_PICTURE_BITS for other in self._numbers):
                continue
            if len(self._kept) == MAX_HASHES:
                return False
            self._kept.append(found)
            self._numbers.append(number)
        return True


def hashes_of(frame: Frame) -> tuple[PdqHash, ...]:
    """Hash the whole picture and, where it has uniform borders or bars, what is left without them if that differs.

    A frame that was decoded in brief is decoded in full when that could change more than MAX_DISTANCE_BITS bits.
    """
    inside = trim_borders(frame.pixels)
    found = [_hash_of(frame, (0, frame.pixels.shape[0], 0, frame.pixels.shape[1]), "whole")]
    if inside:
        found.append(_hash_of(frame, inside, "trimmed"))
    unsure = max(unsure_bits for _, unsure_bits in found) > MAX_DISTANCE_BITS
    if unsure and frame.in_full and (full := frame.in_full()):
        return hashes_of(full)
    (whole, _), *trimmed = found
    return (whole, *(other for other, _ in trimmed if other.bits != whole.bits))


def _hash_of(frame: Frame, bounds: Bounds, variant: Variant) -> tuple[PdqHash, int]:
    """Hash a part of the frame; the number beside it says how many of its bits could differ in full resolution."""
    top, bottom, left, right = bounds
    pixels = frame.pixels[top:bottom, left:right]
    if frame.in_full:
        return pdq_from_shrunk_grey(
            pixels,
            full_height=min(bottom * frame.scale, frame.height) - top * frame.scale,
            full_width=min(right * frame.scale, frame.width) - left * frame.scale,
            scale=frame.scale,
            variant=variant,
        )
    hashed = pdq_from_grey if pixels.ndim == len(("height", "width")) else pdq_from_rgb
    return hashed(pixels, variant=variant, at_s=frame.at_s), 0
