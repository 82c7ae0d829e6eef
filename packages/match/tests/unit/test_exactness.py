"""Why PDQ by the sparse map equals the reference: its rounding errors, measured beside the bound that is kept to.

See docs/adr/0020. What is measured here is the difference between the two ways inside the native core; that the result
equals `pdqhash` in every bit is what test_pdq.py says.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import _native, pdq_from_rgb

Pixels: TypeAlias = NDArray[np.uint8]
Reference: TypeAlias = Callable[[Pixels], tuple[str, int]]

LONG_SIDES = (130, 320, 640, 1600, 3000)
MARGIN = 1.5
"""No picture of the tests comes nearer to the bound than this."""


def traces(photographs: dict[str, Pixels], long_side: int) -> Iterator[tuple[str, dict[str, float]]]:
    for name, photograph in photographs.items():
        picture = Image.fromarray(photograph)
        factor = long_side / max(picture.size)
        size = (max(5, round(picture.width * factor)), max(5, round(picture.height * factor)))
        yield name, _native.trace_pdq(np.asarray(picture.resize(size, Image.Resampling.BICUBIC)))


@pytest.mark.parametrize("long_side", LONG_SIDES)
def test_photographs_and_drawings_are_well_within_the_bound(long_side: int, photographs: dict[str, Pixels]) -> None:
    fallbacks = 0
    for name, trace in traces(photographs, long_side):
        assert trace["grid_difference"] * MARGIN < trace["grid_bound"], name
        assert trace["coefficient_difference"] * MARGIN < trace["coefficient_bound"], name
        fallbacks += not trace["certain"]
    assert fallbacks / len(photographs) <= 0.4  # these hold more patterns and drawings than an upload folder does


def random_pictures(count: int) -> Iterator[Pixels]:
    random = np.random.default_rng(20)
    for _ in range(count):
        height, width = (int(side) for side in random.integers(5, 700, 2))
        kind = random.integers(4)
        if kind == 0:
            yield random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        elif kind == 1:  # soft
            small = random.integers(
                0, 256, (int(random.integers(2, 20)), int(random.integers(2, 20)), 3), dtype=np.uint8
            )
            yield np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
        elif kind == 2:  # blocks of few colours, with the hard edges of drawings
            small = random.choice(np.array([0, 60, 255], np.uint8), (int(random.integers(2, 40)), 24, 3))
            yield np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST))
        else:  # stripes of a random period
            period = int(random.integers(2, 60))
            stripe = random.integers(0, 256, (period, 3), dtype=np.uint8)
            yield np.broadcast_to(stripe[np.arange(width) % period], (height, width, 3)).copy()


def test_random_pictures_are_within_the_bound_and_equal_where_it_says_certain() -> None:
    certain = 0
    for number, pixels in enumerate(random_pictures(400)):
        trace = _native.trace_pdq(pixels)
        assert trace["grid_difference"] < trace["grid_bound"], number
        assert trace["coefficient_difference"] < trace["coefficient_bound"], number
        certain += bool(trace["certain"])
    assert certain > 200


def drifting_row(width: int, sign: int) -> NDArray[np.uint8]:
    """Choose each pixel so that the reference's running sum is rounded the same way every time, as in no photograph.

    Greedy, over some thousand colours, with the very float operations of the reference.
    """
    random = np.random.default_rng(width)
    colours = random.integers(0, 256, (3000, 3))
    lumas = (colours @ np.array([0.299, 0.587, 0.114])).astype(np.float32)
    window = -(-width // 128)
    total, chosen = np.float32(0), list[int]()
    for column in range(width):
        leaving = lumas[chosen[column - window]] if column >= window else np.float32(0)
        after = (total + lumas).astype(np.float32) - leaving
        exact = float(total) + lumas.astype(np.float64) - float(leaving)
        chosen.append(int(np.argmax(sign * (after.astype(np.float64) - exact))))
        total = np.float32(np.float32(total + lumas[chosen[-1]]) - leaving)
    return colours[chosen].astype(np.uint8)


@pytest.mark.parametrize("width", [640, 1600])
def test_a_picture_made_to_break_the_bound_costs_few_bits(width: int, reference_pdq: Reference) -> None:
    """It can be broken on purpose, and what is gained by it is shown here: far too little to hide a picture."""
    pixels = np.empty((512, width, 3), np.uint8)
    pixels[:256], pixels[256:] = drifting_row(width, 1), drifting_row(width, -1)
    trace = _native.trace_pdq(pixels)
    assert trace["grid_difference"] < 0.05
    assert trace["coefficient_difference"] < 1.0
    bits, quality = reference_pdq(pixels)
    found = pdq_from_rgb(pixels)
    assert (int(bits, 16) ^ int(found.bits.hex(), 16)).bit_count() <= 8
    assert abs(found.quality - quality) <= 1


def test_every_flat_and_symmetric_picture_goes_the_reference_way() -> None:
    """Where frequencies are nothing but rounding errors, only the same roundings give the same bits."""
    rows, columns = np.mgrid[:300, :400]
    board = ((rows // 50 + columns // 50) % 2 * 255).astype(np.uint8)
    for pixels in (np.full((300, 400), 77, np.uint8), board):
        trace = _native.trace_pdq(np.repeat(pixels[:, :, np.newaxis], 3, axis=2))
        assert not trace["certain"]


def test_quality_is_left_open_where_steps_are_near_whole_numbers(reference_pdq: Reference) -> None:
    """Cells whose neighbours differ by hundredths of the range: 51 levels are 20, give or take a rounding."""
    uncertain = 0
    for seed in range(40):
        levels = np.random.default_rng(seed).choice(
            np.array([0, 51, 102, 153], np.uint8), (16, 16), p=[0.94, 0.02, 0.02, 0.02]
        )
        pixels = np.repeat(np.kron(levels, np.ones((20, 20), np.uint8))[:, :, np.newaxis], 3, axis=2)
        uncertain += not _native.trace_pdq(pixels)["quality_certain"]
        found = pdq_from_rgb(pixels)
        assert (found.bits.hex(), found.quality) == reference_pdq(pixels)
    assert uncertain > 0
