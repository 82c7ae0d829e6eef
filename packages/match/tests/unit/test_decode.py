"""Pictures are decoded as people see them: every row of what other decoders' users get wrong, with its right answer."""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from staydown_match import Fingerprints, Limits, Problem, fingerprint_bytes, pdq_from_rgb
from staydown_match.decode import open_picture

from packages.match.tests.odd_files import png_chunk, png_of_16_bits, without_adobe_marker

Pixels: TypeAlias = NDArray[np.uint8]

ORIENTATION_TAG = 0x0112
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")


@pytest.fixture(scope="module")
def photograph(photographs: dict[str, Pixels]) -> Image.Image:
    return Image.fromarray(photographs["astronaut.png"]).resize((320, 240))


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:  # noqa: ANN401 - each format has its own
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


@dataclass
class Decoded:
    """A file's pictures as RGB; `pixels` is the first."""

    frames: list[Pixels]
    problems: list[Problem]

    @property
    def pixels(self) -> Pixels | None:
        return self.frames[0] if self.frames else None


def decoded(data: bytes) -> Decoded:
    picture = open_picture(io.BytesIO(data))
    assert picture is not None
    frames = [as_rgb(frame.pixels) for frame in picture.frames()]
    return Decoded(frames, picture.problems)


def as_rgb(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, np.newaxis], 3, axis=2)


def pixels_of(data: bytes) -> Pixels:
    picture = decoded(data)
    assert picture.problems == []
    assert picture.pixels is not None
    return picture.pixels


def codes(data: bytes) -> list[str]:
    return [problem.code for problem in decoded(data).problems]


