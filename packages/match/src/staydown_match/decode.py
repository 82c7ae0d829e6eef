"""From a file to the pixels of its picture, or to the reason why not: nothing that a file holds raises an exception.

No setting of the process is changed or relied on (Pillow's limits, `LOAD_TRUNCATED_IMAGES`, the filter of warnings), so
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

from staydown_match._formats import HEAD_BYTES, JPEG, WEBP, PictureFormat, recognise, webp_file_bytes, webp_size
from staydown_match._pixels import Pixels, UntranslatedModeError, rgb_pixels, turned_upright
from staydown_match._source import JPEG_END_MARKER, PictureSource
from staydown_match.limits import DEFAULT_LIMITS, Limits
from staydown_match.types import Problem, ProblemCode

SUB_PICTURES_TAG = 330
"""TIFF's SubIFDs: where camera raw files keep the picture of which the first one is only a preview."""


@dataclass(slots=True)
class DecodedPicture:
    """`pixels`: uint8 (height, width, 3), upright, or None when nothing could be decoded; then `problems` says why."""

    media_type: str
    pixels: Pixels | None = None
    problems: list[Problem] = field(default_factory=list)


def decode_picture(file: BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> DecodedPicture | None:
    """Decode the picture in `file`, which can seek; None when its format is not one that is decoded."""
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    picture_format = recognise(head)
    if picture_format is None:
        return None
    file.seek(0)
    attempt = _Attempt(PictureSource(file), picture_format, limits)
    if picture_format is WEBP:
        attempt.decode_webp(head, size_bytes)
    elif attempt.within_limits(size_bytes):
        attempt.decode()
    return attempt.picture


class _Attempt:
    """One picture being decoded: what goes wrong on the way is noted with it, and what is there by then is kept."""

    def __init__(self, source: PictureSource, picture_format: PictureFormat, limits: Limits) -> None:
        self._source = source
        self._format = picture_format
        self._limits = limits
        self._ends_too_early = False
        self.picture = DecodedPicture(picture_format.media_type)

    def within_limits(self, size_bytes: int, size_pixels: tuple[int, int] = (0, 0)) -> bool:
        width, height = size_pixels
        if size_bytes > self._limits.max_picture_bytes:
            at_most = self._limits.max_picture_bytes
            self._note("limit", f"the {{}} file is larger than the {at_most} bytes that are decoded")
        if width * height > self._limits.max_pixels:
            at_most = self._limits.max_pixels
            self._note("limit", f"the {{}} has {width} x {height} pixels; at most {at_most} are decoded")
        return not self.picture.problems

    def decode_webp(self, head: bytes, size_bytes: int) -> None:
        if self.within_limits(size_bytes, webp_size(head)):
            self._ends_too_early = size_bytes < webp_file_bytes(head)
            self.decode()

    def decode(self) -> None:
        with self._noting_problems():
            image = self._format.open(cast("IO[bytes]", self._source))
            if not self.within_limits(0, image.size):
                return
            self._load(image)
            if self.picture.problems and not self._format.keeps_partial:
                return
            pixels = rgb_pixels(image)
            if self.picture.problems and pixels.min() == pixels.max():
                return  # it broke before anything was decoded
            self.picture.pixels = pixels
            self.picture.pixels = turned_upright(pixels, image)
            self._note_unread_parts(image)

    def _load(self, image: ImageFile) -> None:
        with self._noting_problems():
            if self._format is JPEG:
                self._source.end_with(JPEG_END_MARKER)
            image.load()
            if self._source.ran_out:
                self._note("truncated", _DETAILS["truncated"])
        image.tile = []  # no further attempt at the rest: what is loaded by now is all there is

    def _note_unread_parts(self, image: ImageFile) -> None:
        """Say when the file holds more than its first picture: to leave the rest out silently would hide it."""
        if getattr(image, "is_animated", False):
            self._note("limit", "only the first of the frames or pages of the {} was read")
        if isinstance(image, TiffImageFile) and SUB_PICTURES_TAG in image.tag_v2:
            self._note("limit", "only the main picture of the {} was read, not those under it")

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - hostile bytes make Pillow raise nearly every type there is
            code = _code_of(error, ends_too_early=self._ends_too_early or self._source.ran_out)
            self._note(code, _DETAILS[code])

    def _note(self, code: ProblemCode, detail: str) -> None:
        problem = Problem(code=code, detail=detail.format(self._format.name))
        if problem not in self.picture.problems:
            self.picture.problems.append(problem)


# Never Pillow's own message: it can quote the file.
_DETAILS: dict[ProblemCode, str] = {
    "damaged": "the {} data contradicts its format",
    "limit": "the {} data takes more memory than is given to one picture",
    "truncated": "the {} data ends too early",
    "unsupported": "this kind of {} is not decoded here",
}
_LIMIT_WORDS = ("decompressed data too large",)
_UNSUPPORTED_WORDS = ("unsupported", "not yet supported", "cannot handle", "unknown pixel mode", "unknown data organ")


def _code_of(error: Exception, *, ends_too_early: bool) -> ProblemCode:
    message = str(error).lower()
    if isinstance(error, MemoryError | Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "limit"
    if any(words in message for words in _LIMIT_WORDS):
        return "limit"
    if isinstance(error, UntranslatedModeError) or any(words in message for words in _UNSUPPORTED_WORDS):
        return "unsupported"
    return "truncated" if ends_too_early or "truncated" in message else "damaged"
