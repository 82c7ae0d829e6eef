"""Pixels to measure with: ordinary photographs that packages ship, brought to the sizes that people upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demo.pictures import photograph

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SIZES = {"12 MP": (4000, 3000), "2 MP": (1600, 1250), "0.3 MP": (640, 480)}
_NAMES = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "china.jpg", "flower.jpg")


def photographs(size: str, *, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` photographs as uint8 (height, width, 3), resampled to the named size."""
    for number in range(count):
        with Image.open(photograph(_NAMES[number % len(_NAMES)])) as picture:
            yield np.asarray(picture.convert("RGB").resize(SIZES[size], Image.Resampling.LANCZOS))