def distance_bits(one: Pixels, other: Pixels) -> int:
    hashes = [int.from_bytes(pdq_from_rgb(pixels).bits, "big") for pixels in (one, other)]
    return (hashes[0] ^ hashes[1]).bit_count()


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_is_decoded_in_full_resolution(file_format: str, photograph: Image.Image) -> None:
    data = encoded(photograph, file_format)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(pixels_of(data), np.asarray(image.convert("RGB")))
    found = fingerprint_bytes(data)
    assert (found.kind, found.width, found.height, found.problems) == ("picture", 320, 240, ())
    assert found.media_type == f"image/{file_format.lower()}"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, file_format: str, photograph: Image.Image) -> None:
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    data = encoded(photograph, file_format, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(pixels_of(data), upright)
    assert upright.shape == ((320, 240, 3) if orientation > 4 else (240, 320, 3))


def heic(image: Image.Image, **options: Any) -> bytes:  # noqa: ANN401 - as encoded
    file = io.BytesIO()
    pillow_heif.from_bytes(image.mode, image.size, image.tobytes()).save(file, **options)
    return file.getvalue()


def test_heic_is_decoded(photograph: Image.Image) -> None:
    data = heic(photograph, quality=90)
    assert distance_bits(pixels_of(data), np.asarray(photograph)) <= 8
    found = fingerprint_bytes(data)
    assert (found.kind, found.media_type, found.width, found.height) == ("picture", "image/heic", 320, 240)
    assert found.problems == ()


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_heic_is_turned_once(orientation: int, photograph: Image.Image) -> None:
    """Its own rotation is the one that counts; cameras write the EXIF tag beside it, which must not turn it again."""
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    with Image.open(io.BytesIO(encoded(photograph, "PNG", exif=exif))) as tagged:
        upright = np.asarray(ImageOps.exif_transpose(tagged).convert("RGB"))
    pixels = pixels_of(heic(photograph, quality=90, exif=exif.tobytes()))
    assert pixels.shape == upright.shape
    assert distance_bits(pixels, upright) <= 8


def test_the_pixel_limit_of_heic_is_kept_by_its_header(photograph: Image.Image) -> None:
    found = fingerprint_bytes(heic(photograph), limits=Limits(max_pixels=320 * 240 - 1))
    assert ([problem.code for problem in found.problems], found.pdq) == (["limit"], ())
    assert "320 x 240 pixels" in found.problems[0].detail


def test_a_heic_whose_coding_is_not_known_is_unsupported(photograph: Image.Image) -> None:
    """An encrypted one looks like this, too: a picture of a coding that nobody here has."""
    data = heic(photograph).replace(b"hvc1", b"encv").replace(b"hvcC", b"sinf")
    found = fingerprint_bytes(data)
    assert (found.media_type, found.pdq) == ("image/heic", ())
    assert [problem.code for problem in found.problems] == ["unsupported"]


def test_a_heic_of_16_bit_colours_is_scaled_not_clipped(photograph: Image.Image) -> None:
    samples = np.asarray(photograph).astype(np.uint16) * 257
    heif_file = pillow_heif.from_bytes("RGB;16", photograph.size, samples.tobytes())
    file = io.BytesIO()
    heif_file.save(file, quality=95)
    assert distance_bits(pixels_of(file.getvalue()), np.asarray(photograph)) <= 8


@pytest.mark.parametrize("kept", [0.3, 0.8])
@pytest.mark.parametrize("make", [heic, lambda image: encoded(image, "AVIF")])
def test_a_truncated_container_of_boxes_is_said_to_be_so(
    make: Callable[[Image.Image], bytes], kept: float, photograph: Image.Image
) -> None:
    data = make(photograph)
    assert codes(data[: int(len(data) * kept)]) == ["truncated"]


def test_cmyk_is_not_inverted(photograph: Image.Image) -> None:
    data = encoded(photograph.convert("CMYK"), "JPEG", quality=95)
    assert distance_bits(pixels_of(data), np.asarray(photograph)) == 0


def test_cmyk_is_read_alike_without_the_marker_of_its_makers(photograph: Image.Image) -> None:
    """Inverted as theirs is: what browsers do, and what all writers rely on."""
    data = encoded(photograph.convert("CMYK"), "JPEG", quality=95)
    bare = without_adobe_marker(data)
    assert len(bare) < len(data)
    assert np.array_equal(pixels_of(bare), pixels_of(data))


def test_a_palette_is_looked_up(photograph: Image.Image) -> None:
    image = photograph.quantize(128)
    pixels = pixels_of(encoded(image, "PNG"))
    assert np.array_equal(pixels, np.asarray(image.convert("RGB")))
    assert distance_bits(pixels, np.asarray(photograph)) <= 4


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(file_format: str, photograph: Image.Image) -> None:
    grey = np.asarray(photograph.convert("L"))
    data = encoded(Image.fromarray(grey.astype(np.uint16) * 257), file_format)
    assert np.array_equal(pixels_of(data), as_rgb(grey))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_png_of_16_bits_looks_as_that_of_8(mode: str, photograph: Image.Image) -> None:
    image = photograph.convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1))))
    data = png_of_16_bits(np.asarray(image))
    assert data[24:26] == bytes([16, {"L": 0, "LA": 4, "RGB": 2, "RGBA": 6}[mode]])
    assert np.array_equal(pixels_of(data), pixels_of(encoded(image, "PNG")))


@pytest.mark.parametrize(("bits", "black_is", "byte_order"), [(16, 0, "<"), (16, 1, "<"), (16, 1, ">"), (12, 1, "<")])
def test_tiff_says_how_many_bits_and_which_end_is_black(
    bits: int, black_is: int, byte_order: str, photograph: Image.Image
) -> None:
    grey = np.asarray(photograph.convert("L"))
    samples = (grey.astype(np.uint16) << (bits - 8)).astype(np.uint16)
    stored = samples if black_is else np.uint16(2**bits - 1) - samples
    data = tiff(stored, bits=bits, photometric=black_is, byte_order=byte_order)
    assert np.array_equal(pixels_of(data)[:, :, 0], grey)


def tiff(samples: NDArray[np.uint16], *, bits: int, photometric: int, byte_order: str) -> bytes:
    """Write an uncompressed grey TIFF, as Pillow cannot write all that it reads."""
    height, width = samples.shape
    body = samples.astype(f"{byte_order}u2").tobytes() if bits == 16 else packed_12_bit(samples)
    tags = [(256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric)]
    tags += [(273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, len(body))]
    entries = b"".join(tiff_entry(tag, kind, value, byte_order) for tag, kind, value in tags)
    directory = struct.pack(f"{byte_order}H", len(tags)) + entries + bytes(4)
    header = (b"II*\0" if byte_order == "<" else b"MM\0*") + struct.pack(f"{byte_order}I", 8 + len(body))
    return header + body + directory


