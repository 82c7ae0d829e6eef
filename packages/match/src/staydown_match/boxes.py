"""The boxes of a container, one after the other and each with how deep it lies, read before any decoder follows them.

Only sizes and names of boxes are read here, never what is in them; depth and number are the stranger's choice.

Source: ISO/IEC 14496-12 (MP4, MOV, HEIC, AVIF); RFC 8794 (EBML: MKV, WebM); RIFF (AVI, WebP), Multimedia Programming
Interface and Data Specifications 1.0.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

MOST_BOXES = 50_000
"""Boxes that are looked at. A container of more is left to its decoder, and to the limit of time."""

_ISO_SIGNATURE = re.compile(rb"(?s)....(ftyp|moov|moof|styp|wide|mdat|free|skip|pnot)")
_RIFF_SIGNATURE = re.compile(rb"RIFF|RIFX|RF64")
_EBML_SIGNATURE = re.compile(rb"\x1a\x45\xdf\xa3")

_ISO_PARENTS = frozenset(
    b"moov trak mdia minf dinf stbl edts udta moof traf mvex mfra meta ilst iprp ipco sinf schi gmhd tapt "
    b"tref clip matt rinf wave cmov rmra rmda strk strd hnti hinf meco grpl".split()
)
_RIFF_PARENTS = frozenset([b"RIFF", b"RIFX", b"RF64", b"LIST"])
# Segment, SeekHead, Seek, Info, Tracks, TrackEntry, Video, Audio, Colour, MasteringMetadata, Projection,
# ContentEncodings, ContentEncoding, ContentCompression, ContentEncryption, Cues, CuePoint, CueTrackPositions,
# CueReference, Attachments, AttachedFile, Chapters, EditionEntry, ChapterAtom, ChapterDisplay, ChapterTrack,
# ChapProcess, ChapProcessCommand, Tags, Tag, Targets, SimpleTag. Not Cluster: in its many boxes nothing can repeat.
_EBML_PARENTS = frozenset(
    map(
        bytes.fromhex,
        (
            *("18538067", "114d9b74", "4dbb", "1549a966", "1654ae6b", "ae", "e0", "e1"),
            *("55b0", "55d0", "7670", "6d80", "6240", "5034", "5035", "1c53bb6b", "bb", "b7", "db", "1941a469", "61a7"),
            *("1043a770", "45b9", "b6", "80", "8f", "6944", "6911", "1254c367", "7373", "63c0", "67c8"),
        ),
    )
)
_EBML_OPEN_ENDED = frozenset([bytes.fromhex("18538067"), bytes.fromhex("1f43b675")])  # Segment, Cluster


@dataclass(frozen=True, slots=True)
class Box:
    """Its name, where its content begins and ends in the file, and whether its content is boxes again."""

    name: bytes
    start: int
    end: int
    holds_boxes: bool


_ReadBox: TypeAlias = Callable[[BinaryIO, int, int], Box | None]


def boxes_of(file: BinaryIO) -> Iterator[tuple[int, Box]]:
    """Yield each box of `file`, which can seek, and how many boxes it lies in; none of a format that is not of boxes.

    The list of open boxes is kept here, not by recursion. The caller may read elsewhere in the file meanwhile.
    """
    file.seek(0)
    read_box = _reader_for(file.read(8))
    if read_box is None:
        return
    open_until = [file.seek(0, 2)]
    position = 0
    for _ in range(MOST_BOXES):
        while open_until and position >= open_until[-1]:
            open_until.pop()
        if not open_until:
            return
        box = read_box(file, position, open_until[-1])
        if box is None:  # no box: nothing that can be followed up to the end of what holds it
            position = open_until[-1]
            continue
        yield len(open_until) - 1, box
        if box.holds_boxes:
            open_until.append(box.end)
        position = box.start if box.holds_boxes else box.end


def _reader_for(head: bytes) -> _ReadBox | None:
    if _ISO_SIGNATURE.match(head):
        return _iso_box
    if _RIFF_SIGNATURE.match(head):
        return _riff_box
    return _ebml_box if _EBML_SIGNATURE.match(head) else None


def _iso_box(file: BinaryIO, position: int, end: int) -> Box | None:
    file.seek(position)
    head = file.read(16)
    size, name, start = int.from_bytes(head[:4], "big"), head[4:8], position + 8
    if size == 1:  # the real size follows, in 8 bytes
        size, start = int.from_bytes(head[8:16], "big"), position + 16
    if size == 0:  # up to the end
        size = end - position
    if len(head) < 8 or size < start - position:  # noqa: PLR2004 - a box begins with size and name, 4 bytes each
        return None
    if name == b"meta":
        file.seek(start)
        if file.read(4) == bytes(4):  # ISO's begins with version and flags, QuickTime's with a box
            start += 4
    return Box(name, start, min(position + size, end), name in _ISO_PARENTS)


def _riff_box(file: BinaryIO, position: int, end: int) -> Box | None:
    file.seek(position)
    head = file.read(8)
    if len(head) < 8:  # noqa: PLR2004 - a chunk begins with name and size, 4 bytes each
        return None
    name, size = head[:4], int.from_bytes(head[4:8], "little")
    content_end = min(position + 8 + size + size % 2, end)
    if name in _RIFF_PARENTS:  # a form type comes before the chunks
        return Box(name, position + 12, content_end, holds_boxes=True)
    return Box(name, position + 8, content_end, holds_boxes=False)


def _ebml_box(file: BinaryIO, position: int, end: int) -> Box | None:
    file.seek(position)
    head = file.read(12)
    number_bytes = _ebml_length(head[:1], most=4)
    size_bytes = _ebml_length(head[number_bytes : number_bytes + 1], most=8)
    start = position + number_bytes + size_bytes
    if not number_bytes or not size_bytes or len(head) < number_bytes + size_bytes:
        return None
    coded = head[number_bytes : number_bytes + size_bytes]
    unknown = (1 << 7 * size_bytes) - 1
    size = int.from_bytes(coded, "big") & unknown
    name = head[:number_bytes]
    if size == unknown and name in _EBML_OPEN_ENDED:  # ended by whatever cannot be in it: counted as no level
        return Box(name, start, start, holds_boxes=False)
    box_end = end if size == unknown else min(start + size, end)
    return Box(name, start, box_end, name in _EBML_PARENTS)


def _ebml_length(first: bytes, *, most: int) -> int:
    """Read from the first byte of an EBML number how many bytes it has; 0 when it is none."""
    length = 9 - first[0].bit_length() if first else 0
    return length if length <= most else 0
