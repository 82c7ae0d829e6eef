"""Every limit holds for video, and is said: however long, large or lying a file is, the answer comes in time."""

import io
import struct
import time
from fractions import Fraction

import av
import numpy as np
import pytest
from staydown_match import Fingerprints, fingerprint_bytes
from staydown_match.limits import Limits
from staydown_match.types import Mode

from packages.match.tests.films import Film, Studio

MILLION = 1_000_000


def codes(found: Fingerprints) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.fixture(scope="module")
def endless(studio: Studio) -> bytes:
    """Make an AVI of a million frames: a picture, then "nothing has changed" over and over."""
    film = Film(container="avi", codec="mpeg4", options={"g": "600", "b": "1M"}, size=(64, 64))
    data = studio.encoded([studio.picture(0, 0.5, film.size)] * 50, film)
    start = data.index(b"movi") + 4
    first = start + 8 + struct.unpack_from("<I", data, start + 4)[0]
    first += first % 2
    second_bytes = 8 + struct.unpack_from("<I", data, first + 4)[0]
    still = data[first : first + second_bytes + second_bytes % 2]
    assert len(still) < 40
    return data[:first] + still * MILLION


@pytest.mark.parametrize("mode", ["publish", "scan-every-frame"])
def test_a_million_frames_are_read_to_the_limit_of_frames(mode: Mode, endless: bytes) -> None:
    started = time.process_time()
    found = fingerprint_bytes(endless, mode, limits=Limits(max_frames=3000))
    assert time.process_time() - started < 20
    assert found.kind == "video"
    assert "limit" in codes(found)
    assert any("only the first 3000 frames" in problem.detail for problem in found.problems)
    assert len(found.pdq) < 10


@pytest.mark.parametrize("mode", ["publish", "scan"])
def test_a_million_frames_are_read_to_the_limit_of_time(mode: Mode, endless: bytes) -> None:
    started = time.monotonic()
    found = fingerprint_bytes(endless, mode, limits=Limits(time_s=2.5, max_frames=10 * MILLION))
    assert time.monotonic() - started < 30
    assert found.pdq
    assert "limit" in codes(found)


def test_frames_larger_than_the_limit_are_not_decoded(studio: Studio) -> None:
    data = studio.film(Film(scenes=(0,)))
    found = fingerprint_bytes(data, limits=Limits(max_pixels=320 * 180 - 1))
    assert (found.kind, found.pdq, codes(found)) == ("video", (), ["limit"])
    assert "320 x 180 pixels" in found.problems[0].detail
    assert fingerprint_bytes(data, limits=Limits(max_pixels=320 * 184)).problems == ()


def test_a_header_that_lies_about_size_is_caught_in_the_stream(studio: Studio) -> None:
    """A container may say 64 x 64 while the stream in it has more: the decoder is held to the limit too."""
    data = bytearray(studio.film(Film(scenes=(0,), container="matroska")))
    for element, side in ((b"\xb0\x82", 320), (b"\xba\x81", 180)):
        at = data.index(element + side.to_bytes(2 if side > 255 else 1, "big"))
        data[at + 2 : at + 2 + (2 if side > 255 else 1)] = (64).to_bytes(2 if side > 255 else 1, "big")
    found = fingerprint_bytes(bytes(data), limits=Limits(max_pixels=100 * 100))
    assert found.pdq == ()
    assert found.problems


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def test_boxes_in_boxes_without_end_are_answered() -> None:
    nested = b""
    for _ in range(3000):
        nested = box(b"udta", nested)
    started = time.monotonic()
    found = fingerprint_bytes(box(b"ftyp", b"isom" + bytes(4)) + box(b"moov", nested))
    assert time.monotonic() - started < 5
    assert found.pdq == ()
    assert found.problems


def test_an_index_that_promises_more_samples_than_there_are_bytes_is_answered(studio: Studio) -> None:
    data = bytearray(studio.film(Film(scenes=(0,), mux_options={"movflags": "faststart"})))
    at = data.index(b"stsz")
    struct.pack_into(">II", data, at + 8, 1, 3 * MILLION)  # each of one byte, so that no table is needed
    started = time.monotonic()
    found = fingerprint_bytes(bytes(data))
    assert time.monotonic() - started < 20
    assert found.problems


def test_time_stamps_without_sense_are_answered(studio: Studio) -> None:
    film = Film(container="matroska")
    pictures = [studio.picture(number, 0.5, film.size) for number in range(6)]
    stamps = [0, 1, 2, 40_000_000, 40_000_001, 90_000_000]
    found = fingerprint_bytes(studio.encoded(pictures, film, stamps=stamps))
    times = [hashed.at_s for hashed in found.pdq]
    assert times == sorted(times)  # type: ignore[type-var]  # none of them is None
    assert len(set(times)) >= 5


def test_a_film_of_one_keyframe_is_not_passed_over_by_scanning(studio: Studio) -> None:
    """Or whoever wants to hide a film would only have to encode it that way."""
    film = Film(scenes=range(6), scene_s=4.0, rate=5)
    options = {"preset": "ultrafast", "g": "100000", "sc_threshold": "0"}
    found = fingerprint_bytes(studio.film(film.but(options=options)), "scan")
    assert found.problems == ()
    times = {hashed.at_s for hashed in found.pdq}
    for scene in range(6):
        assert any(at_s is not None and 4 * scene <= at_s < 4 * scene + 4 for at_s in times)


def test_black_keyframes_do_not_hide_a_film_from_scanning(studio: Studio) -> None:
    film = Film(scenes=range(6), scene_s=4.0, rate=5, options={"preset": "ultrafast", "g": "10", "sc_threshold": "0"})
    frames = [pixels * (number % 10 > 0) for number, pixels in enumerate(studio.frames(film))]
    found = fingerprint_bytes(studio.encoded(frames, film), "scan")
    assert sum(hashed.quality >= 50 for hashed in found.pdq) > 20


def test_one_frame_is_a_film(studio: Studio) -> None:
    film = Film()
    found = fingerprint_bytes(studio.encoded([studio.picture(0, 0.5, film.size)], film), "scan")
    assert len({hashed.at_s for hashed in found.pdq}) == 1
    assert found.duration_s == pytest.approx(0.04, abs=0.01)


def test_the_answer_is_the_same_each_time(studio: Studio) -> None:
    data = studio.film(Film(scenes=(0, 1)))
    assert fingerprint_bytes(data) == fingerprint_bytes(data)


def test_no_setting_of_the_process_is_touched(studio: Studio) -> None:
    before = av.logging.get_level()
    fingerprint_bytes(studio.film(Film(scenes=(0,)))[:-500])
    assert av.logging.get_level() == before


def test_nothing_is_written_to_the_terminal(studio: Studio, capfd: pytest.CaptureFixture[str]) -> None:
    data = bytearray(studio.film(Film(scenes=(0,), container="mpegts")))
    capfd.readouterr()
    data[5000:6000] = bytes(1000)
    fingerprint_bytes(bytes(data))
    assert capfd.readouterr() == ("", "")


def test_a_film_with_sound_is_read(studio: Studio) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        video = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height = 160, 90
        audio = output.add_stream("aac", rate=48000, layout="mono")
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(studio.picture(0, number / 25, (160, 90)), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", layout="mono")
        silence.rate = 48000
        for _ in range(40):
            silence.pts = None
            output.mux(audio.encode(silence))
        output.mux(audio.encode(None))
        output.mux(video.encode(None))
    found = fingerprint_bytes(file.getvalue())
    assert (found.kind, found.problems) == ("video", ())
    assert found.duration_s == pytest.approx(1.0, abs=0.05)
