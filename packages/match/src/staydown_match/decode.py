"""From a file to the pixels of its pictures, or to the reason why not: nothing that a file holds raises an exception.

No setting of the process is changed or relied on (Pillow's limits, `LOAD_TRUNCATED_IMAGES`, the filter of warnings), so
any number of threads may decode at once.
"""

import io
import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import IO, BinaryIO, cast

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from staydown_match._formats import (
    HEAD_BYTES,
    JPEG,
    TIMED,
    WEBP,
    PictureFormat,
    bytes_announced,
    recognise,
    webp_size,
)
from staydown_match._jpeg import (
    JpegHeader,
    continued,
    further_pictures,
    header_of,
    is_as_pillow_sees_it,
    pixels_at_once,
    says_nothing_else,
)
from staydown_match._pixels import (
    ON_ITS_SIDE,
    Pixels,
    UntranslatedModeError,
    display_pixels,
    orientation_of,
    turned_upright,
)
from staydown_match._source import JPEG_END_MARKER, PictureSource
from staydown_match.limits import DEFAULT_LIMITS, Limits
from staydown_match.pdq import Scale
from staydown_match.types import Mode, Problem, ProblemCode

SUB_PICTURES_TAG = 330
"""TIFF's SubIFDs: where camera raw files keep the picture of which the first one is only a preview."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One picture of a file, upright: uint8 (height, width, 3), or (height, width) if it is grey.

    `width` and `height` are its full size; `pixels` has these sides divided by `scale` and rounded up. `at_s` is when
    an animation shows it, None in other files. A frame that was decoded in brief (grey, perhaps shrunk) has `in_full`,
    which decodes it again, with all that it has.
    """

    pixels: Pixels
    width: int
    height: int
    scale: Scale = 1
    at_s: float | None = None
    in_full: "Callable[[], Frame | None] | None" = None


def open_picture(file: BinaryIO, mode: Mode = "publish", *, limits: Limits = DEFAULT_LIMITS) -> "PictureFile | None":
    """Begin to decode the picture in `file`, which can seek; None when its format is not one that is decoded."""
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    picture_format = recognise(file.read(HEAD_BYTES))
    return PictureFile(file, size_bytes, picture_format, mode=mode, limits=limits) if picture_format else None


