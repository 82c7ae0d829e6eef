"""A scan decodes a JPEG grey and shrunk, and finds the hash that publishing finds: within a bit or two."""

import io
import struct
import time
from typing import Any, TypeAlias, get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from staydown_match import Fingerprints, fingerprint_bytes, pdq_from_grey
from staydown_match._jpeg import SHORT_SIDE, continued, says_nothing_else
from staydown_match.decode import open_picture
from staydown_match.pdq import pdq_from_shrunk_grey
from staydown_match.types import MAX_DISTANCE_BITS, MIN_QUALITY, InvalidValueError, Mode

Pixels: TypeAlias = NDArray[np.uint8]

SHORT_SIDES = (300, 512, 700, 1024, 1300, 2050, 4100)
ENCODINGS: tuple[dict[str, Any], ...] = (
    {"quality": 85},
    {"quality": 95, "subsampling": 0},
    {"quality": 75, "progressive": True},
)
PATTERNS = {"chessboard_GRAY.png", "chessboard_RGB.png", "color.png"}


def jpeg(picture: Image.Image, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


def with_short_side(photograph: Pixels, pixels: int) -> Image.Image:
    picture = Image.fromarray(photograph)
    factor = pixels / min(picture.size)
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC)


def with_long_side(photograph: Pixels, pixels: int) -> Image.Image:
    picture = Image.fromarray(photograph)
    factor = pixels / max(picture.size)
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC)


def bits_apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def distance_bits(one: Fingerprints, other: Fingerprints) -> int:
    return bits_apart(one.pdq[0].bits, other.pdq[0].bits)


def frame_of(data: bytes, mode: Mode) -> Any:  # noqa: ANN401 - a frame, whatever its fields
    picture = open_picture(io.BytesIO(data), mode)
    assert picture is not None
    return next(picture.frames())


def test_scan_and_publish_agree(photographs: dict[str, Pixels]) -> None:
    """On every size that is shrunk in another way: under one bit in the mean, never so many that a match is lost."""
    distances = []
    for position, (name, photograph) in enumerate(photographs.items()):
        for short_side in SHORT_SIDES[position % 2 :: 2]:
            if short_side == SHORT_SIDES[-1] and name != "coffee.png":
                continue  # 25 million pixels once are enough
            data = jpeg(with_short_side(photograph, short_side), **ENCODINGS[(position + short_side) % len(ENCODINGS)])
            published, scanned = fingerprint_bytes(data), fingerprint_bytes(data, "scan")
            distances.append(distance_bits(published, scanned))
            assert abs(published.pdq[0].quality - scanned.pdq[0].quality) <= 2
            assert (published.width, published.height) == (scanned.width, scanned.height)
            assert published.problems == scanned.problems == ()
    assert len(distances) > 80
    assert sum(distances) / len(distances) < 1
    assert max(distances) <= 4, max(distances)


