"""Where a picture is inside the uniform borders and bars that letterboxing, frames, captions and screenshots add."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from staydown_match import _native
from staydown_match.types import InvalidValueError

TOLERANCE = 10
"""Pixels of one bar differ by at most this from its colour, where white is 255: compression leaves none quite even."""

Bounds: TypeAlias = tuple[int, int, int, int]


def trim_borders(pixels: NDArray[Any], *, tolerance: int = TOLERANCE) -> Bounds | None:
    """Find what is left of `pixels` when uniform bars are cut off at all four sides, again and again.

    `pixels` is uint8 (height, width), uint8 (height, width, 3) or uint16 (height, width), any view. Gives top, bottom,
    left and right, so that `pixels[top:bottom, left:right]` is the picture; None when there is nothing to cut off, or
    less than a quarter of a side would be left. Another type or shape, or no pixel, raises InvalidValueError.
    """
    grey = pixels.ndim == 2 and pixels.dtype in (np.uint8, np.uint16)  # noqa: PLR2004 - height and width
    rgb = pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8  # noqa: PLR2004 - and three channels
    if not (grey or rgb) or pixels.size == 0:
        raise InvalidValueError(
            "pixels: give a uint8 array of shape (height, width) or (height, width, 3) or a uint16 one of shape "
            f"(height, width) with at least one pixel, not a {pixels.dtype} array of shape {pixels.shape}"
        )
    bounds = _native.trim_grey(pixels, tolerance) if grey else _trim_rgb(pixels, tolerance)
    return None if bounds == (0, pixels.shape[0], 0, pixels.shape[1]) else bounds


def _trim_rgb(pixels: NDArray[np.uint8], tolerance: int) -> Bounds:
    return _native.trim_rgb(pixels if pixels.strides[2] == 1 else np.ascontiguousarray(pixels), tolerance)
