"""Every picture that a file holds is seen: frames of animations, pages, pictures beside the main one. None twice."""

import io
import struct
import time
from typing import Any, TypeAlias

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import Fingerprints, Limits, fingerprint_bytes, pdq_from_rgb
from staydown_match.types import PdqHash

Pixels: TypeAlias = NDArray[np.uint8]

ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
NAMES = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg")


@pytest.fixture(scope="module")
def pictures(photographs: dict[str, Pixels]) -> list[Image.Image]:
    return [Image.fromarray(photographs[name]).resize((160, 120)) for name in NAMES]


def encoded(images: list[Image.Image], file_format: str, **options: Any) -> bytes:  # noqa: ANN401 - each has its own
    file = io.BytesIO()
    first, *others = (image.copy() for image in images)  # saving leaves settings of the format behind on a picture
    first.save(file, file_format, save_all=True, append_images=others, **options)
    return file.getvalue()


def distance_bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def wholes(found: Fingerprints) -> list[PdqHash]:
    return [one for one in found.pdq if one.variant == "whole"]


def assert_are(hashes: list[PdqHash], images: list[Image.Image]) -> None:
    assert len(hashes) == len(images)
    for found, image in zip(hashes, images, strict=True):
        assert distance_bits(found.bits, pdq_from_rgb(np.asarray(image.convert("RGB"))).bits) <= 20


@pytest.mark.parametrize("file_format", ANIMATED)
def test_every_distinct_frame_is_hashed(file_format: str, pictures: list[Image.Image]) -> None:
    frames = [pictures[0], pictures[1], pictures[1], pictures[2], pictures[0]]
    found = fingerprint_bytes(encoded(frames, file_format, duration=500))
    assert found.problems == ()
    assert_are(wholes(found), pictures[:3])
    assert [one.at_s for one in wholes(found)][:2] == [0.0, 0.5]
    assert wholes(found)[2].at_s in {1.0, 1.5}  # encoders may join two equal frames into one of double length


@pytest.mark.parametrize("file_format", ANIMATED)
def test_a_black_first_frame_hides_nothing(file_format: str, pictures: list[Image.Image]) -> None:
    black = Image.new("RGB", pictures[0].size)
    found = fingerprint_bytes(encoded([black, pictures[0]], file_format))
    assert found.problems == ()
    assert wholes(found)[0].quality == 0
    assert_are(wholes(found)[1:], pictures[:1])


@pytest.mark.parametrize("file_format", ["JPEG", *ANIMATED])
def test_a_single_picture_has_no_time(file_format: str, pictures: list[Image.Image]) -> None:
    file = io.BytesIO()
    pictures[0].save(file, file_format)
    found = fingerprint_bytes(file.getvalue())
    assert [one.at_s for one in wholes(found)] == [None]


def test_every_page_of_a_tiff_is_hashed(pictures: list[Image.Image]) -> None:
    pages = [pictures[0], pictures[1].resize((200, 90)), pictures[2].convert("L"), pictures[3]]
    found = fingerprint_bytes(encoded(pages, "TIFF"))
    assert found.problems == ()
    assert_are(wholes(found), pages)
    assert {one.at_s for one in found.pdq} == {None}
    assert (found.width, found.height) == (160, 120)


def test_every_picture_of_a_heic_is_hashed_the_main_one_first(pictures: list[Image.Image]) -> None:
    heif_file = pillow_heif.from_bytes("RGB", pictures[0].size, pictures[0].tobytes())
    for picture in pictures[1:3]:
        heif_file.add_frombytes("RGB", picture.size, picture.tobytes())
    file = io.BytesIO()
    heif_file.save(file, quality=90, primary_index=1)
    found = fingerprint_bytes(file.getvalue())
    assert found.problems == ()
    assert_are(wholes(found), [pictures[1], pictures[0], pictures[2]])


def mpo(images: list[Image.Image]) -> bytes:
    return encoded(images, "MPO", quality=90)


def test_the_further_pictures_of_an_mpo_are_hashed(pictures: list[Image.Image]) -> None:
    found = fingerprint_bytes(mpo(pictures[:3]))
    assert (found.media_type, found.problems) == ("image/jpeg", ())
    assert_are(wholes(found), pictures[:3])


