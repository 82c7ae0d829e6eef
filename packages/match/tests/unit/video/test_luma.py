"""The luma plane is read rightly in every way that decoders store it, and turned as its camera was held."""

import struct

import av
import numpy as np
import pytest
from av import VideoFrame
from numpy.typing import NDArray
from staydown_match import fingerprint_bytes, pdq_from_grey
from staydown_match.types import PdqHash
from staydown_match.video.luma import LumaReader, PixelFormatError

from packages.match.tests.films import Film, Studio

FULL, LIMITED = 2, 1


def frame_of(pixels: NDArray[np.uint8], name: str, *, color_range: int) -> VideoFrame:
    """Store grey `pixels`, 0 to 255, as a frame of a pixel format, in the way its name and range mean."""
    height, width = pixels.shape
    frame = VideoFrame(width, height, name)
    frame.color_range = color_range
    bits = frame.format.components[0].bits
    shift = 16 - bits if name.startswith(("p0", "p2", "p4")) else 0
    is_full = frame.format.is_rgb or name.startswith("yuvj") or color_range == FULL
    values: NDArray[np.float64] = pixels.astype(np.float64)
    values = values * ((1 << bits) - 1) / 255 if is_full else (16 + values * 219 / 255) * (1 << (bits - 8))
    byte_order = ">u2" if frame.format.is_big_endian else "<u2"
    samples = np.round(values).astype(np.uint8 if bits == 8 else byte_order)
    if bits > 8:
        samples = (samples.astype(np.uint16) << shift).astype(byte_order)
    for plane in frame.planes[: 3 if frame.format.is_rgb else 1]:
        lines = np.zeros((plane.buffer_size // plane.line_size, plane.line_size), np.uint8)
        rows = samples.view(np.uint8).reshape(height, -1)
        lines[:height, : rows.shape[1]] = rows
        plane.update(lines.tobytes())
    return frame


def read(frame: VideoFrame) -> NDArray[np.float64]:
    """Give the luma as numbers of which 0 is black and 255 white."""
    luma = LumaReader().luma_of(frame)
    numbers: NDArray[np.float64] = (luma.samples.astype(np.float64) - luma.black) * 255 / (luma.white - luma.black)
    return numbers


PIXELS = np.random.default_rng(4).integers(0, 256, (90, 70), dtype=np.uint8)


@pytest.mark.parametrize("color_range", [LIMITED, FULL, 0])
@pytest.mark.parametrize(
    "name",
    [
        "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj444p", "yuv411p", "nv12", "nv21", "gray", "yuva420p",
        "yuv420p10le", "yuv422p10le", "yuv444p12le", "yuv420p10be", "yuva444p10le", "gray10le", "gray16be",
        "p010le", "p012le", "p016le", "p210le", "gbrp", "gbrp10le", "gbrp12le",
    ],
)  # fmt: skip
def test_every_layout_gives_the_same_luma(name: str, color_range: int) -> None:
    difference = read(frame_of(PIXELS, name, color_range=color_range)) - PIXELS
    assert np.abs(difference).max() < 0.7  # half a step of 8 bits in limited range


@pytest.mark.parametrize(
    "name", ["yuyv422", "uyvy422", "rgb24", "bgra", "pal8", "monob", "rgb565le", "grayf32le", "y210le"]
)
def test_a_layout_that_is_not_read_says_so(name: str) -> None:
    with pytest.raises(PixelFormatError):
        LumaReader().luma_of(VideoFrame(64, 64, name))


def test_range_changes_neither_hash_nor_quality(photographs: dict[str, NDArray[np.uint8]]) -> None:
    from staydown_match import _native  # noqa: PLC0415 - only this test looks so far inside

    grey = photographs["chelsea.png"][:, :, 1].copy()
    hashes = []
    for name, color_range in (("yuv420p", LIMITED), ("yuv420p", FULL), ("yuv420p10le", LIMITED), ("p010le", FULL)):
        luma = LumaReader().luma_of(frame_of(grey, name, color_range=color_range))
        bits, quality, _ = _native.pdq_from_plane(luma.samples, luma.black, luma.white)
        hashes.append(PdqHash(bits=bits, quality=quality))
    expected = pdq_from_grey(grey)
    for found in hashes:
        assert (int.from_bytes(found.bits, "big") ^ int.from_bytes(expected.bits, "big")).bit_count() <= 2
        assert abs(found.quality - expected.quality) <= 1


def turned(pixels: NDArray[np.uint8], degrees_against_the_clock: int) -> NDArray[np.uint8]:
    return np.rot90(pixels, degrees_against_the_clock // 90)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_film_is_seen_as_its_camera_was_held(degrees: int, studio: Studio) -> None:
    """What is encoded turned the other way, and says so, has the hashes of the upright film."""
    film = Film(scenes=(0, 1), scene_s=1.0)
    upright = fingerprint_bytes(studio.film(film), "scan")
    held = film.but(rotation=degrees, change=lambda pixels: turned(pixels, -degrees % 360))
    found = fingerprint_bytes(studio.film(held), "scan")
    assert (found.width, found.height) == (320, 180)
    whole = [hashed for hashed in found.pdq if hashed.variant == "whole"]
    for hashed, expected in zip(whole, (it for it in upright.pdq if it.variant == "whole"), strict=True):
        assert (int.from_bytes(hashed.bits, "big") ^ int.from_bytes(expected.bits, "big")).bit_count() <= 16


def with_matrix(data: bytes, numbers: tuple[int, ...]) -> bytes:
    """Write a display matrix of whole numbers into the track header of an MP4."""
    a, b, c, d = numbers
    one = 1 << 16
    matrix = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    at = data.index(b"tkhd") + 4 + 40
    return data[:at] + matrix + data[at + 36 :]


@pytest.mark.parametrize(
    ("numbers", "undo"),
    [
        ((1, 0, 0, 1), lambda pixels: pixels),
        ((-1, 0, 0, 1), lambda pixels: pixels[:, ::-1]),
        ((1, 0, 0, -1), lambda pixels: pixels[::-1]),
        ((-1, 0, 0, -1), lambda pixels: pixels[::-1, ::-1]),
        ((0, 1, 1, 0), lambda pixels: pixels.swapaxes(0, 1)),
        ((0, 1, -1, 0), lambda pixels: np.rot90(pixels, 1)),
        ((0, -1, 1, 0), lambda pixels: np.rot90(pixels, -1)),
        ((0, -1, -1, 0), lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1)),
    ],
)  # fmt: skip
def test_all_eight_display_matrices_are_understood(numbers: tuple[int, ...], undo: object, studio: Studio) -> None:
    film = Film(scenes=(0,), scene_s=0.4)
    upright = fingerprint_bytes(studio.film(film), "scan").pdq[0]
    assert callable(undo)
    held = film.but(change=undo)
    found = fingerprint_bytes(with_matrix(studio.film(held), numbers), "scan")
    assert (found.width, found.height) == (320, 180)
    assert (int.from_bytes(found.pdq[0].bits, "big") ^ int.from_bytes(upright.bits, "big")).bit_count() <= 16


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [
        ("yuv420p10le", "libx265"),
        ("yuv444p", "libx264"),
        ("gray", "libx264"),
        ("yuvj420p", "libx264"),
        ("yuv422p10le", "prores"),
    ],
)
def test_films_of_other_pixels_have_the_same_hashes(pix_fmt: str, codec: str, studio: Studio) -> None:
    film = Film(scenes=(0,), scene_s=1.0)
    options = {"preset": "ultrafast", "x265-params": "log-level=none:pools=none"} if codec == "libx265" else {}
    plain = fingerprint_bytes(studio.film(film), "scan").pdq[0]
    found = fingerprint_bytes(
        studio.film(film.but(container="mov", codec=codec, pix_fmt=pix_fmt, options=options)), "scan"
    )
    assert found.problems == ()
    assert (int.from_bytes(found.pdq[0].bits, "big") ^ int.from_bytes(plain.bits, "big")).bit_count() <= 16
    assert abs(found.pdq[0].quality - plain.quality) <= 5


def test_no_frame_is_kept_alive(studio: Studio) -> None:
    """A thousand frames that wait for the garbage collector would be gigabytes."""
    import gc  # noqa: PLC0415 - only here
    import io  # noqa: PLC0415 - only here

    reader = LumaReader()
    with av.open(io.BytesIO(studio.film(Film(scenes=(0,), rotation=90))), "r") as opened:
        gc.collect()
        gc.disable()
        try:
            for frame in opened.decode(video=0):
                reader.luma_of(frame)
            # `isinstance` would ask each thing for its class, and things that are made when first asked would be made.
            alive = sum(issubclass(type(thing), VideoFrame) for thing in gc.get_objects())
        finally:
            gc.enable()
    assert alive <= 3
