"""PDQ of pixels that are already decoded.

Source of the algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Facebook, 2019) and
its reference, which PyPI's `pdqhash` wraps. These functions equal `pdqhash.compute` in every bit and in quality.
"""

import numpy as np
from numpy.typing import NDArray

from staydown_match import _native
from staydown_match._arrays import checked_array
from staydown_match.types import InvalidValueError, PdqHash


def pdq_from_rgb(pixels: NDArray[np.uint8]) -> PdqHash:
    """Hash the picture `pixels`: uint8 of shape (height, width, 3), in full resolution, red first.

    A picture with a side under 5 pixels has the hash zero and quality 0, as in the reference. The GIL is released
    meanwhile: no other thread may write to `pixels`. Another type or shape, or no pixel, raises InvalidValueError.
    """
    checked = checked_array("pixels", pixels, dtype=np.uint8, shape=("height", "width", 3))
    return _hash_of(_native.pdq_from_rgb(_with_pixels(checked)))


def pdq_from_grey(pixels: NDArray[np.uint8]) -> PdqHash:
    """Hash the grey picture `pixels`: uint8 of shape (height, width); as pdq_from_rgb of three channels equal to it."""
    checked = checked_array("pixels", pixels, dtype=np.uint8, shape=("height", "width"))
    return _hash_of(_native.pdq_from_grey(_with_pixels(checked)))


def _with_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.size == 0:
        raise InvalidValueError(f"pixels: give a picture with at least one pixel, not shape {pixels.shape}")
    return pixels


def _hash_of(bits_and_quality: tuple[bytes, int]) -> PdqHash:
    bits, quality = bits_and_quality
    return PdqHash(bits=bits, quality=quality)
