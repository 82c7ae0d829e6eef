"""The golden values that every build of the C++ core shares: the reference gives them, and so do we.

`vectors/pdq.json` describes pictures by formulas of whole numbers, so that any language can make the same pixels.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from staydown_match import pdq_from_grey, pdq_from_rgb
from staydown_match.decode import Frame
from staydown_match.frame_hashes import hashes_of

Pixels: TypeAlias = NDArray[np.uint8]
Reference: TypeAlias = Callable[[Pixels], tuple[str, int]]

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "pdq.json").read_text())["vectors"]


def noise(height: int, width: int, channels: int, seed: int) -> Pixels:
    state, values = seed, bytearray()
    for _ in range(height * width * channels):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width, channels)


def pixels_of(vector: dict[str, Any]) -> Pixels:
    height, width, channels, seed = (int(vector[name]) for name in ("height", "width", "channels", "seed"))
    if vector["picture"] == "noise":
        return noise(height, width, channels, seed)
    y, x, c = np.mgrid[:height, :width, :channels].astype(np.int64)
    formulas: dict[str, NDArray[np.int64]] = {
        "flat": np.full_like(y, seed),
        "slope": (x * 255 // max(width - 1, 1) * (seed % 5 + 1) + y * 255 // max(height - 1, 1) * (seed % 7 + 1)) // 12,
        "rings": ((2 * x - width) ** 2 + (2 * y - height) ** 2 + seed * 1000) * 40 // (width * height) + c * 29,
        "blocks": (x * 8 // width * 37 + y * 8 // height * 101 + c * 53) * (seed * 2 + 1),
    }
    inside = (y >= height // 8) & (y < height - height // 6) & (x >= width // 16)
    formulas["framed"] = np.where(inside, (x * 8 // width * 37 + y * 8 // height * 101 + c * 53) * 3, seed)
    return (formulas[vector["picture"]] % 256).astype(np.uint8)


@pytest.mark.parametrize(
    "vector", VECTORS, ids=lambda vector: f"{vector['picture']}-{vector['height']}x{vector['width']}"
)
def test_golden_value(vector: dict[str, Any], reference_pdq: Reference) -> None:
    pixels = pixels_of(vector)
    found = pdq_from_grey(pixels[:, :, 0]) if vector["channels"] == 1 else pdq_from_rgb(pixels)
    assert (found.bits.hex(), found.quality) == (vector["pdq"], vector["quality"])
    assert reference_pdq(np.repeat(pixels, 3, axis=2)[:, :, :3] if vector["channels"] == 1 else pixels) == (
        vector["pdq"],
        vector["quality"],
    )


@pytest.mark.parametrize("vector", [vector for vector in VECTORS if "trimmed" in vector])
def test_golden_value_of_what_is_inside_a_frame(vector: dict[str, Any], reference_pdq: Reference) -> None:
    """The reference, too, hashes what the formula calls the inside: the bounds are found, not only agreed upon."""
    pixels, height, width = pixels_of(vector), vector["height"], vector["width"]
    seen = pixels[:, :, 0] if vector["channels"] == 1 else pixels
    whole, trimmed = hashes_of(Frame(pixels=seen, width=width, height=height))
    expected = (vector["trimmed"]["pdq"], vector["trimmed"]["quality"])
    assert (whole.bits.hex(), whole.quality) == (vector["pdq"], vector["quality"])
    assert (trimmed.variant, trimmed.bits.hex(), trimmed.quality) == ("trimmed", *expected)
    inside = np.ascontiguousarray(pixels[height // 8 : height - height // 6, width // 16 :])
    assert reference_pdq(np.repeat(inside, 3, axis=2)[:, :, :3] if vector["channels"] == 1 else inside) == expected


def test_the_vectors_tell_pictures_apart() -> None:
    assert len(VECTORS) >= 20
    assert len({vector["pdq"] for vector in VECTORS}) > len(VECTORS) // 2
