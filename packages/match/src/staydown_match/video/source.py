"""A video file as FFmpeg sees it: bytes from one open file, until the time is up, and nothing else in the world."""

import os
import time
from typing import BinaryIO


class DeadlineError(Exception):
    """The time given to the file was over in the middle of reading it."""


class NestedFileError(Exception):
    """The file asked for another file or an address to be opened; it never is."""


class VideoSource:
    """What the demuxer reads from. It has no name and no descriptor, and stops a demuxer that reads on without end."""

    def __init__(self, file: BinaryIO, *, deadline_s: float) -> None:
        """Read `file` until `time.monotonic()` is at `deadline_s`."""
        self._file = file
        self._deadline_s = deadline_s

    def read(self, size: int = -1, /) -> bytes:
        """Read as a file does. Raises DeadlineError."""
        if time.monotonic() > self._deadline_s:
            raise DeadlineError
        return self._file.read(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move as in a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Give the position as a file does."""
        return self._file.tell()


def refuse_to_open(_url: str, _flags: int, _options: dict[str, str]) -> BinaryIO:
    """Answer FFmpeg's request for another file: raises NestedFileError."""
    raise NestedFileError
