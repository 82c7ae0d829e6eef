"""The formats that are decoded, known by their first bytes alone: a file's name says nothing about its content."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TypeAlias

from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

HEAD_BYTES = 32
BMP_HEADER_BYTES = {12, 40, 52, 56, 64, 108, 124}
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

Opener: TypeAlias = Callable[[IO[bytes]], ImageFile]


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """One format: how it is called, its decoder, and whether the decoder keeps what it had read when it has to give up.

    The decoder's class is called by itself, not found through `PIL.Image.open`: that one tries every decoder on the
    machine, some of which start other programs, and its limits are settings of the whole process.
    """

    name: str
    media_type: str
    open: Opener
    keeps_partial: bool


JPEG = PictureFormat("JPEG", "image/jpeg", JpegImageFile, keeps_partial=True)
PNG = PictureFormat("PNG", "image/png", PngImageFile, keeps_partial=True)
GIF = PictureFormat("GIF", "image/gif", GifImageFile, keeps_partial=True)
WEBP = PictureFormat("WebP", "image/webp", WebPImageFile, keeps_partial=False)
BMP = PictureFormat("BMP", "image/bmp", BmpImageFile, keeps_partial=True)
TIFF = PictureFormat("TIFF", "image/tiff", TiffImageFile, keeps_partial=False)


def recognise(head: bytes) -> PictureFormat | None:
    """Name the format of a file that starts with `head`, its first 32 bytes; None when it is not one that is decoded."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head.startswith(TIFF_SIGNATURES):
        return TIFF
    # Two letters start many a text; the size of the header that follows makes it a picture.
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in BMP_HEADER_BYTES:
        return BMP
    return None


def webp_size(head: bytes) -> tuple[int, int]:
    """Read width and height in pixels from the first bytes of a WebP file; (0, 0) when they are not there.

    Its decoder makes room for the whole picture as soon as it is opened, so the size must be known before. Source:
    "WebP Container Specification" and RFC 6386, section 9.1.
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
