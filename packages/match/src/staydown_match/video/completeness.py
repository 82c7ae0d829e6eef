"""Whether a video file is cut off or has holes, as its structure tells; a demuxer reads past that and says nothing."""

import os
from typing import BinaryIO

from staydown_match.types import ProblemCode
from staydown_match.video import ebml
from staydown_match.video.containers import AVI, HEAD_BYTES, MKV, MPEG_TS, WEBM, Container, transport_packet_bytes

MAX_BOXES = 100_000
"""As many boxes at the top of an MP4 file are looked at; one in fragments has two for each second or so."""

_LONG_SIZE, _TO_THE_END = 1, 0


def structure_problem(file: BinaryIO, container: Container, *, deadline_s: float) -> ProblemCode | None:
    """Say whether `file`, which can seek, is "truncated" or "damaged", as far as its container lets that be known."""
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if container in (MKV, WEBM):
        return ebml.structure_problem(file, size_bytes, deadline_s=deadline_s)
    if container is MPEG_TS:
        is_short = size_bytes % transport_packet_bytes(head) != 0
    elif container is AVI:
        is_short = size_bytes < 8 + int.from_bytes(head[4:8], "little")
    else:
        is_short = _boxes_go_on(file, size_bytes)
    return "truncated" if is_short else None


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
