"""Broken videos are decoded as far as they go and marked; nothing that a file holds raises an exception."""

import hashlib
import io
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image
from staydown_match import Fingerprints, fingerprint_bytes

from packages.match.tests.films import Film, Studio

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

FASTSTART = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
KINDS: dict[str, dict[str, object]] = {
    "mp4": {"container": "mp4", "mux_options": FASTSTART},
    "fragmented mp4": {"container": "mp4", "mux_options": FRAGMENTS},
    "mov": {"container": "mov", "mux_options": FASTSTART},
    "mkv": {"container": "matroska"},
    "webm": {
        "container": "webm",
        "codec": "libvpx-vp9",
        "options": {"deadline": "realtime", "cpu-used": "8", "g": "25"},
    },
    "avi": {"container": "avi"},
    "ts": {"container": "mpegts"},
}
FILM = Film(scenes=(0, 1), scene_s=1.0, size=(160, 90))


@pytest.fixture(scope="module")
def films(studio: Studio) -> dict[str, bytes]:
    return {name: studio.film(FILM.but(**changes)) for name, changes in KINDS.items()}


def codes(found: Fingerprints) -> set[str]:
    return {problem.code for problem in found.problems}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.4, 0.7, 0.97])
def test_a_film_that_was_cut_off_is_read_to_there(kind: str, share: float, films: dict[str, bytes]) -> None:
    whole = fingerprint_bytes(films[kind])
    assert whole.problems == ()
    data = films[kind][: int(len(films[kind]) * share)]
    cut = fingerprint_bytes(data)
    assert cut.kind == "video"
    assert "truncated" in codes(cut)
    assert cut.duration_s is not None
    assert 0.2 < cut.duration_s <= 2.05
    assert len(cut.pdq) >= 5
    known = {hashed.bits for hashed in whole.pdq}
    assert sum(hashed.bits in known for hashed in cut.pdq) >= 0.7 * len(cut.pdq)
    scanned = fingerprint_bytes(data, "scan")
    assert "truncated" in codes(scanned)
    assert scanned.pdq


def test_a_film_that_lost_its_index_is_said_to_be_cut_off(studio: Studio) -> None:
    data = studio.film(FILM)[:-200]
    found = fingerprint_bytes(data)
    assert (found.kind, found.media_type, found.pdq) == ("video", "video/mp4", ())
    assert "truncated" in codes(found)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_damage_in_the_middle_costs_what_is_there(kind: str, films: dict[str, bytes]) -> None:
    chance = random.Random(kind)  # noqa: S311 - repeatable on purpose
    data = bytearray(films[kind])
    start, length = int(len(data) * 0.45), len(data) // 5  # a hole that is larger than a frame
    data[start : start + length] = chance.randbytes(length)
    found = fingerprint_bytes(bytes(data))
    assert found.kind == "video"
    assert found.problems
    known = {hashed.bits for hashed in fingerprint_bytes(films[kind]).pdq}
    assert sum(hashed.bits in known for hashed in found.pdq) >= 5


def test_what_damage_made_up_is_not_published(studio: Studio) -> None:
    """A picture that only the decoder's guessing made must not come onto a list."""
    data = bytearray(studio.film(FILM.but(container="mpegts", options={"preset": "ultrafast", "g": "250"})))
    chance = random.Random(1)  # noqa: S311 - repeatable on purpose
    for at in range(188 * 200, len(data) - 188, 188 * 60):
        data[at + 20 : at + 120] = chance.randbytes(100)
    published, scanned = fingerprint_bytes(bytes(data)), fingerprint_bytes(bytes(data), "scan-every-frame")
    assert "damaged" in codes(published)
    assert len(published.pdq) < len(scanned.pdq)


def mutants(data: bytes, seed: str) -> Iterator[bytes]:
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    for number in range(25):
        mutant = bytearray(data)
        if number % 2:
            start = chance.randrange(len(data))
            del mutant[start : start + chance.randrange(1, 3000)]
        for _ in range(chance.randint(1, 40)):
            mutant[chance.randrange(min(len(mutant), 4000 if number % 3 else len(mutant)))] = chance.randrange(256)
        yield bytes(mutant)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_films_are_answered(kind: str, films: dict[str, bytes]) -> None:
    for mutant in mutants(films[kind], kind):
        for mode in ("publish", "scan"):
            found = fingerprint_bytes(mutant, mode)
            assert found.pdq or found.problems, "neither fingerprint nor problem: silently dropped"
            assert all("/" not in problem.detail and "'" not in problem.detail for problem in found.problems)


