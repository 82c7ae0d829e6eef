"""Whether a video is encrypted, as its container says: what a decoder would make of it without the key is noise.

Demuxers answer for an encrypted stream as for the codec under it, and AV1 decodes nearly any bytes to something.

Source: ISO/IEC 23001-7 and 14496-12, 8.12 (MP4 and MOV); RFC 9559, 5.1.4.1.31 (Matroska, WebM); ISO/IEC 13818-1,
2.4.3.3 (MPEG-TS).
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from staydown_match.boxes import Box, boxes_of
from staydown_match.video.containers import AVI, HEAD_BYTES, MKV, MPEG_TS, WEBM, Container, transport_packet_bytes

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

_ENCRYPTED_ENTRIES = frozenset([b"encv", b"drmi"])
"""Sample entries of encrypted video: common encryption's, and the one of films that Apple sold."""

_ENTRIES_AT_BYTES, _BOXES_OF_VIDEO_AT_BYTES = 8, 86
_MOST_DESCRIPTION_BYTES = 1 << 20

_TRACK, _TRACK_TYPE, _ENCODING_TYPE, _ENCRYPTION = b"\xae", b"\x83", b"\x50\x33", b"\x50\x35"
_VIDEO_TRACK, _IS_ENCRYPTION = b"\x01", b"\x01"
_KEY_OF_TRACK = "enc_key_id"
"""What FFmpeg calls the number of the key of a Matroska track that is encrypted."""

_TS_LOOKED_AT_BYTES = 1 << 20
_SCRAMBLED_BITS, _NULL_PACKETS = 0xC0, 0x1FFF
_SCRAMBLED_SHARE = 0.5


def is_encrypted(file: BinaryIO, container: Container) -> bool:
    """Say whether any video in `file`, which can seek, is encrypted; its position is changed."""
    if container is AVI:  # has no way to say it
        return False
    if container is MPEG_TS:
        return _is_scrambled(file)
    if container in (MKV, WEBM):
        return _has_encrypted_track(file)
    return any(_describes_encryption(entries) for entries in _descriptions_of_video(file))


def is_stream_encrypted(stream: "VideoStream") -> bool:
    """Say whether FFmpeg knows the stream for an encrypted one, wherever in the file it found that."""
    codec = cast("VideoCodecContext | None", stream.codec_context)  # its stubs do not say that it can be None
    tag = "" if codec is None else codec.codec_tag
    return tag.encode("latin-1", "replace") in _ENCRYPTED_ENTRIES or _KEY_OF_TRACK in stream.metadata


def is_packet_encrypted(packet: "Packet[VideoStream]") -> bool:
    """Say whether the packet came with what a key would be used with."""
    return packet.has_sidedata("encryption_info")


def _descriptions_of_video(file: BinaryIO) -> Iterator[bytes]:
    """Yield for each video track of an MP4 or MOV file what its `stsd` box lists."""
    handler = b""
    for _, box in boxes_of(file):
        if box.name == b"hdlr":
            handler = _content(file, box, 12)[8:]
        elif box.name == b"stsd" and handler in (b"vide", b""):
            yield _content(file, box, _MOST_DESCRIPTION_BYTES)[_ENTRIES_AT_BYTES:]


def _describes_encryption(entries: bytes) -> bool:
    return any(
        name in _ENCRYPTED_ENTRIES or any(inner == b"sinf" for inner, _ in _boxes_in(entry, _BOXES_OF_VIDEO_AT_BYTES))
        for name, entry in _boxes_in(entries, 0)
    )


def _boxes_in(data: bytes, start: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the whole of each box in `data` from `start` on."""
    while start + 8 <= len(data):
        size_bytes = int.from_bytes(data[start : start + 4], "big")
        if size_bytes < 8:  # noqa: PLR2004 - four bytes of size, four of name
            return
        yield data[start + 4 : start + 8], data[start : start + size_bytes]
        start += size_bytes


def _has_encrypted_track(file: BinaryIO) -> bool:
    is_video = is_encrypted_track = False
    for _, box in boxes_of(file):
        if box.name == _TRACK:
            is_video = is_encrypted_track = False
        elif box.name == _TRACK_TYPE:
            is_video = _content(file, box, 8).lstrip(b"\0") == _VIDEO_TRACK
        elif box.name == _ENCRYPTION or (
            box.name == _ENCODING_TYPE and _content(file, box, 8).lstrip(b"\0") == _IS_ENCRYPTION
        ):
            is_encrypted_track = True
        if is_video and is_encrypted_track:
            return True
    return False


def _content(file: BinaryIO, box: Box, most_bytes: int) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, most_bytes))


def _is_scrambled(file: BinaryIO) -> bool:
    """Say whether most packets of any stream are marked as scrambled; damage marks a few here and there."""
    file.seek(0, os.SEEK_SET)
    data = file.read(_TS_LOOKED_AT_BYTES)
    packet_bytes = transport_packet_bytes(data[:HEAD_BYTES])
    counts: dict[int, list[int]] = {}
    for start in range(packet_bytes - 188, len(data) - 3, packet_bytes):
        if data[start] == data[packet_bytes - 188]:
            of_stream = counts.setdefault(int.from_bytes(data[start + 1 : start + 3], "big") & _NULL_PACKETS, [0, 0])
            of_stream[data[start + 3] & _SCRAMBLED_BITS != 0] += 1
    counts.pop(_NULL_PACKETS, None)
    return any(scrambled > _SCRAMBLED_SHARE * (clear + scrambled) for clear, scrambled in counts.values())
