"""JPEG straight into pixels, without Pillow's way round: in full, or grey and shrunk as the decoder reads it.

The pixels of a full picture are those of Pillow (both are libjpeg-turbo's); a test compares them. Only sound files of
ordinary colours take this way: the header is read first, by the library that decodes, and the first warning sends the
file back to Pillow, which keeps what can be had of it.
"""

from collections.abc import Iterator

import simplejpeg
from PIL.JpegImagePlugin import JpegImageFile

from staydown_match._pixels import Pixels
from staydown_match.pdq import Scale
from staydown_match.types import Mode

SHORT_SIDE = 512
"""A scan looks at pictures of at least this many pixels along the shorter side, if they have them."""

_SCALES: tuple[Scale, ...] = (8, 4, 2)
_COLOURS_AS_PILLOW_SEES_THEM = {"L": "Gray", "RGB": "YCbCr"}

_NUMBER_OF_PICTURES = 0xB001
_PICTURES = 0xB002


def pixels_at_once(data: bytes, image: JpegImageFile, mode: Mode) -> tuple[Pixels, Scale] | None:
    """Decode the JPEG `data`, opened but not loaded as `image`: its pixels as stored and by how much they are shrunk.

    None when it is no plain sound JPEG.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if (width, height) != image.size or colours != _COLOURS_AS_PILLOW_SEES_THEM.get(image.mode):
            return None
        if mode == "publish" and colours != "Gray":
            return simplejpeg.decode_jpeg(data, "RGB"), 1
        scale = _scale_for(min(width, height)) if mode != "publish" else 1
        height, width = -(-height // scale), -(-width // scale)
        pixels = simplejpeg.decode_jpeg(data, "GRAY", min_height=height, min_width=width)[:, :, 0]
    except (ValueError, MemoryError):
        return None
    return (pixels, scale) if pixels.shape == (height, width) else None


def _scale_for(short_side: int) -> Scale:
    return next((scale for scale in _SCALES if short_side >= scale * SHORT_SIDE), 1)


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