class PictureFile:
    """A file of one picture or many, being decoded: what goes wrong on the way is noted in `problems`."""

    def __init__(
        self, file: BinaryIO, size_bytes: int, picture_format: PictureFormat, *, mode: Mode, limits: Limits
    ) -> None:
        self.media_type = picture_format.media_type
        self.problems: list[Problem] = []
        self._file = file
        self._size_bytes = size_bytes
        self._format = picture_format
        self._mode: Mode = mode
        self._limits = limits
        self._stop_at = time.monotonic() + limits.stop_after_s
        self._source = PictureSource(file)
        self._ends_too_early = False

    def frames(self) -> Iterator[Frame]:
        """Decode one picture after the other; none when nothing could be decoded. To be called once."""
        with self._noting_problems():
            if self._size_bytes > self._limits.max_picture_bytes:
                self._note(
                    "limit", f"the {{}} is larger than the {self._limits.max_picture_bytes} bytes that are decoded"
                )
                return
            self._file.seek(0)
            head = self._file.read(HEAD_BYTES)
            self._ends_too_early = self._size_bytes < bytes_announced(self._format, self._file, head)
            # WebP's decoder makes room for the whole picture as soon as it is opened.
            if self._format is WEBP and not self._within_limits(webp_size(head)):
                return
            self._file.seek(0)
            yield from self._jpeg_frames() if self._format is JPEG else self._frames()

    def note_limit(self, detail: str) -> None:
        """Note that who takes the frames wants no more of them; `{}` in `detail` is the format's name."""
        self._note("limit", detail)

    def _jpeg_frames(self) -> Iterator[Frame]:
        data = self._file.read()
        header = header_of(data)
        if header and not self._within_limits((header.width, header.height)):
            return
        if header and says_nothing_else(data) and (only := self._frame_at_once(data, header, self._mode)):
            yield only
            return
        self._source = PictureSource(io.BytesIO(data))
        image = JpegImageFile(cast("IO[bytes]", self._source))
        if not self._within_limits(image.size):
            return
        is_ordinary = header is not None and is_as_pillow_sees_it(header, image)
        at_once = self._frame_at_once(data, header, self._mode, image) if header and is_ordinary else None
        first = at_once or self._frame_of(image)
        if first:
            yield first
            if not at_once:
                yield from self._continued(image)
        for number, part in enumerate(further_pictures(data, image), start=1):
            if not self._may_take(number):
                return
            further = PictureFile(io.BytesIO(part), len(part), JPEG, mode=self._mode, limits=self._limits)
            yield from itertools.islice(further.frames(), 1)
            self.problems += [problem for problem in further.problems if problem not in self.problems]

    def _continued(self, image: JpegImageFile) -> Iterator[Frame]:
        """Give a JPEG that was cut off a second time, with something of its own in the place of what is missing."""
        whole = continued(display_pixels(image)) if self._has("truncated") else None
        if whole is not None:
            yield self._upright(image, whole)

    def _frame_at_once(
        self, data: bytes, header: JpegHeader, mode: Mode, image: JpegImageFile | None = None
    ) -> Frame | None:
        """Decode a sound JPEG of ordinary colours the short way, None for any other; `image` knows how it is turned."""
        decoded = pixels_at_once(data, header, mode)
        if decoded is None:
            return None
        pixels, scale = decoded
        in_full = None if mode == "publish" else partial(self._frame_at_once, data, header, "publish", image)
        if image:
            return self._upright(image, pixels, scale=scale, in_full=in_full)
        return Frame(pixels=pixels, width=header.width, height=header.height, scale=scale, in_full=in_full)

    def _frames(self) -> Iterator[Frame]:
        image = self._open()
        main = image.tell()
        first = self._frame_of(image, at_s=0.0)
        if first is None:
            return
        more = self._has_more(image)
        yield first if more and self._format in TIMED else _untimed(first)
        if more:
            yield from self._later_frames(image, main)

    def _later_frames(self, image: ImageFile, main: int) -> Iterator[Frame]:
        """Decode the frames or pages but the `main` one, which was the first."""
        shown_s = _duration_s(image)
        for number in itertools.count(0 if main else 1):
            if number == main:
                continue
            if not self._may_take(number):
                return
            try:
                image.seek(number)
            except EOFError:
                return
            frame = self._frame_of(image, at_s=shown_s)
            if frame is None or self.problems:
                if frame:
                    yield frame if self._format in TIMED else _untimed(frame)
                return
            yield frame if self._format in TIMED else _untimed(frame)
            shown_s += _duration_s(image)

    def _open(self) -> ImageFile:
        return self._format.open(cast("IO[bytes]", self._source))

    def _may_take(self, number: int) -> bool:
        if number >= self._limits.max_frames:
            self._note(
                "limit", f"only the first {self._limits.max_frames} of the frames or pages of the {{}} were read"
            )
            return False
        if time.monotonic() > self._stop_at:
            self._note("limit", f"only {number} of the frames or pages of the {{}} were read in the time there is")
            return False
        return True

    def _within_limits(self, size_pixels: tuple[int, int]) -> bool:
        width, height = size_pixels
        if width * height <= self._limits.max_pixels:
            return True
        self._note("limit", f"the {{}} has {width} x {height} pixels; at most {self._limits.max_pixels} are decoded")
        return False

    def _frame_of(self, image: ImageFile, *, at_s: float | None = None) -> Frame | None:
        if not self._within_limits(image.size):
            return None
        whole = self._load(image)
        if not whole and not self._format.keeps_partial:
            return None
        pixels = display_pixels(image)
        if not whole and pixels.min() == pixels.max():
            return None  # it broke before anything was decoded
        return self._upright(image, pixels, at_s=at_s)

    def _upright(
        self,
        image: ImageFile,
        pixels: Pixels,
        *,
        at_s: float | None = None,
        scale: Scale = 1,
        in_full: "Callable[[], Frame | None] | None" = None,
    ) -> Frame:
        orientation = 1
        with self._noting_problems():
            orientation = orientation_of(image)
        width, height = image.size
        if orientation in ON_ITS_SIDE:
            width, height = height, width
        upright = turned_upright(pixels, orientation)
        return Frame(pixels=upright, width=width, height=height, scale=scale, at_s=at_s, in_full=in_full)

    def _load(self, image: ImageFile) -> bool:
        """Decode `image` and say whether all of it could be."""
        problems_before = len(self.problems)
        with self._noting_problems():
            if self._format is JPEG:
                self._source.end_with(JPEG_END_MARKER)
            image.load()
            if self._source.ran_out:
                self._note("truncated", _DETAILS["truncated"])
        image.tile = []  # no further attempt at the rest: what is loaded by now is all there is
        return len(self.problems) == problems_before

    def _has_more(self, image: ImageFile) -> bool:
        """Say whether the file has further pictures that can be read, and note those that cannot."""
        if isinstance(image, TiffImageFile) and SUB_PICTURES_TAG in image.tag_v2:
            self._note("limit", "only the main picture of the {} was read, not those under it")
        more = False
        with self._noting_problems():
            more = bool(getattr(image, "is_animated", False))
        return more  # noqa: RET504 - the assignment may not have come to pass

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - hostile bytes make Pillow raise nearly every type there is
            code = _code_of(error, ends_too_early=self._ends_too_early or self._source.ran_out)
            self._note(code, _DETAILS[code])

    def _has(self, code: ProblemCode) -> bool:
        return any(problem.code == code for problem in self.problems)

    def _note(self, code: ProblemCode, detail: str) -> None:
        problem = Problem(code=code, detail=detail.format(self._format.name))
        if problem not in self.problems:
            self.problems.append(problem)


def _untimed(frame: Frame) -> Frame:
    return replace(frame, at_s=None)


def _duration_s(image: ImageFile) -> float:
    """Give how long an animation shows the loaded frame; 0 when it does not say."""
    duration_ms = image.info.get("duration", 0)
    return duration_ms / 1000 if isinstance(duration_ms, int | float) and duration_ms > 0 else 0.0


# Never Pillow's own message: it can quote the file.
_DETAILS: dict[ProblemCode, str] = {
    "damaged": "the {} data contradicts its format",
    "limit": "the {} data takes more memory than is given to one picture",
    "truncated": "the {} data ends too early",
    "unsupported": "this kind of {} is not decoded here",
}
_LIMIT_WORDS = ("decompressed data too large", "security limit", "memory allocation")
_UNSUPPORTED_WORDS = (
    "unsupported",
    "not yet supported",
    "cannot handle",
    "unknown pixel mode",
    "unknown data organ",
    "no decoding plugin",
    "codec not available",
)


def _code_of(error: Exception, *, ends_too_early: bool) -> ProblemCode:
    message = str(error).lower()
    if isinstance(error, MemoryError | Image.DecompressionBombError | Image.DecompressionBombWarning):
        return "limit"
    if any(words in message for words in _LIMIT_WORDS):
        return "limit"
    if isinstance(error, UntranslatedModeError) or any(words in message for words in _UNSUPPORTED_WORDS):
        return "unsupported"
    return "truncated" if ends_too_early or "truncated" in message else "damaged"
