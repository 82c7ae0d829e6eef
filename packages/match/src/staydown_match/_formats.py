"""The formats that are decoded, known by their first bytes alone: a file's name says nothing about its content."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, BinaryIO

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

HEAD_BYTES = 256
"""How much of a file's beginning tells its format: the boxes of HEIC and AVIF list theirs one after the other."""

MAX_OUTER_BOXES = 1000
SIZE_FOLLOWS = 1


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

# Containers of boxes: the first box lists the formats that the file keeps to, and the pattern is searched in that list.
AVIF = PictureFormat("AVIF", "image/avif", re.compile(rb"avi[fs]"), AvifImageFile, keeps_partial=False)
_HEIC_BRANDS = re.compile(rb"hei[cxms]|hev[cxms]|mif1|msf1")
HEIC = PictureFormat("HEIC", "image/heic", _HEIC_BRANDS, HeifImageFile, keeps_partial=False)


TIMED = (GIF, WEBP, PNG, AVIF)
"""The formats whose further pictures are frames of an animation; in the others they stand beside each other."""

_FORMATS = (JPEG, PNG, GIF, WEBP, TIFF, BMP)
_BOX_FORMATS = (AVIF, HEIC)


def recognise(head: bytes) -> PictureFormat | None:
    """Name the format of a file by its first bytes; None when it is not one that is decoded."""
    brands = _brands(head)
    if brands:
        return next((known for known in _BOX_FORMATS if any(map(known.signature.fullmatch, brands))), None)
    return next((known for known in _FORMATS if known.signature.match(head)), None)


def _brands(head: bytes) -> list[bytes]:
    """List the formats that an ISO base media file says it keeps to, the main one first (ISO/IEC 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[start : start + 4] for start in range(16, end - 3, 4))]


def bytes_announced(picture_format: PictureFormat, file: BinaryIO, head: bytes) -> int:
    """Say how many bytes the file should have by its own account; 0 when it does not say."""
    if picture_format is WEBP:
        return int.from_bytes(head[4:8], "little") + 8
    return _end_of_boxes(file) if picture_format in _BOX_FORMATS else 0


def _end_of_boxes(file: BinaryIO) -> int:
    """Find where the last of the outermost boxes should end; a box of size 0 goes to the end, wherever that is."""
    end = 0
    for _ in range(MAX_OUTER_BOXES):
        file.seek(end)
        box = file.read(16)
        size = int.from_bytes(box[:4], "big")
        if size == SIZE_FOLLOWS:
            size = int.from_bytes(box[8:16], "big")
        if size < len(b"sizetype"):
            break
        end += size
    return end


def webp_size(head: bytes) -> tuple[int, int]:
    """Read width and height in pixels from the first bytes of a WebP file; (0, 0) when they are not there.

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
