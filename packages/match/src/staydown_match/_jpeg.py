"""JPEG straight into pixels, without Pillow's way round: in full, or grey and shrunk as the decoder reads it.

The pixels of a full picture are those of Pillow (both are libjpeg-turbo's); a test compares them. Only sound files of
ordinary colours take this way: the header is read first, by the library that decodes, and the first warning sends the
file back to Pillow, which keeps what can be had of it. Pillow is not asked at all about a file without EXIF and the
like, which cannot be turned and cannot hold further pictures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from staydown_match._pixels import Pixels
from staydown_match.pdq import Scale
from staydown_match.types import Mode

SHORT_SIDE = 512
"""A scan looks at pictures of at least this many pixels along the shorter side, if they have them."""

_SCALES: tuple[Scale, ...] = (8, 4, 2)
_ORDINARY_COLOURS = frozenset(["Gray", "YCbCr"])

_START = b"\xff\xd8"
_MARKER, _SCAN = 0xFF, 0xDA
# JFIF, tables, the frame's header (baseline, extended, progressive), restart interval, comment.
_PLAIN_SEGMENTS = frozenset([0xE0, 0xDB, 0xC4, 0xC0, 0xC1, 0xC2, 0xDD, 0xFE])

_BLOCK_ROWS = 16
"""The most rows that a decoder works on at once."""

_SMOOTHED_ROWS = 2
"""So far up the grey of what is missing reaches, when colours are stored at half the size."""

_NUMBER_OF_PICTURES = 0xB001
_PICTURES = 0xB002


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """What the decoding library reads from a header: sides in pixels, and whether it is grey or of ordinary colours."""

    width: int
    height: int
    is_grey: bool


def header_of(data: bytes) -> JpegHeader | None:
    """Read the header of the JPEG `data`; None when it is broken or of other colours."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    return JpegHeader(width, height, colours == "Gray") if colours in _ORDINARY_COLOURS else None


def says_nothing_else(data: bytes) -> bool:
    """Say whether all that comes before the pixels of the JPEG `data` is what decoding them needs: no metadata."""
    position, last = len(_START), len(data) - 4
    if not data.startswith(_START):
        return False
    while position <= last and data[position] == _MARKER:
        segment = data[position + 1]
        if segment == _SCAN:
            return True
        if segment not in _PLAIN_SEGMENTS:
            return False
        position += 2 + (data[position + 2] << 8 | data[position + 3])
    return False


def is_as_pillow_sees_it(header: JpegHeader, image: JpegImageFile) -> bool:
    """Say whether both libraries read the same from one header."""
    return (header.width, header.height) == image.size and image.mode == ("L" if header.is_grey else "RGB")


def pixels_at_once(data: bytes, header: JpegHeader, mode: Mode) -> tuple[Pixels, Scale] | None:
    """Decode the JPEG `data` with this header: its pixels as stored and by how much they are shrunk.

    None when it is not sound.
    """
    try:
        if mode == "publish" and not header.is_grey:
            return simplejpeg.decode_jpeg(data, "RGB"), 1
        scale = _scale_for(min(header.width, header.height)) if mode != "publish" else 1
        height, width = -(-header.height // scale), -(-header.width // scale)
        pixels = simplejpeg.decode_jpeg(data, "GRAY", min_height=height, min_width=width)[:, :, 0]
    except (ValueError, MemoryError):
        return None
    return (pixels, scale) if pixels.shape == (height, width) else None


def _scale_for(short_side: int) -> Scale:
    return next((scale for scale in _SCALES if short_side >= scale * SHORT_SIDE), 1)


def continued(pixels: Pixels) -> Pixels | None:
    """Give the picture of a JPEG that was cut off with the last row that is whole repeated down to the bottom.

    `pixels` is what the decoder made of it: one grey from the cut to the end. Most pictures are nearer to their whole
    with rows of their own there, many with the grey; docs/reference/benchmarks/media.md has the figures. None when
    nothing is missing, or more than half.
    """
    height = len(pixels)
    missing = pixels[-1, -1]
    end = next((row for row in range(height, 0, -1) if (pixels[row - 1] != missing).any()), 0)
    start_of_blocks = (end - 1) // _BLOCK_ROWS * _BLOCK_ROWS
    ends_in_a_block = any((pixels[start_of_blocks:end, x] == missing).all() for x in range(pixels.shape[1]))
    if ends_in_a_block:  # with a row of blocks that are not all there
        end = start_of_blocks
    if end == height or end <= max(height // 2, _SMOOTHED_ROWS):
        return None
    end -= _SMOOTHED_ROWS
    whole = pixels.copy()
    whole[end:] = pixels[end - 1]
    return whole


def further_pictures(data: bytes, image: JpegImageFile) -> Iterator[bytes]:
    """Yield the other pictures of a multi-picture file (CIPA DC-007): stereo halves, brightness maps, large previews.

    One that is announced but begins after the end of the file is not there to be read: editors that rewrite the first
    picture leave its announcement behind.
    """
    if "mp" not in image.info:
        return
    index = image._getmp()  # noqa: SLF001 - Pillow's own reader of MPO calls it so
    start_of_offsets = image.info["mpoffset"]
    for picture in index[_PICTURES] if index else ():
        start = start_of_offsets + picture["DataOffset"]
        if picture["DataOffset"] and start < len(data):
            yield data[start : start + picture["Size"]]