def tiff_entry(tag: int, kind: int, value: int, byte_order: str) -> bytes:
    if kind == 3:
        return struct.pack(f"{byte_order}HHIHH", tag, kind, 1, value, 0)
    return struct.pack(f"{byte_order}HHII", tag, kind, 1, value)


def packed_12_bit(samples: NDArray[np.uint16]) -> bytes:
    pairs = samples.reshape(-1, 2).astype(np.uint32)
    together = pairs[:, 0] << 12 | pairs[:, 1]
    return np.stack([together >> 16, together >> 8 & 255, together & 255], axis=1).astype(np.uint8).tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_seen_over_white(file_format: str, mode: str, photograph: Image.Image) -> None:
    image = photograph.convert(mode)
    alpha = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1))
    image.putalpha(Image.fromarray(alpha))
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    share = alpha[:, :, np.newaxis] / 255
    opaque = np.asarray(photograph.convert("L" if mode == "LA" else "RGB").convert("RGB"))
    expected = opaque * share + 255 * (1 - share)
    difference = pixels_of(encoded(image, file_format, **options)) - expected
    assert np.abs(difference).max() <= 1


def test_a_transparent_colour_is_white() -> None:
    indices = np.arange(64, dtype=np.uint8).reshape(8, 8) % 4
    for data in (
        encoded(palette_image(indices), "PNG", transparency=2),
        encoded(palette_image(indices), "PNG", transparency=b"\xff\xff\x00\xff"),
        encoded(palette_image(indices), "GIF", transparency=2),
        encoded(Image.fromarray(indices * 60), "PNG", transparency=120),
        encoded(Image.fromarray(np.repeat(indices[:, :, np.newaxis] * 60, 3, axis=2)), "PNG", transparency=(120,) * 3),
        encoded(Image.fromarray(indices.astype(np.uint16) * 60 * 257), "PNG", transparency=120 * 257),
    ):
        pixels = pixels_of(data)
        assert (pixels[indices == 2] == 255).all()
        assert (pixels[indices == 1] == 60).all()


def palette_image(indices: Pixels) -> Image.Image:
    image = Image.fromarray(indices, "P")
    image.putpalette([level for index in range(4) for level in (index * 60,) * 3])
    return image


@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_truncated_jpeg_is_decoded_as_far_as_it_goes(kept: float, photograph: Image.Image) -> None:
    data = encoded(photograph, "JPEG", quality=90)
    picture, whole = decoded(data[: int(len(data) * kept)]), pixels_of(data)
    assert [problem.code for problem in picture.problems] == ["truncated"]
    assert picture.pixels is not None
    assert picture.pixels.shape == whole.shape
    rows = int(240 * kept) - 40
    assert np.array_equal(picture.pixels[:rows], whole[:rows])
    assert kept < 0.9 or distance_bits(picture.pixels, whole) <= 31


@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_truncated_progressive_jpeg_is_whole_but_coarse(kept: float, photograph: Image.Image) -> None:
    data = encoded(photograph, "JPEG", quality=90, progressive=True)
    picture = decoded(data[: int(len(data) * kept)])
    assert [problem.code for problem in picture.problems] == ["truncated"]
    assert picture.pixels is not None
    assert distance_bits(picture.pixels, pixels_of(data)) <= 16


