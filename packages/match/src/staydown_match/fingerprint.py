"""From a file to its fingerprints: exact hashes always, PDQ when there is a picture that can be decoded."""

import hashlib
import io
import os
import stat
from typing import BinaryIO, get_args

from staydown_match.decode import MAX_PIXELS, DecodedPicture, decode_picture
from staydown_match.pdq import pdq_from_rgb
from staydown_match.types import Fingerprints, InvalidValueError, Mode, NotAFileError, Problem

CHUNK_BYTES = 1 << 20


def fingerprint_file(
    path: str | os.PathLike[str], mode: Mode = "publish", *, max_pixels: int = MAX_PIXELS
) -> Fingerprints:
    """Fingerprint the file at `path`; its name is not looked at, only its content.

    `mode` "publish" decodes pictures in full resolution, for hashes equal to PDQ's reference in every bit. A picture of
    more than `max_pixels` is not decoded. Whatever the content is, there is an answer: what could not be read is in
    `problems`. Raises FileNotFoundError, IsADirectoryError or PermissionError as opening does, NotAFileError for a
    device or pipe, InvalidValueError for an option.
    """
    _check_options(mode, max_pixels)
    file_mode = os.stat(path).st_mode  # noqa: PTH116 - takes str as well as Path
    if not stat.S_ISREG(file_mode) and not stat.S_ISDIR(file_mode):
        raise NotAFileError
    with open(path, "rb") as file:  # noqa: PTH123 - takes str as well as Path
        return _fingerprint(file, max_pixels=max_pixels)


def fingerprint_bytes(data: bytes, mode: Mode = "publish", *, max_pixels: int = MAX_PIXELS) -> Fingerprints:
    """Fingerprint a file's content that is already in memory; as fingerprint_file."""
    _check_options(mode, max_pixels)
    return _fingerprint(io.BytesIO(data), max_pixels=max_pixels)


def _check_options(mode: str, max_pixels: int) -> None:
    if mode not in get_args(Mode):
        raise InvalidValueError(f"mode: give one of {', '.join(get_args(Mode))}, not {mode!r}")
    if max_pixels < 1:
        raise InvalidValueError(f"max_pixels: give a number over 0, not {max_pixels}")


def _fingerprint(file: BinaryIO, *, max_pixels: int) -> Fingerprints:
    md5, sha1, sha256, size_bytes = _exact_hashes(file)
    picture = decode_picture(file, max_pixels=max_pixels) if size_bytes else None
    height, width = picture.pixels.shape[:2] if picture and picture.pixels is not None else (None, None)
    return Fingerprints(
        kind="picture" if picture else None,
        media_type=picture.media_type if picture else None,
        md5=md5,
        sha1=sha1,
        sha256=sha256,
        width=width,
        height=height,
        pdq=(pdq_from_rgb(picture.pixels),) if picture and picture.pixels is not None else (),
        problems=_problems(picture, size_bytes),
    )


def _problems(picture: DecodedPicture | None, size_bytes: int) -> tuple[Problem, ...]:
    if picture:
        return tuple(picture.problems)
    if not size_bytes:
        return (Problem(code="empty", detail="the file has no bytes"),)
    return (Problem(code="unsupported", detail="the file is of no type that is decoded here"),)


def _exact_hashes(file: BinaryIO) -> tuple[str, str, str, int]:
    """Read the file once for all three: lower-case hexadecimal md5, sha1 and sha256, and its size in bytes."""
    # MD5 and SHA-1 are what existing lists hold; nothing here relies on them against forgery.
    digests = [hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")]
    size_bytes = 0
    while chunk := file.read(CHUNK_BYTES):
        size_bytes += len(chunk)
        for digest in digests:
            digest.update(chunk)
    md5, sha1, sha256 = (digest.hexdigest() for digest in digests)
    return md5, sha1, sha256, size_bytes
