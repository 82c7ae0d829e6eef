"""The formats that are decoded, known by their first bytes alone: a file's name says nothing about its content."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

HEAD_BYTES = 32


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """One format: how it begins, its decoder, and whether the decoder keeps what it had read when it has to give up.

    The decoder's class is called by itself, not found through `PIL.Image.open`: that one tries every decoder there is,
    some of which start other programs, and its limits are settings of the whole process.
    """

    name: str
    media_type: str
    signature: re.Pattern[bytes]
    open: Callable[[IO[bytes]], ImageFile]
    keeps_partial: bool


JPEG = PictureFormat("JPEG", "image/jpeg", re.compile(rb"\xff\xd8\xff"), JpegImageFile, keeps_partial=True)
PNG = PictureFormat("PNG", "image/png", re.compile(rb"\x89PNG\r\n\x1a\n"), PngImageFile, keeps_partial=True)
GIF = PictureFormat("GIF", "image/gif", re.compile(rb"GIF8[79]a"), GifImageFile, keeps_partial=True)
WEBP = PictureFormat("WebP", "image/webp", re.compile(rb"(?s)RIFF....WEBP"), WebPImageFile, keeps_partial=False)
TIFF = PictureFormat("TIFF", "image/tiff", re.compile(rb"II[*+]\0|MM\0[*+]"), TiffImageFile, keeps_partial=False)
# Two letters begin many a text; only with the size of one of the known headers after them is it a picture.
_BMP_SIGNATURE = re.compile(rb"(?s)BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0")
BMP = PictureFormat("BMP", "image/bmp", _BMP_SIGNATURE, BmpImageFile, keeps_partial=True)

_FORMATS = (JPEG, PNG, GIF, WEBP, TIFF, BMP)


def recognise(head: bytes) -> PictureFormat | None:
    """Name the format of a file by its first 32 bytes; None when it is not one that is decoded."""
    return next((known for known in _FORMATS if known.signature.match(head)), None)


def webp_size(head: bytes) -> tuple[int, int]:
    """Read width and height in pixels from the first 32 bytes of a WebP file; (0, 0) when they are not there.

    Its decoder makes room for the whole picture as soon as it is opened, so the size must be known before. Source: WebP
    Container Specification; WebP Lossless Bitstream Specification; RFC 6386, section 9.1.
    """
    chunk, body = head[12:16], head[20:]
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        sizes = int.from_bytes(body[1:5], "little")
        return (sizes & 0x3FFF) + 1, (sizes >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0


def webp_file_bytes(head: bytes) -> int:
    """Read from the first 32 bytes of a WebP file how many bytes it should have."""
    return int.from_bytes(head[4:8], "little") + 8