def test_a_jpeg_without_its_end_marker_has_all_its_pixels(photograph: Image.Image) -> None:
    data = encoded(photograph, "JPEG")
    picture = decoded(data[:-2])
    assert picture.pixels is not None
    assert np.array_equal(picture.pixels, pixels_of(data))
    assert [problem.code for problem in picture.problems] == ["truncated"]


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "BMP"])
def test_what_was_decoded_before_the_end_is_kept(file_format: str, photograph: Image.Image) -> None:
    data = encoded(photograph, file_format)
    picture = decoded(data[: len(data) * 3 // 4])
    assert [problem.code for problem in picture.problems] == ["truncated"]
    assert picture.pixels is not None
    part = slice(-100, None) if file_format == "BMP" else slice(0, 100)  # BMP begins at the bottom
    assert np.array_equal(picture.pixels[part], pixels_of(data)[part])


@pytest.mark.parametrize("file_format", ["WEBP", "TIFF"])
def test_a_truncated_file_of_another_format_is_said_to_be_so(file_format: str, photograph: Image.Image) -> None:
    data = encoded(photograph, file_format)
    picture = decoded(data[: len(data) * 3 // 4])
    assert picture.pixels is None
    assert [problem.code for problem in picture.problems] == ["truncated"]


def test_nothing_is_made_up_of_a_picture_that_breaks_at_once(photograph: Image.Image) -> None:
    data = encoded(photograph, "PNG")
    start = data.index(b"IDAT") + 4
    picture = decoded(data[:start] + bytes(100) + data[start + 100 :])
    assert picture.pixels is None
    assert [problem.code for problem in picture.problems] == ["damaged"]


def test_pictures_under_the_main_one_are_not_left_out_silently() -> None:
    sub_pictures = struct.pack("<HHII", 330, 4, 1, 0)
    data = bytearray(tiff(np.full((8, 8), 40000, np.uint16), bits=16, photometric=1, byte_order="<"))
    directory = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<H", data, directory, 10)
    data[-4:-4] = sub_pictures
    picture = decoded(bytes(data))
    assert [(problem.code, problem.detail) for problem in picture.problems] == [
        ("limit", "only the main picture of the TIFF was read, not those under it")
    ]


def png_of_size(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def webp_of_size(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sizes
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("data", [png_of_size(12_000, 12_000), webp_of_size(16_000, 16_000)])
def test_a_picture_over_the_pixel_limit_is_not_decoded(data: bytes) -> None:
    picture = decoded(data)
    assert picture.pixels is None
    assert [problem.code for problem in picture.problems] == ["limit"]
    assert "at most 100000000 are decoded" in picture.problems[0].detail


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_pixel_limit_can_be_set(file_format: str, photograph: Image.Image) -> None:
    data = encoded(photograph, file_format)

    def with_limit(max_pixels: int) -> Fingerprints:
        return fingerprint_bytes(data, limits=Limits(max_pixels=max_pixels))

    assert with_limit(320 * 240).problems == ()
    over = with_limit(320 * 240 - 1)
    assert ([problem.code for problem in over.problems], over.pdq, over.width) == (["limit"], (), None)
    assert "320 x 240 pixels" in over.problems[0].detail


def test_a_file_over_the_size_limit_is_not_decoded(photograph: Image.Image) -> None:
    data = encoded(photograph, "PNG")
    found = fingerprint_bytes(data, limits=Limits(max_picture_bytes=len(data) - 1))
    assert [problem.code for problem in found.problems] == ["limit"]


@pytest.mark.parametrize("mode", ["I", "F", "LAB"])
def test_pixels_whose_look_is_not_defined_are_unsupported(mode: str) -> None:
    assert codes(encoded(Image.new(mode, (64, 64)), "TIFF")) == ["unsupported"]


@pytest.mark.parametrize(
    "data",
    [
        b"BMW is no picture, and neither is this text",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n",
        b"%PDF-1.7\n",
        b"%PDF-1.7\n1 0 obj<</Encrypt 2 0 R>>",
        b"PK\x03\x04\x14\x00\x01\x00\x08\x00picture.jpg",
        b"Salted__12345678",
        b"7z\xbc\xaf\x27\x1c",
        b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp41",
        b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"II",
        b"\xff\xd8",
    ],
)
def test_other_types_are_not_guessed_at(data: bytes) -> None:
    assert open_picture(io.BytesIO(data)) is None


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "RGBX", "I;16"])
def test_every_mode_of_pixels_becomes_rgb(mode: str, photograph: Image.Image) -> None:
    grey = np.asarray(photograph.convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else photograph.convert(mode)
    expected = as_rgb(grey) if mode == "I;16" else np.asarray(image.convert("RGB"))
    pixels = pixels_of(encoded(image, "TIFF"))
    assert np.array_equal(pixels, expected)
    assert pixels.std() > 40, "what is compared is no picture"
