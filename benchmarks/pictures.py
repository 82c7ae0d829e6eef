"""Pixels to measure with: ordinary photographs that packages ship, brought to the sizes that people upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demo.pictures import photograph

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIZES = {"12 MP": (4000, 3000), "2 MP": (1600, 1250), "0.3 MP": (640, 480)}
_NAMES = ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png", "china.jpg", "flower.jpg")


def photographs(size: str, *, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` photographs as uint8 (height, width, 3), resampled to the named size."""
    for number in range(count):
        with Image.open(photograph(_NAMES[number % len(_NAMES)])) as picture:
            yield np.asarray(picture.convert("RGB").resize(SIZES[size], Image.Resampling.LANCZOS))


_DRAWINGS = {
    "chessboard_GRAY.png", "chessboard_RGB.png", "color.png", "horse.png", "logo.png", "page.png", "phantom.png",
    "text.png", "motorcycle_right.png", "microaneurysms.png", "cell.png",
}  # fmt: skip
"""Not photographs of the ordinary kind, or the same scene as another."""
_LONG_SIDE = 640
_LEAST_PART, _LARGEST_PART = 0.35, 0.7


def ordinary_pictures(count: int) -> Iterator[tuple[str, Image.Image]]:
    """Yield about `count` pictures of 640 pixels, with their photographs' names: these and random parts of them."""
    random = np.random.default_rng(5)
    names = [path.name for path in _photograph_paths() if path.name not in _DRAWINGS]
    for name in names:
        with Image.open(photograph(name)) as picture:
            whole = picture.convert("RGB")
        for number in range(-(-count // len(names))):
            yield name, _of_usual_size(whole if number == 0 else _part(whole, random))


def _photograph_paths() -> list[Path]:
    return sorted(path for name in ("camera.png", "china.jpg") for path in photograph(name).parent.glob("*.[pj][np]g"))


def _part(whole: Image.Image, random: np.random.Generator) -> Image.Image:
    width, height = (round(side * random.uniform(_LEAST_PART, _LARGEST_PART)) for side in whole.size)
    left, top = int(random.integers(whole.width - width)), int(random.integers(whole.height - height))
    return whole.crop((left, top, left + width, top + height))


def _of_usual_size(picture: Image.Image) -> Image.Image:
    factor = _LONG_SIDE / max(picture.size)
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC)