@pytest.mark.parametrize("kind", KINDS)
def test_every_short_beginning_is_answered(kind: str, films: dict[str, bytes]) -> None:
    data = films[kind]
    for length in [*range(1, 60, 7), *range(60, len(data) // 4, len(data) // 30)]:
        found = fingerprint_bytes(data[:length])
        assert found.pdq or found.problems


def sound(container: str, *, codec: str = "aac", cover: bytes | None = None) -> bytes:
    """Make a second of a tone, on request with a cover picture."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = cast("AudioStream", output.add_stream(codec, rate=48000, layout="mono"))
        picture = output.add_stream("mjpeg", rate=1) if cover else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuvj420p"
            picture.disposition = Disposition.attached_pic
        wave = np.sin(np.arange(48000, dtype=np.float32) / 20)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(wave, "fltp", layout="mono")
        frame.rate = 48000
        if picture is not None and cover:
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts, packet.time_base = picture, 0, 0, Fraction(1, 25)
            packet.is_keyframe = True
            output.mux(packet)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def cover() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 40)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "mpegts"])
def test_sound_alone_is_unsupported(container: str) -> None:
    found = fingerprint_bytes(sound(container))
    assert (found.kind, found.media_type, found.pdq) == (None, None, ())
    assert [problem.code for problem in found.problems] == ["unsupported"]
    assert "holds no video" in found.problems[0].detail


def test_a_cover_is_no_video() -> None:
    found = fingerprint_bytes(sound("mp4", cover=cover()))
    assert (found.kind, found.pdq) == (None, ())
    assert codes(found) == {"unsupported"}
    assert any("attached" in problem.detail for problem in found.problems)


def two_streams(studio: Studio, *, default: int | None = None) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        streams = []
        for number, size in enumerate([(160, 90), (320, 180)]):
            stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height = size
            stream.disposition = Disposition.default if default == number else Disposition(0)
            streams.append(stream)
        for number, stream in enumerate(streams):
            for progress in range(10):
                pixels = studio.picture(number, progress / 10, (stream.width, stream.height))
                output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
            output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(("default", "width"), [(0, 160), (1, 320)])
def test_of_several_videos_one_is_read_and_the_rest_is_said(default: int, width: int, studio: Studio) -> None:
    found = fingerprint_bytes(two_streams(studio, default=default))
    assert found.width == width
    assert found.pdq
    assert [problem.code for problem in found.problems] == ["limit"]
    assert f"of the 2 video streams of the MKV file only number {default + 1} was read" in found.problems[0].detail


def test_a_film_without_a_frame_says_so(studio: Studio) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 64
        output.start_encoding()
    for data in (file.getvalue(), studio.film(FILM.but(container="avi"))[:5000].split(b"movi")[0] + b"movi"):
        found = fingerprint_bytes(data)
        assert found.pdq == ()
        assert found.problems


def test_a_codec_that_is_not_decoded_is_unsupported(studio: Studio) -> None:
    found = fingerprint_bytes(studio.film(FILM.but(container="matroska", codec="ffv1", options={})))
    assert (found.kind, found.media_type, found.pdq) == ("video", "video/x-matroska", ())
    assert codes(found) == {"unsupported"}


def test_a_frame_of_another_size_is_hashed_as_it_is(studio: Studio) -> None:
    """A transport stream may change its size on the way."""
    first = studio.film(FILM.but(container="mpegts", scenes=(0,)))
    second = studio.film(FILM.but(container="mpegts", scenes=(1,), size=(320, 180)))
    found = fingerprint_bytes(first + second)
    assert (found.width, found.height) == (160, 90)
    times = [hashed.at_s for hashed in found.pdq]
    assert times == sorted(times)  # type: ignore[type-var]  # none of them is None
    assert found.duration_s == pytest.approx(2.0, abs=0.1)
    later = {hashed.bits for hashed in fingerprint_bytes(second).pdq}
    assert sum(hashed.bits in later for hashed in found.pdq) >= 0.5 * len(later)
