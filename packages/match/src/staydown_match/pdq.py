"""PDQ of pixels that are already decoded.

Source of the algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Facebook, 2019) and
its reference, which PyPI's `pdqhash` wraps. The hashes of full pictures equal `pdqhash.compute` in every bit and in
quality, but for pictures computed pixel by pixel to be a few bits off; docs/adr/0020 says how that is kept at fifty
times its speed, and what it does not exclude.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from staydown_match import _native
from staydown_match._arrays import checked_shape
from staydown_match.types import InvalidValueError, PdqHash, Variant

Scale = Literal[1, 2, 4, 8]


def pdq_from_rgb(pixels: NDArray[np.uint8], *, variant: Variant = "whole", at_s: float | None = None) -> PdqHash:
    """Hash the picture `pixels`: uint8 of shape (height, width, 3), in full resolution, red first.

    A picture with a side under 5 pixels has the hash zero and quality 0, as in the reference. A view that turns,
    mirrors or cuts is not copied. The GIL is released meanwhile: no other thread may write to `pixels`. `variant` and
    `at_s` are noted in the result. Another type or shape, or no pixel, raises InvalidValueError.
    """
    checked = _checked(pixels, ("height", "width", 3))
    bits, quality, orientations = _native.pdq_from_rgb(checked)
    return PdqHash(bits=bits, quality=quality, variant=variant, at_s=at_s, orientations=orientations)


def pdq_from_grey(pixels: NDArray[np.uint8], *, variant: Variant = "whole", at_s: float | None = None) -> PdqHash:
    """Hash the grey picture `pixels`: uint8 of shape (height, width); as pdq_from_rgb of three channels equal to it."""
    checked = _checked(pixels, ("height", "width"))
    bits, quality, orientations = _native.pdq_from_grey(checked)
    return PdqHash(bits=bits, quality=quality, variant=variant, at_s=at_s, orientations=orientations)


def pdq_from_shrunk_grey(
    pixels: NDArray[np.uint8],
    *,
    full_height: int,
    full_width: int,
    scale: Scale,
    variant: Variant = "whole",
) -> tuple[PdqHash, int]:
    """Hash a picture of full_height x full_width from the grey one that a JPEG decoder made of it, shrunk by `scale`.

    `pixels` is uint8 of the full sides divided by `scale` and rounded up. Each of its pixels gets the weights of the
    full ones that it stands for, so the hash is near that of the full picture: about one bit off in the mean. The
    number beside it says how many bits could tip over: few in photographs, most in a pattern of one repeated shape.
    Another type or shape raises InvalidValueError.
    """
    checked = _checked(pixels, (-(-full_height // scale), -(-full_width // scale)))
    bits, quality, orientations, unsure_bits = _native.pdq_from_shrunk_grey(checked, full_height, full_width, scale)
    return PdqHash(bits=bits, quality=quality, variant=variant, orientations=orientations), unsure_bits


def _checked(pixels: NDArray[np.uint8], shape: tuple[int | str, ...]) -> NDArray[np.uint8]:
    checked_shape("pixels", pixels, dtype=np.uint8, shape=shape)
    if pixels.size == 0:
        raise InvalidValueError(f"pixels: give a picture with at least one pixel, not shape {pixels.shape}")
    return pixels if _can_be_read_in_place(pixels) else np.ascontiguousarray(pixels)


def _can_be_read_in_place(pixels: NDArray[np.uint8]) -> bool:
    """Say whether neighbours lie side by side along one of the axes, forwards or backwards."""
    pixel_bytes = 1 if pixels.ndim == 2 else pixels.shape[2]  # noqa: PLR2004 - two axes are a grey picture
    bytes_together = pixel_bytes == 1 or pixels.strides[2] == 1
    return bytes_together and (abs(pixels.strides[0]) == pixel_bytes or abs(pixels.strides[1]) == pixel_bytes)
