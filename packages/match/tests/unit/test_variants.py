"""A picture is found turned, mirrored and inverted, and the match says how it had been changed."""

import io
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pdqhash
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import (
    ORIENTATIONS,
    BruteForceIndex,
    InvalidValueError,
    PdqHash,
    find_variants,
    fingerprint_bytes,
    pdq_from_rgb,
)
from staydown_match.types import Orientation
from staydown_match.variants import turned_bits, variants_of

Pixels: TypeAlias = NDArray[np.uint8]

TURNS: dict[Orientation, Callable[[Pixels], Pixels]] = {
    "upright": lambda pixels: pixels,
    "rotated_90": lambda pixels: np.rot90(pixels, -1),
    "rotated_180": lambda pixels: np.rot90(pixels, 2),
    "rotated_270": lambda pixels: np.rot90(pixels, 1),
    "mirrored": lambda pixels: pixels[:, ::-1],
    "flipped": lambda pixels: pixels[::-1],
    "transposed": lambda pixels: pixels.swapaxes(0, 1),
    "transversed": lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
}
UNDONE_BY: dict[Orientation, Orientation] = {"rotated_90": "rotated_270", "rotated_270": "rotated_90"}
NAMES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "china.jpg", "flower.jpg", "retina.jpg")


def distance_bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def index_of(*hashes: PdqHash) -> BruteForceIndex:
    index = BruteForceIndex()
    bits = np.stack([np.frombuffer(found.bits, np.uint8) for found in hashes])
    index.add(np.arange(len(hashes), dtype=np.uint64), bits)
    return index


@pytest.mark.parametrize("name", NAMES)
def test_orientations_are_near_the_hashes_of_turned_pictures(name: str, photographs: dict[str, Pixels]) -> None:
    found = pdq_from_rgb(photographs[name])
    for position, orientation in enumerate(ORIENTATIONS):
        turned = pdq_from_rgb(np.ascontiguousarray(TURNS[orientation](photographs[name])))
        assert distance_bits(found.orientations[32 * position :][:32], turned.bits) <= 20, orientation
    assert found.orientations[:32] == found.bits


def test_orientations_equal_those_of_the_reference(photographs: dict[str, Pixels]) -> None:
    """`pdqhash.compute_dihedral` has the same eight in another order, under names that do not always fit."""
    order = (0, 3, 2, 1, 5, 4, 6, 7)
    for name in NAMES:
        theirs, _ = pdqhash.compute_dihedral(photographs[name])
        ours = pdq_from_rgb(photographs[name]).orientations
        for position, other in enumerate(order):
            wanted = np.packbits(theirs[other].astype(np.uint8)).tobytes()
            assert distance_bits(ours[32 * position :][:32], wanted) <= 2, (name, ORIENTATIONS[position])


def test_orientations_can_be_made_of_bits_alone(photographs: dict[str, Pixels]) -> None:
    for name in NAMES:
        found = pdq_from_rgb(photographs[name])
        from_bits = turned_bits(found.bits)
        for position in range(8):
            assert distance_bits(found.orientations[32 * position :][:32], from_bits[32 * position :][:32]) <= 20


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("turn", ORIENTATIONS)
@pytest.mark.parametrize("from_bits", [False, True])
def test_a_changed_picture_is_found_and_how_it_was_changed_is_told(
    turn: Orientation, photographs: dict[str, Pixels], *, inverted: bool, from_bits: bool
) -> None:
    known = [pdq_from_rgb(photographs[name]) for name in NAMES]
    changed = np.ascontiguousarray(TURNS[turn](photographs["coffee.png"]))
    query = pdq_from_rgb(255 - changed if inverted else changed)
    if from_bits:
        query = PdqHash(bits=query.bits, quality=query.quality)
    (match,) = find_variants(index_of(*known), [query])
    assert (match.key, match.inverted) == (NAMES.index("coffee.png"), inverted)
    assert match.orientation == UNDONE_BY.get(turn, turn)
    assert match.distance_bits <= 31
    assert match.query is query


def test_the_nearest_match_of_each_key_comes_first(photographs: dict[str, Pixels]) -> None:
    same = pdq_from_rgb(photographs["coffee.png"])
    near = PdqHash(bits=bytes([same.bits[0] ^ 0b101]) + same.bits[1:], quality=100)
    other = pdq_from_rgb(photographs["chelsea.png"])
    index = index_of(near, other, same)
    index.add(np.array([0], np.uint64), np.frombuffer(near.bits, np.uint8).reshape(1, 32))  # twice under one key
    matches = find_variants(index, [other, same])
    assert [(match.key, match.distance_bits) for match in matches] == [(1, 0), (2, 0), (0, 2)]
    assert {match.orientation for match in matches} == {"upright"}
    assert [match.query for match in matches] == [other, same, same]


def test_hashes_of_low_quality_are_passed_over_unless_asked_for() -> None:
    file = io.BytesIO()
    Image.fromarray(np.linspace(100, 110, 6400).astype(np.uint8).reshape(80, 80)).save(file, "PNG")
    found = fingerprint_bytes(file.getvalue())
    assert found.pdq[0].quality < 50
    index = index_of(found.pdq[0])
    assert find_variants(index, found.pdq) == ()
    assert [match.key for match in find_variants(index, found.pdq, min_quality=0)] == [0]
    assert find_variants(index, []) == ()


def test_the_distance_can_be_set(photographs: dict[str, Pixels]) -> None:
    found = pdq_from_rgb(photographs["coffee.png"])
    bits = bytearray(found.bits)
    bits[0] ^= 0b111
    index = index_of(PdqHash(bits=bytes(bits), quality=100))
    assert find_variants(index, [found], max_distance_bits=2) == ()
    assert [match.distance_bits for match in find_variants(index, [found], max_distance_bits=3)] == [3]


def test_variants_are_sixteen(photographs: dict[str, Pixels]) -> None:
    found = pdq_from_rgb(photographs["coffee.png"])
    variants = variants_of(found)
    assert variants.shape == (16, 32)
    assert np.array_equal(variants[:8], 255 - variants[8:])
    assert variants[0].tobytes() == found.bits


def test_orientations_are_no_part_of_the_value() -> None:
    with_them = PdqHash(bits=bytes(32), quality=3, orientations=bytes(256))
    assert with_them == PdqHash(bits=bytes(32), quality=3)
    assert hash(with_them) == hash(PdqHash(bits=bytes(32), quality=3))
    assert "orientations" not in repr(with_them)
    with pytest.raises(InvalidValueError, match="orientations: give 256 bytes or none, not 32"):
        PdqHash(bits=bytes(32), quality=3, orientations=bytes(32))
