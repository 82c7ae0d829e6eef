"""PDQ of a decoder's plane, where it lies, equals PDQ of the same picture copied out of it."""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from staydown_match import _native, pdq_from_grey

Pixels: TypeAlias = NDArray[np.uint8]

SIZES = [(5, 5), (64, 64), (65, 63), (77, 301), (128, 2100), (360, 640), (1080, 1920), (2160, 200)]
TURNS: list[Callable[[NDArray[np.uint16]], NDArray[np.uint16]]] = [
    lambda pixels: pixels,
    lambda pixels: pixels[::-1],
    lambda pixels: pixels[:, ::-1],
    lambda pixels: pixels[::-1, ::-1],
    lambda pixels: pixels.T,
    lambda pixels: pixels.T[::-1],
    lambda pixels: pixels.T[:, ::-1],
    lambda pixels: pixels.T[::-1, ::-1],
]


@cache
def natural(height: int, width: int, seed: int = 0) -> Pixels:
    """Make a picture of soft shapes, in which no two frequencies are as good as equal."""
    random = np.random.default_rng(seed)
    down, along = (
        np.cos(np.pi * np.outer((np.arange(length) + 0.5) / length, np.arange(12)) + random.uniform(0, 6, 12))
        for length in (height, width)
    )
    waves = down @ random.normal(size=(12, 12)) @ along.T
    return np.clip(127 + waves * 12, 0, 255).astype(np.uint8)


def apart_bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("turn", range(len(TURNS)))
def test_a_view_of_any_kind_has_the_hash_of_its_copy(size: tuple[int, int], turn: int) -> None:
    padded = np.zeros((size[0] + 7, size[1] + 40), np.uint16)
    padded[: size[0], : size[1]] = natural(*size)
    for dtype, scale in ((np.uint8, 1), (np.uint16, 1), (np.uint16, 64)):
        samples = (padded * scale).astype(dtype)[: size[0], : size[1]]
        view = TURNS[turn](samples)  # type: ignore[arg-type]  # turning does not look at the type
        expected = pdq_from_grey(np.ascontiguousarray(view // scale).astype(np.uint8))
        bits, quality, orientations = _native.pdq_from_plane(view, 0.0, 255.0 * scale)
        assert apart_bits(bits, expected.bits) <= 2
        assert abs(quality - expected.quality) <= 1
        assert orientations[:32] == bits


@given(st.integers(64, 400), st.integers(64, 400), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_any_size_and_range(height: int, width: int, seed: int) -> None:
    pixels = natural(height, width, seed)
    expected = pdq_from_grey(pixels)
    limited = np.round(64 + pixels.astype(np.float64) * 876 / 255).astype(np.uint16)  # 10 bits
    bits, quality, _ = _native.pdq_from_plane(limited, 64.0, 940.0)
    assert apart_bits(bits, expected.bits) <= 4
    assert abs(quality - expected.quality) <= 1


def test_what_is_too_small_has_the_hash_zero() -> None:
    assert _native.pdq_from_plane(np.zeros((4, 90), np.uint8), 0.0, 255.0)[:2] == (bytes(32), 0)
    assert _native.pdq_from_plane(np.zeros((90, 4), np.uint8), 0.0, 255.0)[:2] == (bytes(32), 0)


def test_samples_that_are_nowhere_side_by_side_are_refused() -> None:
    with pytest.raises(ValueError, match="side by side"):
        _native.pdq_from_plane(np.zeros((90, 180), np.uint8)[::2, ::2], 0.0, 255.0)


def test_white_of_the_largest_planes_does_not_overflow() -> None:
    """Column sums of 8-bit samples are kept in 16 bits up to a window of 16, and in floats after it."""
    for side in (2047, 2048, 2049, 2200):
        bright = np.maximum(natural(side, 64, 1), 200)
        assert apart_bits(_native.pdq_from_plane(bright, 0.0, 255.0)[0], pdq_from_grey(bright).bits) <= 2
