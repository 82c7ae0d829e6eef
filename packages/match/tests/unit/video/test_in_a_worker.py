"""Video is read behind the walls of a worker process too: it may open no file, start no thread, load no code."""

import struct
from pathlib import Path

import pytest
from staydown_match import FingerprintPool, Limits, fingerprint_bytes, scan_closer_on_hit
from staydown_match.types import Mode, PdqHash

from packages.match.tests.films import Film, Studio

FILMS = {
    "mp4": Film(scenes=(0, 1), scene_s=1.0),
    "webm": Film(
        scenes=(0, 1), container="webm", codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}
    ),
    "av1": Film(
        scenes=(0,), container="matroska", codec="libsvtav1", options={"preset": "12", "svtav1-params": "lp=1"}
    ),
    "hevc": Film(
        scenes=(0,), codec="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none:pools=none"}
    ),
    "avi": Film(scenes=(0,), container="avi", codec="mpeg4", options={"b": "1M"}),
    "ts": Film(scenes=(0,), container="mpegts", rotation=0),
}


@pytest.mark.parametrize("mode", ["publish", "scan"])
def test_a_worker_finds_what_this_process_finds(mode: Mode, studio: Studio) -> None:
    with FingerprintPool(workers=1) as pool:
        for name, film in FILMS.items():
            data = studio.film(film)
            for part in (data, data[: len(data) * 2 // 3]):
                found, expected = pool.fingerprint_bytes(part, mode), fingerprint_bytes(part, mode)
                assert found == expected, name
                assert [hashed.orientations for hashed in found.pdq] == [hashed.orientations for hashed in expected.pdq]


def test_a_film_that_takes_too_long_is_said_to_and_costs_no_other_file(studio: Studio) -> None:
    # Transport streams can be put one after the other. The limit leaves a busy machine time for the sound film.
    long = studio.film(Film(scenes=range(4), scene_s=2.0, size=(640, 360), container="mpegts")) * 300
    with FingerprintPool(workers=1, limits=Limits(time_s=4.0)) as pool:
        found = pool.fingerprint_bytes(long)
        assert "limit" in [problem.code for problem in found.problems]
        assert pool.fingerprint_bytes(studio.film(Film(scenes=(0,), scene_s=0.2, size=(64, 64)))).pdq


def test_an_index_of_half_a_billion_samples_costs_no_other_file(studio: Studio) -> None:
    """Each sample is of one byte, so that the file needs no table for them; FFmpeg makes one in memory."""
    sound = studio.film(Film(scenes=(0,), scene_s=0.2, size=(64, 64), mux_options={"movflags": "faststart"}))
    data = bytearray(sound)
    struct.pack_into(">II", data, data.index(b"stsz") + 8, 1, 500_000_000)
    struct.pack_into(">I", data, data.index(b"stsc") + 16, 500_000_000)
    with FingerprintPool(workers=1, limits=Limits(time_s=20.0, memory_bytes=1 << 30)) as pool:
        assert pool.fingerprint_bytes(bytes(data)).problems
        assert pool.fingerprint_bytes(sound).problems == ()


def test_a_hit_is_looked_at_closer(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(studio.film(Film()))
    asked: list[PdqHash] = []

    def is_hit(hashed: PdqHash) -> bool:
        asked.append(hashed)
        return len(asked) == 2

    with FingerprintPool(workers=1) as pool:
        found = scan_closer_on_hit(path, is_hit, fingerprint=pool.fingerprint_file)
    assert len(asked) == 2
    assert found == fingerprint_bytes(path.read_bytes(), "scan-every-frame")
    assert scan_closer_on_hit(path, lambda _: False) == fingerprint_bytes(path.read_bytes(), "scan")
