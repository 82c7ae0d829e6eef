"""A video file can make no other file and no address be opened, whatever it says and however it begins."""

import io
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from staydown_match import fingerprint_bytes, fingerprint_file
from staydown_match.video.containers import recognise
from staydown_match.video.source import NestedFileError, refuse_to_open

from packages.match.tests.films import Film, Studio


class Listener:
    """A server on this machine that counts who connects."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(10)
        self.connected = threading.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/film.ts"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        self.connected.set()
        connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.close()


def playlists(url: str, file: Path) -> dict[str, bytes]:
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{url}\n#EXTINF:10,\n{file}\n#EXT-X-ENDLIST\n"
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        f'mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{url}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    return {
        "hls": hls.encode(),
        "concat": f"ffconcat version 1.0\nfile '{url}'\nfile '{file}'\n".encode(),
        "dash": dash.encode(),
        "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        "asx": f'<ASX version="3.0"><Entry><Ref href="{url}"/></Entry></ASX>'.encode(),
        "smil": f'<smil><body><video src="{url}"/></body></smil>'.encode(),
    }


def disguises(text: bytes) -> Iterator[bytes]:
    """Put a playlist behind the beginnings of the containers that are opened."""
    yield text
    yield struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom") + text
    yield struct.pack(">I4s", 8, b"wide") + text
    yield b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm" + text
    yield b"RIFF\xff\xff\0\0AVI " + text
    packets = text + bytes(188 * 30)
    yield b"".join(b"G" + packets[at : at + 187] for at in range(0, 188 * 28, 187))


@pytest.mark.parametrize("kind", ["hls", "concat", "dash", "sdp", "asx", "smil"])
def test_no_playlist_is_followed(kind: str, listener: Listener, studio: Studio, tmp_path: Path) -> None:
    other = tmp_path / "other.ts"
    other.write_bytes(studio.film(Film(scenes=(0,), container="mpegts")))
    text = playlists(listener.url, other)[kind]
    for number, data in enumerate(disguises(text)):
        path = tmp_path / f"film{number}.m3u8"
        path.write_bytes(data)
        for mode in ("publish", "scan"):
            found = fingerprint_file(path, mode)
            assert found.pdq == ()
            assert found.problems
    assert not listener.connected.wait(0.2)


def test_a_playlist_that_is_given_to_ffmpeg_would_be_followed(listener: Listener, tmp_path: Path) -> None:
    """Without this, the test above could pass because nothing here can be followed at all."""
    path = tmp_path / "film.m3u8"
    path.write_bytes(playlists(listener.url, tmp_path / "other.ts")["hls"])
    with pytest.raises((av.FFmpegError, OSError)), av.open(str(path), options={"protocol_whitelist": "http,tcp,file"}):
        pass
    assert listener.connected.wait(5)


def with_data_elsewhere(data: bytes, url: str) -> bytes:
    """Make an MP4 say that its samples are in another file: its data reference becomes one with a location."""
    own = struct.pack(">I4sI", 12, b"url ", 1)
    at = data.index(own)
    location = url.encode() + b"\0"
    other = struct.pack(">I4sI", 12 + len(location), b"url ", 0) + location
    changed = bytearray(data[:at] + other + data[at + len(own) :])
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        start = changed.index(box) - 4
        size = struct.unpack_from(">I", changed, start)[0]
        struct.pack_into(">I", changed, start, size + len(other) - len(own))
    return bytes(changed)


def test_samples_in_another_file_are_not_fetched(listener: Listener, studio: Studio, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(studio.film(Film(scenes=(0,))))
    for place in (listener.url, other.as_uri(), str(other)):
        found = fingerprint_bytes(with_data_elsewhere(studio.film(Film(scenes=(1,))), place))
        assert found.kind == "video"
        assert found.pdq or found.problems
    assert not listener.connected.wait(0.2)


def test_whoever_asks_for_another_file_is_refused() -> None:
    with pytest.raises(NestedFileError):
        refuse_to_open("http://localhost/film", 0, {})


def test_only_the_containers_that_are_named_are_recognised() -> None:
    for name, text in playlists("http://localhost/", Path("other")).items():
        assert recognise(io.BytesIO(text)) is None, name
    for head in (b"", b"\0", b"G" * 10, b"RIFF", b"ID3\x04", b"OggS", b"\x00\x00\x00\x20ftypheic", b"\x1a\x45\xdf\xa3"):
        assert recognise(io.BytesIO(head)) is None
