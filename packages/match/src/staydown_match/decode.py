"""From a file to the pixels of its picture, or to the reason why not: nothing that a file holds raises an exception.

No setting of the process is read or changed on the way (Pillow's limits, `LOAD_TRUNCATED_IMAGES`, the warnings filter), so
any number of threads may decode at once.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from staydown_match._formats import HEAD_BYTES, JPEG, WEBP, PictureFormat, recognise, webp_size
from staydown_match._pixels import Pixels, UntranslatedModeError, upright_rgb
from staydown_match._source import JPEG_END_MARKER, PictureSource
from staydown_match.types import Problem, ProblemCode

MAX_PIXELS = 100_000_000
"""Pictures of more pixels are not decoded unless asked for: one of this size takes about 1 GB while it is decoded."""

MAX_PICTURE_BYTES = 1 << 30
"""Larger picture files are not decoded: some decoders hold the whole file in memory."""

SUB_PICTURES_TAG = 330
"""TIFF's SubIFDs: where camera raw files keep the picture of which the first one is only a preview."""


@dataclass(slots=True)
class DecodedPicture:
    """`pixels`: uint8 (height, width, 3), upright, or None when nothing could be decoded; then `problems` says why."""

    media_type: str
    pixels: Pixels | None = None
    problems: list[Problem] = field(default_factory=list)


def decode_picture(file: BinaryIO, *, max_pixels: int = MAX_PIXELS) -> DecodedPicture | None:
    """Decode the picture in `file`, a seekable file, from its start; None when its format is not one that is decoded."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    picture_format = recognise(head)
    if picture_format is None:
        return None
    picture = DecodedPicture(picture_format.media_type)
    problem = _oversized_file(file, picture_format) or _oversized_webp(head, picture_format, max_pixels)
    if problem:
        picture.problems.append(problem)
    else:
        file.seek(0)
        _decode(PictureSource(file), picture_format, picture, max_pixels)
    return picture


def _decode(source: PictureSource, picture_format: PictureFormat, picture: DecodedPicture, max_pixels: int) -> None:
    with _noting_problems(picture, source, picture_format):
        image = picture_format.open(cast("IO[bytes]", source))
        oversized = _oversized(image.size, picture_format, max_pixels)
        if oversized:
            picture.problems.append(oversized)
            return
        with _noting_problems(picture, source, picture_format):
            _load(image, source, picture_format)
        if picture.problems and picture_format.keeps_partial:
            image.tile = []  # what is loaded is then all there is
        if not picture.problems or picture_format.keeps_partial:
            picture.pixels = upright_rgb(image)
            picture.problems.extend(_unread_parts(image, picture_format))


def _load(image: ImageFile, source: PictureSource, picture_format: PictureFormat) -> None:
    source.ran_out = False
    if picture_format is JPEG:
        source.end_with(JPEG_END_MARKER)
    image.load()
    if picture_format is JPEG and source.ran_out:
        raise EOFError


@contextmanager
def _noting_problems(
    picture: DecodedPicture, source: PictureSource, picture_format: PictureFormat
) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001 - hostile bytes make Pillow raise nearly anything: OSError, SyntaxError, struct.error, ...
        code = _code_of(error, source)
        picture.problems.append(Problem(code=code, detail=_DETAILS[code].format(picture_format.name)))


_DETAILS: dict[ProblemCode, str] = {
    "damaged": "the {} data contradicts its format",
    "limit": "the {} data takes more memory than is given to one picture",
    "truncated": "the {} data ends too early",
    "unsupported": "this kind of {} is not decoded here",
}
_UNSUPPORTED_WORDS = ("unsupported", "not yet supported", "cannot handle", "unknown pixel mode", "unknown data organization")


def _code_of(error: Exception, source: PictureSource) -> ProblemCode:
    message = str(error).lower()
    if isinstance(error, MemoryError | Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "limit"
    if "decompressed data too large" in message:
        return "limit"
    if isinstance(error, UntranslatedModeError) or any(words in message for words in _UNSUPPORTED_WORDS):
        return "unsupported"
    return "truncated" if source.ran_out or "truncated" in message else "damaged"


def _oversized(size: tuple[int, int], picture_format: PictureFormat, max_pixels: int) -> Problem | None:
    width, height = size
    if width * height <= max_pixels:
        return None
    detail = f"the {picture_format.name} has {width} x {height} pixels; at most {max_pixels} in all are decoded"
    return Problem(code="limit", detail=detail)


def _oversized_webp(head: bytes, picture_format: PictureFormat, max_pixels: int) -> Problem | None:
    return _oversized(webp_size(head), picture_format, max_pixels) if picture_format is WEBP else None


def _oversized_file(file: BinaryIO, picture_format: PictureFormat) -> Problem | None:
    size_bytes = file.seek(0, os.SEEK_END)
    if size_bytes <= MAX_PICTURE_BYTES:
        return None
    detail = f"the {picture_format.name} file has {size_bytes} bytes; at most {MAX_PICTURE_BYTES} are decoded"
    return Problem(code="limit", detail=detail)


def _unread_parts(image: ImageFile, picture_format: PictureFormat) -> Iterator[Problem]:
    """Say when a file holds more pictures than its first: to leave them out silently would hide them."""
    if getattr(image, "is_animated", False):
        detail = f"only the first of the {picture_format.name}'s frames or pages was read"
        yield Problem(code="limit", detail=detail)
    if isinstance(image, TiffImageFile) and SUB_PICTURES_TAG in image.tag_v2:
        yield Problem(code="limit", detail="only the main picture of the TIFF was read, not those under it")
