"""An encrypted video is said to be one, in every mode and container: what a decoder makes of it is not looked at."""

import io
from collections.abc import Iterator

import av
import pytest
from staydown_match import FingerprintPool, Fingerprints, fingerprint_bytes
from staydown_match.types import Mode
from staydown_match.video.encryption import is_packet_encrypted, is_stream_encrypted

from packages.match.tests.films import Film, Studio
from packages.match.tests.unit.video.test_formats import SVT, VP9, X265

FILM = Film(scenes=(0,), scene_s=0.6, size=(160, 90))
KEYED = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0123456789abcdef" * 2, "encryption_kid": "01" * 16}
CODECS: dict[str, dict[str, object]] = {
    "h264": {},
    "hevc": {"codec": "libx265", "options": X265},
    "vp9": {"codec": "libvpx-vp9", "options": VP9},
    "av1": {"codec": "libsvtav1", "options": SVT},
}
MODES: tuple[Mode, ...] = ("publish", "scan", "scan-every-frame")
PACKET_BYTES = 188


@pytest.fixture(scope="module")
def encrypted(studio: Studio) -> dict[str, bytes]:
    """Give a film of each codec, as its encoder and FFmpeg's own muxer encrypt it."""
    return {name: studio.film(FILM.but(mux_options=KEYED, **changes)) for name, changes in CODECS.items()}


@pytest.fixture(scope="module")
def pool() -> Iterator[FingerprintPool]:
    with FingerprintPool(workers=1) as opened:
        yield opened


def assert_encrypted(found: Fingerprints) -> None:
    assert (found.kind, found.pdq) == ("video", ())
    assert [problem.code for problem in found.problems] == ["unsupported"]
    assert "encrypted" in found.problems[0].detail
    assert len(found.sha256) == 64


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("codec", CODECS)
def test_an_encrypted_film_is_unsupported(
    codec: str, mode: Mode, encrypted: dict[str, bytes], pool: FingerprintPool
) -> None:
    found = fingerprint_bytes(encrypted[codec], mode)
    assert_encrypted(found)
    assert pool.fingerprint_bytes(encrypted[codec], mode) == found


@pytest.mark.parametrize("mux_options", [{"movflags": "frag_keyframe+empty_moov"}, {"movflags": "faststart"}])
def test_so_is_one_in_fragments_or_with_its_header_first(mux_options: dict[str, str], studio: Studio) -> None:
    assert_encrypted(fingerprint_bytes(studio.film(FILM.but(mux_options=KEYED | mux_options)), "scan"))


def test_a_film_is_encrypted_whatever_its_sample_entry_is_called(encrypted: dict[str, bytes], studio: Studio) -> None:
    """The name can be that of the codec, with the protection inside; the films Apple sold have a name of their own."""
    assert_encrypted(fingerprint_bytes(encrypted["av1"].replace(b"encv", b"av01"), "scan"))
    assert_encrypted(fingerprint_bytes(studio.film(FILM).replace(b"avc1\0\0\0\0", b"drmi\0\0\0\0"), "scan"))


def test_a_packet_says_so_too(encrypted: dict[str, bytes], studio: Studio) -> None:
    """The second wall: where FFmpeg found the protection in a place that was not looked at here."""
    for data, expected in ((encrypted["av1"], True), (studio.film(FILM), False)):
        with av.open(io.BytesIO(data), "r", format="mov") as opened:
            packets = [packet for packet in opened.demux(video=0) if packet.size]
            assert {is_packet_encrypted(packet) for packet in packets} == {expected}


def with_encoding(film: bytes, encoding: bytes) -> bytes:
    """Put a ContentEncodings element in the place of the track's title, which is as long."""
    title = film.index(b"\x53\x6e\xbc" + TITLE)
    room = 3 + len(TITLE)
    element = b"\x6d\x80" + bytes([0x80 | len(encoding)]) + encoding
    void = b"\xec" + bytes([0x80 | room - len(element) - 2]) + bytes(room - len(element) - 2)
    return film[:title] + element + void + film[title + room :]


TITLE = b"t" * 60
KEY_ID = b"\x47\xe2\x90" + bytes(range(16))
ALGORITHM = b"\x47\xe1\x81\x05"
TYPE_IS_ENCRYPTION = b"\x50\x33\x81\x01"
ENCODINGS = {
    "with a key": TYPE_IS_ENCRYPTION + b"\x50\x35" + bytes([0x80 | len(ALGORITHM + KEY_ID)]) + ALGORITHM + KEY_ID,
    "without one": TYPE_IS_ENCRYPTION,
    "without its type": b"\x50\x35" + bytes([0x80 | len(ALGORITHM)]) + ALGORITHM,
}


@pytest.fixture(scope="module")
def titled_film() -> bytes:
    """Give a film in Matroska whose track has a title."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        stream = output.add_stream("mpeg4", rate=25)
        stream.metadata["title"] = TITLE.decode()
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_matroska_track_may_be_encrypted(encoding: str, mode: Mode, titled_film: bytes) -> None:
    assert fingerprint_bytes(titled_film, mode).problems == ()
    protected = b"\x62\x40" + bytes([0x80 | len(ENCODINGS[encoding])]) + ENCODINGS[encoding]
    assert_encrypted(fingerprint_bytes(with_encoding(titled_film, protected), mode))


def test_ffmpeg_knows_the_key_of_a_matroska_track(titled_film: bytes) -> None:
    protected = b"\x62\x40" + bytes([0x80 | len(ENCODINGS["with a key"])]) + ENCODINGS["with a key"]
    for film, expected in ((with_encoding(titled_film, protected), True), (titled_film, False)):
        with av.open(io.BytesIO(film), "r", format="matroska") as opened:
            assert is_stream_encrypted(opened.streams.video[0]) is expected


def test_a_scrambled_transport_stream_is_encrypted(studio: Studio) -> None:
    data = bytearray(studio.film(FILM.but(container="mpegts")))
    for start in range(0, len(data), PACKET_BYTES):
        if int.from_bytes(data[start + 1 : start + 3], "big") & 0x1FFF >= 0x100:  # below are the tables
            data[start + 3] |= 0xC0
    for mode in MODES:
        assert_encrypted(fingerprint_bytes(bytes(data), mode))


def test_a_transport_stream_with_one_damaged_packet_is_not(studio: Studio) -> None:
    data = bytearray(studio.film(FILM.but(container="mpegts")))
    data[PACKET_BYTES * 40 + 3] |= 0xC0
    assert fingerprint_bytes(bytes(data)).pdq
