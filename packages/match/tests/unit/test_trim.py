"""Uniform borders and bars are cut off, with the text in them; a picture's own dark or bright parts are left alone."""

import io
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from staydown_match import BruteForceIndex, InvalidValueError, find_variants, fingerprint_bytes, pdq_from_rgb
from staydown_match.trim import trim_borders

Pixels: TypeAlias = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photograph(photographs: dict[str, Pixels]) -> Pixels:
    return photographs["coffee.png"]


def framed(photograph: Pixels, top: int, bottom: int, left: int, right: int, colour: int = 0) -> Pixels:
    return np.pad(photograph, ((top, bottom), (left, right), (0, 0)), constant_values=colour)


@pytest.mark.parametrize("colour", [0, 40, 255])
@pytest.mark.parametrize("widths", [(20, 20, 20, 20), (60, 60, 0, 0), (0, 0, 150, 1), (0, 7, 0, 0), (300, 0, 0, 500)])
def test_bars_of_any_width_and_colour_are_cut_off(
    widths: tuple[int, int, int, int], colour: int, photograph: Pixels
) -> None:
    top, _, left, _ = widths
    height, width = photograph.shape[:2]
    for pixels in (framed(photograph, *widths, colour), framed(photograph, *widths, colour)[:, :, 1]):
        assert trim_borders(pixels) == (top, top + height, left, left + width)


def test_bars_of_several_colours_are_cut_off_one_after_the_other(photograph: Pixels) -> None:
    pixels = framed(framed(framed(photograph, 30, 40, 0, 0, 255), 10, 12, 5, 5, 0), 3, 3, 3, 3, 128)
    assert trim_borders(pixels) == (43, 43 + 400, 8, 8 + 600)


def test_text_in_a_bar_goes_with_it(photograph: Pixels) -> None:
    picture = Image.fromarray(framed(photograph, 90, 0, 0, 0, 255))
    ImageDraw.Draw(picture).text(
        (20, 15), "Two lines of text\nabove a picture", fill=(0, 0, 0), font=ImageFont.load_default(24)
    )
    assert trim_borders(np.asarray(picture)) == (90, 490, 0, 600)


def test_16_bit_planes_and_turned_views_are_taken(photograph: Pixels) -> None:
    grey = framed(photograph, 10, 20, 30, 40)[:, :, 0]
    assert trim_borders(grey.astype(np.uint16) * 4, tolerance=40) == (10, 410, 30, 630)
    assert trim_borders(grey.T) == (30, 630, 10, 410)
    assert trim_borders(grey[::-1, ::-1]) == (20, 420, 40, 640)
    assert trim_borders(framed(photograph, 10, 20, 30, 40)[:, :, ::-1]) == (10, 410, 30, 630)


def test_most_photographs_have_nothing_to_cut_off(photographs: dict[str, Pixels]) -> None:
    untouched = [name for name, pixels in photographs.items() if trim_borders(pixels) is None]
    assert {"astronaut.png", "coffee.png", "chelsea.png", "china.jpg", "gravel.png"} <= set(untouched)
    assert len(untouched) > len(photographs) // 2


def test_a_picture_that_is_all_bar_is_left_whole() -> None:
    assert trim_borders(np.full((100, 100, 3), 7, np.uint8)) is None
    almost = np.zeros((100, 100), np.uint8)
    almost[40:60, 40:60] = np.arange(400).reshape(20, 20) % 256
    assert trim_borders(almost) is None  # a fifth of each side would be left


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3)])
def test_pictures_of_few_pixels(shape: tuple[int, int]) -> None:
    pixels = np.arange(shape[0] * shape[1], dtype=np.uint32).reshape(shape).astype(np.uint8) * 50
    bounds = trim_borders(pixels)
    if bounds:
        top, bottom, left, right = bounds
        assert 0 <= top < bottom <= shape[0]
        assert 0 <= left < right <= shape[1]


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((4, 4), np.float32)]
)
def test_other_arrays_are_refused(pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(InvalidValueError, match="pixels: give a uint8 array of shape"):
        trim_borders(pixels)


def jpeg(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return file.getvalue()


def test_the_trimmed_variant_is_the_hash_of_what_is_inside(photograph: Pixels) -> None:
    file = io.BytesIO()
    Image.fromarray(framed(photograph, 50, 50, 0, 0)).save(file, "PNG")
    whole, trimmed = fingerprint_bytes(file.getvalue()).pdq
    assert (whole.variant, trimmed.variant) == ("whole", "trimmed")
    assert trimmed.bits == pdq_from_rgb(photograph).bits
    assert whole.bits != trimmed.bits


@pytest.mark.parametrize("known_has_bars", [False, True])
@pytest.mark.parametrize("mode", ["publish", "scan"])
def test_a_picture_is_found_with_and_without_bars(mode: str, photograph: Pixels, *, known_has_bars: bool) -> None:
    plain, barred = jpeg(photograph), jpeg(framed(photograph, 80, 80, 10, 10, 255))
    known, seen = (barred, plain) if known_has_bars else (plain, barred)
    stored = np.stack([np.frombuffer(found.bits, np.uint8) for found in fingerprint_bytes(known).pdq])
    index = BruteForceIndex()
    index.add(np.full(len(stored), 7, np.uint64), stored)
    (match,) = find_variants(index, fingerprint_bytes(seen, mode).pdq)  # type: ignore[arg-type]  # one of the two
    assert match.key == 7
    assert match.distance_bits <= 8
    assert match.query.variant == ("whole" if known_has_bars else "trimmed")
