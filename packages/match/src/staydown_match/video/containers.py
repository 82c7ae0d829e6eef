"""The video containers that are opened, known by their first bytes alone, and what may be opened inside them.

FFmpeg knows hundreds of formats, some of which are lists of other files and addresses. It is never asked to guess:
each container here names the one demuxer that it is given to.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Container:
    """One container: its name for people, its media type, and FFmpeg's name of the demuxer that reads it."""

    name: str
    media_type: str
    demuxer: str


MP4 = Container("MP4", "video/mp4", "mov")
THREE_GP = Container("3GP", "video/3gpp", "mov")
MOV = Container("MOV", "video/quicktime", "mov")
MKV = Container("MKV", "video/x-matroska", "matroska")
WEBM = Container("WebM", "video/webm", "matroska")
AVI = Container("AVI", "video/x-msvideo", "avi")
MPEG_TS = Container("MPEG-TS", "video/mp2t", "mpegts")

CODECS = frozenset({
    "h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "mpeg2video", "mpeg1video", "h263", "mjpeg",
    "msmpeg4v1", "msmpeg4v2", "msmpeg4", "prores", "vvc",
})  # fmt: skip
"""FFmpeg's names of the decoders that may be started: what cameras, phones and sites make, and no curiosities."""

# The first box of a QuickTime file is a `ftyp`, or in old ones whichever came first.
_BOX = re.compile(rb"(?s)....(ftyp|moov|mdat|wide|free|skip|pnot)")
# ISO base media files that hold pictures: they are the picture decoder's.
_PICTURE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"avif", b"avis"}
_RIFF_AVI = re.compile(rb"(?s)(RIFF....AVI[ X\x19]|ON2 ....ON2f)")
_EBML = b"\x1a\x45\xdf\xa3"
# The header's DocType element: its number, its length (one byte), its text.
_DOCTYPE = re.compile(rb"\x42\x82[\x81-\x90](webm|matroska)")
_SYNC = 0x47
_MIN_BOX_BYTES = 8


def recognise(file: BinaryIO) -> Container | None:
    """Name the container of a file, which can seek, by its first bytes; None when it is none that is opened."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(_EBML):
        return _matroska(head)
    if _RIFF_AVI.match(head):
        return AVI
    if box := _BOX.match(head):
        return _iso_media(head, box.group(1))
    return MPEG_TS if transport_packet_bytes(head) else None


def transport_packet_bytes(head: bytes) -> int:
    """Give the size of an MPEG transport stream's packets: 188, or 192 where each has its time before it; else 0."""
    for packet_bytes, offset in ((188, 0), (192, 4)):
        marks = head[offset::packet_bytes]
        if marks and len(head) >= min(HEAD_BYTES, 2 * packet_bytes) and all(mark == _SYNC for mark in marks):
            return packet_bytes
    return 0


def _matroska(head: bytes) -> Container | None:
    doctype = _DOCTYPE.search(head)
    if doctype is None:
        return None
    return WEBM if doctype.group(1) == b"webm" else MKV


def _iso_media(head: bytes, box: bytes) -> Container | None:
    brand = head[8:12]
    if box != b"ftyp":
        # Four bytes of a name can stand in any file: as the first box it also has a size that a box can have.
        size_bytes = int.from_bytes(head[:4], "big")
        return MOV if size_bytes in (0, 1) or size_bytes >= _MIN_BOX_BYTES else None
    if brand in _PICTURE_BRANDS:
        return None
    if brand == b"qt  ":
        return MOV
    return THREE_GP if brand.startswith((b"3gp", b"3g2")) else MP4