def test_an_mpo_cut_off_within_a_further_picture_says_so(pictures: list[Image.Image]) -> None:
    data = mpo(pictures[:2])
    found = fingerprint_bytes(data[:-1000])
    assert [problem.code for problem in found.problems] == ["truncated"]
    assert_are(wholes(found)[:1], pictures[:1])


def test_an_announced_picture_that_is_gone_is_no_problem(pictures: list[Image.Image]) -> None:
    data = mpo(pictures[:2])
    main = data[: data.index(b"\xff\xd9\xff\xd8") + 2]
    found = fingerprint_bytes(main)
    assert found.problems == ()
    assert_are(wholes(found), pictures[:1])


def test_a_damaged_index_of_pictures_is_said_and_the_main_one_kept(pictures: list[Image.Image]) -> None:
    data = bytearray(mpo(pictures[:2]))
    index = data.index(b"MPF\0") + 4
    data[index + 8 : index + 12] = b"\xff\xff\xff\xff"
    found = fingerprint_bytes(bytes(data))
    assert [problem.code for problem in found.problems] == ["damaged"]
    assert_are(wholes(found), pictures[:1])


@pytest.mark.parametrize("file_format", [*ANIMATED, "TIFF"])
def test_frames_over_the_limit_are_not_read_and_said(file_format: str, pictures: list[Image.Image]) -> None:
    data = encoded(pictures, file_format)
    found = fingerprint_bytes(data, limits=Limits(max_frames=2))
    assert [(problem.code, problem.detail.split(" of the frames")[0]) for problem in found.problems] == [
        ("limit", "only the first 2")
    ]
    assert_are(wholes(found), pictures[:2])


def test_pictures_of_an_mpo_over_the_limit_are_not_read_and_said(pictures: list[Image.Image]) -> None:
    found = fingerprint_bytes(mpo(pictures[:3]), limits=Limits(max_frames=2))
    assert [problem.code for problem in found.problems] == ["limit"]
    assert_are(wholes(found), pictures[:2])


def test_a_later_page_over_the_pixel_limit_is_not_read_and_said(pictures: list[Image.Image]) -> None:
    pages = [pictures[0], Image.new("RGB", (400, 400)), pictures[1]]
    found = fingerprint_bytes(encoded(pages, "TIFF"), limits=Limits(max_pixels=160 * 120))
    assert [problem.code for problem in found.problems] == ["limit"]
    assert "400 x 400 pixels" in found.problems[0].detail
    assert_are(wholes(found), pictures[:1])


def test_an_endless_animation_stops_in_time() -> None:
    """A frame that takes 20 bytes and changes nothing, two hundred thousand times."""
    file = io.BytesIO()
    Image.fromarray(np.arange(10000, dtype=np.uint8).reshape(100, 100)).save(file, "GIF")
    data = file.getvalue()[:-1]
    frame = (
        b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    )
    started = time.monotonic()
    found = fingerprint_bytes(data + frame * 200_000 + b"\x3b", limits=Limits(time_s=2.0))
    assert time.monotonic() - started < 6
    assert [problem.code for problem in found.problems] == ["limit"]
    assert "in the time there is" in found.problems[0].detail
    assert 1 <= len(found.pdq) <= 4


def test_no_more_hashes_than_a_search_can_bear(monkeypatch: pytest.MonkeyPatch, pictures: list[Image.Image]) -> None:
    monkeypatch.setattr("staydown_match.frame_hashes.MAX_HASHES", 2)
    found = fingerprint_bytes(encoded(pictures, "TIFF"))
    assert len(found.pdq) == 2
    assert [problem.code for problem in found.problems] == ["limit"]
    assert "hashes" in found.problems[0].detail


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP"])
def test_frames_before_a_broken_one_are_kept(file_format: str, pictures: list[Image.Image]) -> None:
    data = encoded(pictures, file_format)
    found = fingerprint_bytes(data[: int(len(data) * 0.6)])
    assert "truncated" in [problem.code for problem in found.problems]
    assert file_format == "WEBP" or len(wholes(found)) >= 2
