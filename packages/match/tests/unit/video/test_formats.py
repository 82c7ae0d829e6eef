"""Every container and codec that is promised is read, with the right times and the right pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
from staydown_match import Fingerprints, fingerprint_bytes, fingerprint_file, pdq_from_rgb
from staydown_match.types import PdqHash

from packages.match.tests.films import Film, Studio, decoded

VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "50", "b": "2M"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:keyint=50"}
SVT = {"preset": "12", "svtav1-params": "lp=1:keyint=49"}

FORMATS = [
    ("mp4", "libx264", "video/mp4", {}),
    ("mp4", "libx265", "video/mp4", X265),
    ("mp4", "libsvtav1", "video/mp4", SVT),
    ("mp4", "mpeg4", "video/mp4", {"g": "25", "b": "2M"}),
    ("mov", "libx264", "video/quicktime", {}),
    ("mov", "libx265", "video/quicktime", X265),
    ("matroska", "libx264", "video/x-matroska", {}),
    ("matroska", "libx265", "video/x-matroska", X265),
    ("matroska", "libvpx-vp9", "video/x-matroska", VP9),
    ("matroska", "libsvtav1", "video/x-matroska", SVT),
    ("webm", "libvpx-vp9", "video/webm", VP9),
    ("webm", "libvpx", "video/webm", VP9),
    ("webm", "libsvtav1", "video/webm", SVT),
    ("avi", "libx264", "video/x-msvideo", {}),
    ("avi", "mpeg4", "video/x-msvideo", {"g": "25", "b": "2M"}),
    ("avi", "msmpeg4", "video/x-msvideo", {"g": "25", "b": "2M"}),
    ("mpegts", "libx264", "video/mp2t", {}),
    ("mpegts", "libx265", "video/mp2t", X265),
    ("mpegts", "mpeg2video", "video/mp2t", {"g": "25", "b": "2M"}),
]
FILM = Film(scenes=(0, 1), scene_s=2.0)


def bits_apart(one: PdqHash, other: PdqHash) -> int:
    return (int.from_bytes(one.bits, "big") ^ int.from_bytes(other.bits, "big")).bit_count()


def distances_from_what_was_filmed(found: Fingerprints, studio: Studio, film: Film) -> list[int]:
    """Say for each hash of a whole frame how far it is from the nearest of the pictures shown at about its time."""
    pictures = [pdq_from_rgb(np.ascontiguousarray(pixels)) for pixels in studio.frames(film)]
    distances = []
    for whole in (hashed for hashed in found.pdq if hashed.variant == "whole"):
        assert whole.at_s is not None
        number = round(whole.at_s * film.rate)
        around = pictures[max(0, number - 1) : number + 2]
        distances.append(min(bits_apart(whole, picture) for picture in around))
    return distances


@pytest.mark.parametrize(("container", "codec", "media_type", "options"), FORMATS)
def test_every_container_and_codec_is_read(
    container: str, codec: str, media_type: str, options: dict[str, str], studio: Studio
) -> None:
    film = FILM.but(container=container, codec=codec, **({"options": options} if options else {}))
    data = studio.film(film)
    found = fingerprint_bytes(data)
    assert (found.kind, found.media_type, found.width, found.height) == ("video", media_type, 320, 180)
    assert found.problems == ()
    assert found.duration_s == pytest.approx(4.0, abs=0.05)
    distances = distances_from_what_was_filmed(found, studio, film)
    assert len(distances) > 20
    assert np.mean(distances) < 6
    assert np.percentile(distances, 95) <= 20
    scanned = fingerprint_bytes(data, "scan")
    assert (scanned.duration_s, scanned.problems) == (found.duration_s, ())
    assert 1 <= len(scanned.pdq) < 20
    assert max(distances_from_what_was_filmed(scanned, studio, film)) <= 20


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"preset": "ultrafast", "g": "30", "sc_threshold": "0"}),
        ("libx264", {"preset": "veryfast", "g": "30", "sc_threshold": "0", "x264-params": "open-gop=1"}),
        ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:keyint=30:open-gop=1"}),
        ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:keyint=30:open-gop=0"}),
        ("libvpx-vp9", {**VP9, "g": "30"}),
        ("libsvtav1", {"preset": "12", "svtav1-params": "lp=1:keyint=30"}),
        ("mpeg4", {"g": "30", "b": "1M", "sc_threshold": "1000000000"}),
    ],
    ids=["H.264", "H.264 open", "HEVC open", "HEVC", "VP9", "AV1", "MPEG-4"],
)  # fmt: skip
def test_scanning_gives_each_keyframe_its_own_time(codec: str, options: dict[str, str], studio: Studio) -> None:
    film = Film(scenes=(0, 1, 2, 3, 4), scene_s=3.0, rate=10, codec=codec, container="matroska", options=options)
    found = fingerprint_bytes(studio.film(film), "scan")
    assert found.problems == ()
    assert sorted({hashed.at_s for hashed in found.pdq}) == [0, 3, 6, 9, 12]  # type: ignore[type-var]  # as below
    assert max(distances_from_what_was_filmed(found, studio, film)) <= 20


def test_times_are_those_of_the_frames(studio: Studio) -> None:
    found = fingerprint_bytes(studio.film(FILM))
    times = [hashed.at_s for hashed in found.pdq]
    assert times[0] == 0
    assert times == sorted(times)  # type: ignore[type-var]  # none of them is None: pytest says if one is
    assert all(at_s is not None and abs(at_s * 25 - round(at_s * 25)) < 1e-6 for at_s in times)
    assert any(1.9 < at_s < 2.2 for at_s in times if at_s is not None)


def test_the_content_counts_and_not_the_name(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(studio.film(FILM))
    assert fingerprint_file(path).media_type == "video/mp4"
    assert fingerprint_file(path) == fingerprint_bytes(path.read_bytes())


def test_scanning_every_frame_finds_what_publishing_finds(studio: Studio) -> None:
    data = studio.film(FILM)
    every, published = fingerprint_bytes(data, "scan-every-frame"), fingerprint_bytes(data)
    assert every.pdq == published.pdq
    assert len(every.pdq) > 5 * len(fingerprint_bytes(data, "scan").pdq)
    assert all(hashed.orientations for hashed in every.pdq)


def test_hashes_are_within_a_bit_of_those_of_the_rgb_frame(studio: Studio) -> None:
    """The way through RGB, which other programs take, is what lists of theirs are made by."""
    film = FILM.but(scenes=(0,), size=(640, 360))
    data = studio.film(film)
    found = {hashed.at_s: hashed for hashed in fingerprint_bytes(data).pdq if hashed.variant == "whole"}
    distances, qualities = [], []
    for at_s, pixels in decoded(data):
        if at_s in found:
            through_rgb = pdq_from_rgb(pixels)
            distances.append(bits_apart(found[at_s], through_rgb))
            qualities.append(abs(found[at_s].quality - through_rgb.quality))
    assert len(distances) > 10
    assert np.mean(distances) <= 1.5
    assert max(distances) <= 8
    assert max(qualities) <= 2


def test_frames_at_uneven_times_keep_their_times(studio: Studio) -> None:
    film = FILM.but(scenes=(0,), scene_s=1.0)
    stamps = [0, 3, 4, 10, 40, 41, 100, 101, 160, 200]
    pictures = [studio.picture(number, 0.5, film.size) for number in range(8)]
    frames = [pictures[number % 8] for number in range(len(stamps))]
    for container in ("mp4", "matroska"):
        found = fingerprint_bytes(studio.encoded(frames, film.but(container=container), stamps=stamps))
        times = sorted({hashed.at_s for hashed in found.pdq})  # type: ignore[type-var]  # as above
        assert times == pytest.approx([stamp / 25 for stamp in stamps], abs=0.001)


def test_a_header_without_a_duration_is_made_up_for_by_looking(studio: Studio) -> None:
    film = FILM.but(container="matroska", mux_options={"live": "1"})
    found = fingerprint_bytes(studio.film(film))
    assert found.duration_s == pytest.approx(4.0, abs=0.05)
    assert found.problems == ()


@pytest.mark.parametrize("packet_bytes", [188, 192])
def test_both_sizes_of_transport_packets_are_known(packet_bytes: int, studio: Studio) -> None:
    data = studio.film(FILM.but(container="mpegts", mux_options={"mpegts_m2ts_mode": str(int(packet_bytes == 192))}))
    assert len(data) % packet_bytes == 0
    found = fingerprint_bytes(data)
    assert (found.media_type, found.problems) == ("video/mp2t", ())
    assert found.duration_s == pytest.approx(4.0, abs=0.05)


def test_a_stream_that_begins_late_begins_at_zero(studio: Studio) -> None:
    data = studio.film(FILM.but(container="mpegts", mux_options={"output_ts_offset": "3600"}))
    found = fingerprint_bytes(data)
    assert found.pdq[0].at_s == 0
    assert found.duration_s == pytest.approx(4.0, abs=0.05)


def test_making_films_leaves_this_process_its_scheduling(studio: Studio) -> None:
    """As root the AV1 encoder takes real-time priority: all that the tests start later would starve the machine."""
    studio.film(FILM, container="mp4", codec="libsvtav1", options=SVT)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