@pytest.mark.parametrize(("short_side", "scale"), [(511, 1), (1023, 1), (1024, 2), (2047, 2), (2048, 4), (4096, 8)])
def test_the_picture_is_shrunk_but_not_too_far(short_side: int, scale: int) -> None:
    data = jpeg(Image.new("RGB", (short_side + 3, short_side)))
    frame = frame_of(data, "scan")
    assert frame.scale == scale
    assert frame.pixels.shape == (-(-short_side // scale), -(-(short_side + 3) // scale))
    assert short_side < SHORT_SIDE or min(frame.pixels.shape) >= SHORT_SIDE
    assert (frame.width, frame.height) == (short_side + 3, short_side)


def test_every_mode_that_scans_does_it_alike(photographs: dict[str, Pixels]) -> None:
    data = jpeg(with_short_side(photographs["coffee.png"], 1100))
    frames = {mode: frame_of(data, mode) for mode in get_args(Mode)}
    assert {mode for mode, frame in frames.items() if frame.scale == 1} == {"publish"}


def test_a_pattern_that_only_the_full_picture_tells_is_decoded_in_full(photographs: dict[str, Pixels]) -> None:
    for name in PATTERNS:
        data = jpeg(with_short_side(photographs[name], 1300), quality=90)
        published, scanned = fingerprint_bytes(data), fingerprint_bytes(data, "scan")
        assert published.pdq == scanned.pdq, name


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(1023, 1024), (1500, 1100)])
def test_a_scanned_picture_is_upright(orientation: int, size: tuple[int, int], photographs: dict[str, Pixels]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(Image.fromarray(photographs["coffee.png"]).resize(size), exif=exif)
    published, scanned = fingerprint_bytes(data), fingerprint_bytes(data, "scan")
    assert distance_bits(published, scanned) <= 8
    wanted = size if orientation <= 4 else size[::-1]
    assert (scanned.width, scanned.height) == (published.width, published.height) == wanted


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_are_scanned_too(mode: str, photographs: dict[str, Pixels]) -> None:
    data = jpeg(with_short_side(photographs["coffee.png"], 1100).convert(mode))
    assert distance_bits(fingerprint_bytes(data), fingerprint_bytes(data, "scan")) <= 4


@pytest.mark.parametrize(
    ("kept", "options", "mode", "least_share", "most_mean_bits"),
    [
        (0.98, {}, "scan", 0.96, 12),
        (0.95, {}, "publish", 0.88, 20),
        (0.95, {"progressive": True}, "scan", 1.0, 4),
        (0.5, {"progressive": True}, "publish", 1.0, 6),
    ],
)
def test_a_truncated_jpeg_is_found_by_what_is_there(
    kept: float,
    options: dict[str, Any],
    mode: Mode,
    least_share: float,
    most_mean_bits: float,
    photographs: dict[str, Pixels],
) -> None:
    """Over all photographs that say enough: the nearest of a cut file's hashes to that of the whole one."""
    distances = []
    for photograph in photographs.values():
        picture = with_long_side(photograph, 640)
        data = jpeg(picture, quality=90, **options)
        whole = fingerprint_bytes(data).pdq[0]
        if whole.quality < MIN_QUALITY:
            continue
        cut = fingerprint_bytes(data[: int(len(data) * kept)], mode)
        assert [problem.code for problem in cut.problems] == ["truncated"]
        assert (cut.width, cut.height) == picture.size
        distances.append(min(bits_apart(found.bits, whole.bits) for found in cut.pdq if found.variant == "whole"))
    assert len(distances) >= 25
    assert np.mean(distances) <= most_mean_bits
    assert sum(distance <= MAX_DISTANCE_BITS for distance in distances) / len(distances) >= least_share


@pytest.mark.parametrize("orientation", [1, 6])
def test_what_was_cut_off_is_seen_grey_and_continued(orientation: int, photographs: dict[str, Pixels]) -> None:
    """Who re-encodes a cut file saves the grey; who has the whole one has something like the row above it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(with_long_side(photographs["coffee.png"], 640), quality=90, exif=exif)
    picture = open_picture(io.BytesIO(data[: int(len(data) * 0.9)]), "publish")
    assert picture is not None
    grey, continued = (np.rot90(frame.pixels, 1 if orientation == 6 else 0) for frame in picture.frames())
    assert grey.shape == continued.shape
    assert (grey[-20:] == 128).all()
    end = int(np.argmax((grey == 128).all(axis=(1, 2)))) - 20
    assert np.array_equal(grey[:end], continued[:end])
    assert (continued[-20:] == continued[-1]).all()
    assert continued[-1].std() > 10
    assert len(list(open_picture(io.BytesIO(data), "publish").frames())) == 1  # type: ignore[union-attr]  # it is one


def test_nothing_is_continued_of_a_picture_without_a_row() -> None:
    flat = np.full((40, 30, 3), (9, 128, 7), np.uint8)
    assert continued(flat) is None
    for height in range(1, 4):
        small = np.arange(height * 6, dtype=np.uint8).reshape(height, 2, 3)
        assert continued(small) is None
        small[-1] = 128
        assert continued(small) is None
    half = np.concatenate([np.arange(40, dtype=np.uint8)[:, np.newaxis].repeat(30, axis=1), flat[:, :, 1]])
    assert continued(half) is None


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_other_formats_are_scanned_as_they_are_published(file_format: str, photographs: dict[str, Pixels]) -> None:
    file = io.BytesIO()
    Image.fromarray(photographs["coffee.png"]).save(file, file_format)
    assert fingerprint_bytes(file.getvalue(), "scan") == fingerprint_bytes(file.getvalue())


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png", "rocket.jpg", "china.jpg"])
@pytest.mark.parametrize("options", [*ENCODINGS, {"subsampling": 1}, {"optimize": True}, {"restart_marker_rows": 1}])
def test_the_short_way_gives_the_pixels_of_pillow(
    options: dict[str, Any], name: str, photographs: dict[str, Pixels]
) -> None:
    for size in ((97, 61), (640, 427)):
        data = jpeg(Image.fromarray(photographs[name]).resize(size), **options)
        with Image.open(io.BytesIO(data)) as image:
            assert np.array_equal(frame_of(data, "publish").pixels, np.asarray(image))


@pytest.mark.parametrize("mode", ["publish", "scan"])
def test_a_header_that_claims_billions_of_pixels_is_refused_by_the_header(mode: Mode) -> None:
    data = bytearray(jpeg(Image.new("RGB", (64, 64))))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    started = time.monotonic()
    found = fingerprint_bytes(bytes(data), mode)
    assert time.monotonic() - started < 0.5
    assert [problem.code for problem in found.problems] == ["limit"]
    assert "65500 x 65500 pixels" in found.problems[0].detail
    assert found.pdq == ()


def test_shrunk_by_one_is_not_shrunk(photographs: dict[str, Pixels]) -> None:
    grey = np.asarray(Image.fromarray(photographs["coffee.png"]).convert("L"))
    found, unsure_bits = pdq_from_shrunk_grey(grey, full_height=grey.shape[0], full_width=grey.shape[1], scale=1)
    assert found == pdq_from_grey(grey)
    assert unsure_bits <= 20


def test_a_shrunk_picture_of_another_size_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"pixels: give a uint8 array of shape \(50, 51\), not .*\(50, 50\)"):
        pdq_from_shrunk_grey(np.zeros((50, 50), np.uint8), full_height=100, full_width=101, scale=2)


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("colours", ["RGB", "L"])
def test_metadata_changes_nothing_but_how_a_picture_is_turned(
    mode: Mode, colours: str, photographs: dict[str, Pixels]
) -> None:
    """Files without any are decoded without asking Pillow; with EXIF they are not."""
    picture = Image.fromarray(photographs["coffee.png"]).convert(colours)
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    plain, with_exif = jpeg(picture), jpeg(picture, exif=exif)
    assert (says_nothing_else(plain), says_nothing_else(with_exif)) == (True, False)
    one, other = fingerprint_bytes(plain, mode), fingerprint_bytes(with_exif, mode)
    assert (one.pdq, one.width, one.height, one.problems) == (other.pdq, other.width, other.height, other.problems)
    exif[0x0112] = 6
    turned = fingerprint_bytes(jpeg(picture, exif=exif), mode)
    assert (turned.width, turned.height) == (one.height, one.width)


@pytest.mark.parametrize("kept", [2, 3, 4, 20, 600])
def test_a_header_cut_anywhere_is_no_plain_one(kept: int, photographs: dict[str, Pixels]) -> None:
    data = jpeg(Image.fromarray(photographs["coffee.png"]))[:kept]
    assert not says_nothing_else(data)
    assert fingerprint_bytes(data).problems
