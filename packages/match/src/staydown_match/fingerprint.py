"""From a file to its fingerprints: exact hashes always, PDQ when there is a picture that can be decoded."""

import io
import os
import stat
from typing import BinaryIO, get_args

from staydown_match.content import Content, in_memory_if_small, read_content
from staydown_match.exact import ExactHashes, exact_hashes
from staydown_match.limits import DEFAULT_LIMITS, Limits
from staydown_match.types import Fingerprints, InvalidValueError, Mode, NotAFileError


def fingerprint_file(
    path: str | os.PathLike[str], mode: Mode = "publish", *, limits: Limits = DEFAULT_LIMITS
) -> Fingerprints:
    """Fingerprint the file at `path`; its name is not looked at, only its content.

    `mode` "publish" decodes pictures in full resolution, for hashes equal to PDQ's reference in every bit (unless a
    picture was computed to break that: docs/adr/0020), and every frame of a video. "scan" is faster and a bit or so
    away: pictures shrunk, keyframes of videos, and every frame where keyframes say too little; "scan-every-frame" looks
    at every frame of videos. Whatever the content is, there is an answer: what could not be read is in `problems`.
    Decoding happens in this process; files of strangers belong in a FingerprintPool, which also keeps to limits of
    memory and time. Raises FileNotFoundError, IsADirectoryError or PermissionError as opening does, NotAFileError for a
    device or pipe, InvalidValueError for another mode.
    """
    checked_mode(mode)
    with open_regular(path) as file:
        return _fingerprint(file, mode, limits)


def fingerprint_bytes(data: bytes, mode: Mode = "publish", *, limits: Limits = DEFAULT_LIMITS) -> Fingerprints:
    """Fingerprint a file's content that is already in memory; as fingerprint_file."""
    return _fingerprint(io.BytesIO(data), checked_mode(mode), limits)


def checked_mode(mode: Mode) -> Mode:
    """Give `mode` back; raise InvalidValueError when there is no such mode."""
    if mode not in get_args(Mode):
        raise InvalidValueError(f"mode: give one of {', '.join(get_args(Mode))}, not {mode!r}")
    return mode


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading; raise as `open` does, and NotAFileError before waiting for a device or pipe."""
    file_mode = os.stat(path).st_mode  # noqa: PTH116 - takes str as well as Path
    if not stat.S_ISREG(file_mode) and not stat.S_ISDIR(file_mode):
        raise NotAFileError
    return open(path, "rb")  # noqa: PTH123 - takes str as well as Path; the caller closes it


def joined(exact: ExactHashes, content: Content) -> Fingerprints:
    """Put together what is known of one file."""
    return Fingerprints(
        kind=content.kind,
        media_type=content.media_type,
        md5=exact.md5,
        sha1=exact.sha1,
        sha256=exact.sha256,
        width=content.width,
        height=content.height,
        duration_s=content.duration_s,
        pdq=content.pdq,
        problems=content.problems,
    )


def _fingerprint(file: BinaryIO, mode: Mode, limits: Limits) -> Fingerprints:
    file = in_memory_if_small(file)
    exact = exact_hashes(file.read)
    return joined(exact, read_content(file, mode, limits))
