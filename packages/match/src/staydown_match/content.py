"""What looking at a file's content finds: its kind, its size and its PDQ hashes, or why there are none.

This is the part of fingerprinting that hostile bytes can reach. It takes an open file and gives plain values, so that
it can run in this process or in another one.
"""

import io
import os
from dataclasses import dataclass
from typing import BinaryIO

from staydown_match.decode import PictureFile, open_picture
from staydown_match.frame_hashes import MAX_HASHES, DistinctHashes
from staydown_match.limits import Limits
from staydown_match.nesting import nests_deeper_than
from staydown_match.types import Kind, Mode, PdqHash, Problem
from staydown_match.video.read import VideoContent, read_video


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All of `Fingerprints` that needs decoding; the fields mean the same there."""

    kind: Kind | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    pdq: tuple[PdqHash, ...] = ()
    problems: tuple[Problem, ...] = ()


EMPTY = Content(problems=(Problem(code="empty", detail="the file has no bytes"),))
UNKNOWN = Content(problems=(Problem(code="unsupported", detail="the file is of no type that is decoded here"),))


AT_ONCE_BYTES = 1 << 24
"""Files up to this size are read in one go: most pictures, which are looked at from several sides before decoding."""


def read_content(file: BinaryIO, mode: Mode, limits: Limits) -> Content:
    """Decode `file`, which can seek. Whatever it holds, there is an answer; what was not read is in its problems."""
    file = in_memory_if_small(file)
    if not file.seek(0, os.SEEK_END):
        return EMPTY
    if nests_deeper_than(file, limits.max_nesting):
        return _nested_too_deep(limits)
    if picture := open_picture(file, mode, limits=limits):
        return _of_picture(picture)
    if video := read_video(file, mode, limits):
        return _of_video(video)
    return UNKNOWN


def in_memory_if_small(file: BinaryIO) -> BinaryIO:
    """Read a file of up to AT_ONCE_BYTES in one go; give it back at its beginning."""
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    return (
        io.BytesIO(file.read(size_bytes)) if 0 < size_bytes <= AT_ONCE_BYTES and type(file) is not io.BytesIO else file
    )


def _nested_too_deep(limits: Limits) -> Content:
    detail = f"its boxes lie deeper in one another than the {limits.max_nesting} levels that are read"
    return Content(problems=(Problem(code="limit", detail=detail),))


def _of_picture(picture: PictureFile) -> Content:
    size: tuple[int | None, int | None] = (None, None)
    hashes = DistinctHashes()
    for frame in picture.frames():
        size = size if any(size) else (frame.width, frame.height)
        if not hashes.add(frame):
            picture.note_limit(f"only the first {MAX_HASHES} hashes of the pictures in the {{}} were kept")
            break
    return Content(
        kind="picture",
        media_type=picture.media_type,
        width=size[0],
        height=size[1],
        pdq=hashes.kept,
        problems=tuple(picture.problems),
    )


def _of_video(video: VideoContent) -> Content:
    if not video.is_video:
        return Content(problems=video.problems)
    return Content(
        kind="video",
        media_type=video.media_type,
        width=video.width,
        height=video.height,
        duration_s=video.duration_s,
        pdq=video.pdq,
        problems=video.problems,
    )
