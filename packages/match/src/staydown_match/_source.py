"""A file as its decoder sees it: one that remembers being read past its end, and can end a JPEG that was cut off."""

import os
from typing import BinaryIO

JPEG_END_MARKER = b"\xff\xd9"
BLOCK_BYTES = 65_536
"""Decoders ask for compressed data in blocks of at least this; a shorter answer to a smaller request cuts something in two."""


class PictureSource:
    """What Pillow reads from. It has no file descriptor on purpose: C code must not map a file that others can shorten."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._closing_bytes = b""
        self.ran_out = False

    def end_with(self, marker: bytes) -> None:
        """Answer the next read past the end with `marker`, once: a decoder then gives what it has instead of waiting."""
        self._closing_bytes = marker

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        if size > 0 and len(data) < (size if size < BLOCK_BYTES else 1):
            self.ran_out = True
        if data or size == 0:
            return data
        closing, self._closing_bytes = self._closing_bytes, b""
        return closing

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
