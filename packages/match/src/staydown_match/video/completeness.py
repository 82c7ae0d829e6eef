"""Whether a video file is shorter than its own structure says; a decoder just stops there and does not tell."""

import os
from typing import BinaryIO

from staydown_match.video.containers import AVI, HEAD_BYTES, MKV, MPEG_TS, WEBM, Container, transport_packet_bytes

MAX_BOXES = 100_000
"""As many boxes at the top of an MP4 file are looked at; one in fragments has two for each second or so."""

_EBML_SEGMENT = b"\x18\x53\x80\x67"
_LONG_SIZE, _TO_THE_END = 1, 0


def ends_too_early(file: BinaryIO, container: Container) -> bool:
    """Say whether `file`, which can seek, was cut off, as far as its container lets that be known."""
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if container is MPEG_TS:
        return size_bytes % transport_packet_bytes(head) != 0
    if container is AVI:
        return size_bytes < 8 + int.from_bytes(head[4:8], "little")
    if container in (MKV, WEBM):
        return size_bytes < _segment_end(head)
    return _boxes_go_on(file, size_bytes)


def _boxes_go_on(file: BinaryIO, size_bytes: int) -> bool:
    """Go from box to box to see whether the last one ends with the file. Source: ISO/IEC 14496-12, 4.2."""
    position = 0
    for _ in range(MAX_BOXES):
        if position >= size_bytes:
            return position > size_bytes
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == _TO_THE_END:
            return len(header) < 8  # noqa: PLR2004 - four bytes of size, four of name
        if length == _LONG_SIZE:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:  # noqa: PLR2004 - not a box: something was added to the file
            return False
        position += length
    return False


def _segment_end(head: bytes) -> int:
    """Read where the segment, in which all the rest is, should end; 0 when it does not say. Source: RFC 8794."""
    start = head.find(_EBML_SEGMENT)
    size_at = start + len(_EBML_SEGMENT)
    if start < 0 or size_at >= len(head) or not head[size_at]:
        return 0
    length = 9 - head[size_at].bit_length()
    number = int.from_bytes(head[size_at : size_at + length], "big") & ((1 << 7 * length) - 1)
    unknown = (1 << 7 * length) - 1
    return 0 if number == unknown else size_at + length + number
