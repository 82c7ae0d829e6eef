"""Ordinary photographs that packages ship, and re-encoded, resized copies of them."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORTED = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
WRONGLY_REPORTED = "camera.png"
ALL_REPORTED = (*REPORTED, WRONGLY_REPORTED)
_UNRELATED = (
    "astronaut.png", "brick.png", "cell.png", "coins.png", "grass.png", "gravel.png",
    "hubble_deep_field.jpg", "ihc.png", "moon.png", "page.png", "retina.jpg", "china.jpg", "flower.jpg",
)  # fmt: skip
_QUARTERED = ("astronaut.png", "china.jpg", "flower.jpg")


@dataclass(frozen=True, slots=True)
class Change:
    """One way a copy differs from what was reported: scaled, saved in another format."""

    name: str
    scale: float
    suffix: str
    quality: int


CHANGES = (
    Change("half the size, JPEG quality 60", 0.5, ".jpg", 60),
    Change("three quarters, WebP quality 70", 0.75, ".webp", 70),
)


def photograph(name: str) -> Path:
    """Return where the package that ships this photograph has put it; nothing of the package is imported."""
    for package, folder in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(location) / folder / name
            if path.exists():
                return path
    raise FileNotFoundError(f"{name}: no installed package ships it; ./staydown demo installs those that do")


def changed_copies(original: Path, folder: Path) -> Iterator[tuple[Change, Path]]:
    """Write one copy for each change into `folder`."""
    with Image.open(original) as picture:
        pixels = picture.convert("RGB")
    for change in CHANGES:
        size = (round(pixels.width * change.scale), round(pixels.height * change.scale))
        copy = folder / f"{original.stem}-{change.scale}{change.suffix}"
        pixels.resize(size, Image.Resampling.LANCZOS).save(copy, quality=change.quality)
        yield change, copy


def unrelated(folder: Path) -> Iterator[Path]:
    """Yield photographs that nobody reported: whole ones, and quarters of some, which show other things."""
    for name in _UNRELATED:
        yield photograph(name)
    for name in _QUARTERED:
        yield from _quarters(photograph(name), folder)


def _quarters(original: Path, folder: Path) -> Iterator[Path]:
    with Image.open(original) as picture:
        pixels = picture.convert("RGB")
    width, height = pixels.width // 2, pixels.height // 2
    for row in range(2):
        for column in range(2):
            quarter = folder / f"{original.stem}-{row}{column}.png"
            pixels.crop((column * width, row * height, (column + 1) * width, (row + 1) * height)).save(quarter)
            yield quarter
