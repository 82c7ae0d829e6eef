"""A file as its decoder sees it: one that remembers being read past its end, and can end a JPEG that was cut off."""

import os
from typing import BinaryIO

JPEG_END_MARKER = b"\xff\xd9"

BLOCK_BYTES = 65_536
"""Decoders ask for compressed data in blocks of at least this, and for parts of a header in smaller ones."""


class PictureSource:
    """What Pillow reads from. It offers no file descriptor: C code must not map a file that others can shorten."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._closing_bytes = b""
        self.ran_out = False

    def end_with(self, marker: bytes) -> None:
        """Answer one read past the end with `marker`: a decoder then gives what it has instead of asking for more."""
        self._closing_bytes = marker

    def read(self, size: int = -1, /) -> bytes:
        """Read as a file does, and note a block that is not there at all or part of a header that is not all there."""
        data = self._file.read(size)
        if size > 0 and len(data) < (size if size < BLOCK_BYTES else 1):
            self.ran_out = True
        if data or size == 0:
            return data
        closing, self._closing_bytes = self._closing_bytes, b""
        return closing

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move as in a file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Give the position as a file does."""
        return self._file.tell()
