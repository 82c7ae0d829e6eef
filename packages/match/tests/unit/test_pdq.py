"""PDQ equals the reference, `pdqhash`, in every bit and in quality, whatever the picture."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import InvalidValueError, pdq_from_grey, pdq_from_rgb

Pixels: TypeAlias = NDArray[np.uint8]
Reference: TypeAlias = Callable[[Pixels], tuple[str, int]]

SMALL_SIDES = (1, 2, 3, 4, 5, 6, 7, 8, 31, 63, 64, 65)
SHAPES = (
    (2, 3),
    (63, 65),
    (65, 63),
    (64, 64),
    (127, 128),
    (128, 128),
    (129, 128),
    (128, 129),
    (256, 257),
    (333, 500),
    (5, 4001),
    (4001, 5),
    (17, 2000),
    (2000, 17),
    (1024, 1024),
    # Windows of 16, 17, 64 and 65 pixels: where sums of whole numbers are made in other ways.
    (2048, 70),
    (2049, 70),
    (8192, 20),
    (8193, 20),
    (1080, 1920),
)


def ours(pixels: Pixels) -> tuple[str, int]:
    found = pdq_from_rgb(pixels)
    return found.bits.hex(), found.quality


def noise(height: int, width: int) -> Pixels:
    return np.random.default_rng(height * 7919 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def waves(height: int, width: int) -> Pixels:
    """Soft shapes, as photographs have: sums in which rounding shows."""
    rows, columns = np.mgrid[:height, :width]
    channels = [
        np.sin(rows / (9 + k) + k) + np.cos(columns / (13 - k)) * np.sin((rows + columns) / 31) for k in range(3)
    ]
    return ((np.stack(channels, axis=-1) + 2) * 63.75).astype(np.uint8)


def flat(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), (height * 31 + width) % 256, np.uint8)


def grey_noise(height: int, width: int) -> Pixels:
    return np.repeat(noise(height, width)[:, :, :1], 3, axis=2)


def variants(photograph: Pixels) -> Iterator[Pixels]:
    """Give the photograph as it is, cropped, made smaller, larger, thin, grey and dark."""
    height, width = photograph.shape[:2]
    image = Image.fromarray(photograph)
    yield photograph
    yield np.ascontiguousarray(photograph[height // 7 : -height // 5, width // 9 : -width // 3])
    yield np.asarray(image.resize((width // 3 + 1, height // 4 + 1)))
    yield np.asarray(image.resize((width + 101, height + 57), Image.Resampling.BICUBIC))
    yield np.ascontiguousarray(photograph[height // 2 : height // 2 + 9])
    yield np.asarray(image.convert("L").convert("RGB"))
    yield photograph // 16


def test_photographs_and_what_becomes_of_them(photographs: dict[str, Pixels], reference_pdq: Reference) -> None:
    compared = 0
    for name, photograph in photographs.items():
        for position, pixels in enumerate(variants(photograph)):
            assert ours(pixels) == reference_pdq(pixels), f"{name}, variant {position}"
            compared += 1
    assert compared >= 100


@pytest.mark.parametrize("make", [noise, waves, flat, grey_noise])
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_pictures_of_all_shapes(
    make: Callable[[int, int], Pixels], height: int, width: int, reference_pdq: Reference
) -> None:
    pixels = make(height, width)
    assert ours(pixels) == reference_pdq(pixels)


def test_every_mix_of_small_sides(reference_pdq: Reference) -> None:
    for height in SMALL_SIDES:
        for width in SMALL_SIDES:
            pixels = waves(height, width)
            assert ours(pixels) == reference_pdq(pixels), (height, width)


@pytest.mark.parametrize(("height", "width"), [(4000, 6000), (6001, 4003)])
def test_huge_pictures(height: int, width: int, photographs: dict[str, Pixels], reference_pdq: Reference) -> None:
    photograph = Image.fromarray(photographs["china.jpg"])
    pixels = np.asarray(photograph.resize((width, height), Image.Resampling.BICUBIC))
    assert ours(pixels) == reference_pdq(pixels)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 900), (900, 4)])
def test_a_side_under_five_pixels_gives_nothing_to_compare(height: int, width: int) -> None:
    assert ours(noise(height, width)) == ("00" * 32, 0)


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_grey_equals_rgb_of_three_equal_channels(height: int, width: int) -> None:
    grey = np.ascontiguousarray(noise(height, width)[:, :, 0])
    assert pdq_from_grey(grey) == pdq_from_rgb(np.repeat(grey[:, :, np.newaxis], 3, axis=2))


def test_bits_are_the_official_text(photographs: dict[str, Pixels]) -> None:
    found = pdq_from_rgb(photographs["astronaut.png"])
    assert len(found.bits) == 32
    assert sum(byte.bit_count() for byte in found.bits) == 128  # half of the coefficients are over their median
    assert (found.variant, found.at_s) == ("whole", None)


def test_a_view_is_hashed_as_its_copy() -> None:
    pixels = waves(300, 400)
    for view in (pixels[::2, ::3], pixels[:, ::-1], pixels.swapaxes(0, 1), pixels[10:200, 5:300, ::-1]):
        assert pdq_from_rgb(view) == pdq_from_rgb(view.copy())


def test_read_only_pixels_are_taken() -> None:
    pixels = waves(70, 80)
    wanted = pdq_from_rgb(pixels)
    pixels.flags.writeable = False
    assert pdq_from_rgb(pixels) == wanted


def test_threads_do_not_disturb_each_other() -> None:
    pictures = [waves(200 + step, 300 - step) for step in range(16)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pdq_from_rgb, pictures * 4)) == [pdq_from_rgb(pixels) for pixels in pictures] * 4


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"pixels: give a uint8 array of shape \(height, width, 3\), not .*\(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), r"pixels: .*\(8, 8, 4\)"),
        (np.zeros((8, 8, 3), np.float32), "pixels: .*not a float32 array"),
        (np.zeros((0, 8, 3), np.uint8), "pixels: give a picture with at least one pixel"),
        ([[[0, 0, 0]]], "pixels: .*not list"),
    ],
)
def test_other_pixels_are_refused(pixels: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        pdq_from_rgb(pixels)


@pytest.mark.parametrize("shape", [(8, 8, 1), (64,), (8, 0)])
def test_other_grey_pixels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidValueError, match="pixels: give a"):
        pdq_from_grey(np.zeros(shape, np.uint8))
