"""Whether a Matroska or WebM file is in one piece, element after element.

Its demuxer looks for the next cluster when it meets damage and does not tell, so a hole in the video would be silent.
Source: RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

import time
from typing import BinaryIO

from staydown_match.types import ProblemCode

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
# Info, tracks, cues, seek head, tags, chapters, attachments.
_TOP_LEVEL = {_CLUSTER, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x114D9B74, 0x1254C367, 0x1043A770, 0x1941A469}
# Time, simple block, block group, previous size, position, silent tracks, encrypted block.
_IN_CLUSTER = {0xE7, 0xA3, 0xA0, 0xAB, 0xA7, 0x5854, 0xAF}
_ANYWHERE = {0xEC, 0xBF}  # void, checksum
_ENTERED = {_SEGMENT, _CLUSTER}
_HEADER_BYTES = 12
_MAX_NUMBER_BYTES = 8


def structure_problem(file: BinaryIO, size_bytes: int, *, deadline_s: float) -> ProblemCode | None:
    """Go through the elements of a file of `size_bytes`: "truncated", "damaged", or None; also when the time is up."""
    position = 0
    while position < size_bytes:
        if time.monotonic() > deadline_s:
            return None
        file.seek(position)
        header = file.read(_HEADER_BYTES)
        number, number_bytes = _number(header, keep_marker=True)
        if number not in _TOP_LEVEL | _IN_CLUSTER | _ANYWHERE | {_EBML, _SEGMENT}:
            return "damaged"
        length, length_bytes = _number(header[number_bytes:], keep_marker=False)
        if not length_bytes:
            return "truncated" if len(header) < _HEADER_BYTES else "damaged"
        position += number_bytes + length_bytes
        is_unknown = length == (1 << 7 * length_bytes) - 1
        end = position if is_unknown else position + length
        if end > size_bytes:
            return "truncated"
        if number not in _ENTERED:
            position = end
    return None


def _number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """Read a number of variable length: its value and how many bytes it takes; 0 bytes when there is none."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if length > _MAX_NUMBER_BYTES or len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length
