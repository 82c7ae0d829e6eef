"""The benchmarks of pictures and video run: every part once, as small as it can be, and judged as it will be."""

import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import media, media_video
from benchmarks._media_decoders import decoders
from benchmarks._media_found import false_matches, found_after
from benchmarks._media_speed import ENCODINGS, differences, files, speed
from benchmarks.changes import CHANGES
from benchmarks.films import ENCODERS, Take
from benchmarks.report import Row


@pytest.fixture(scope="module")
def reference() -> Callable[[Path], str]:
    """Do what threatexchange does, which is in the benchmarks' environment alone."""
    pdqhash = importlib.import_module("pdqhash")

    def hash_of(path: Path) -> str:
        with Image.open(path) as image:
            bits, _ = pdqhash.compute(np.asarray(image.convert("RGB")))
        return np.packbits(bits.astype(np.uint8)).tobytes().hex()

    return hash_of


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_speed_is_judged_in_every_encoding(encoding: str, reference: Callable[[Path], str], tmp_path: Path) -> None:
    paths = list(files(tmp_path, "0.3 MP", encoding, count=2))
    rows = list(speed("0.3 MP", encoding, paths, peers={"threatexchange": reference}, rounds=1))
    judged = [row for row in rows if row.met is not None]
    names = ["publish", "scan", "publish with exact hashes", "scan with exact hashes"]
    assert [row.name.partition(",")[0] for row in judged] == names
    assert all(row.value > 0 and row.peer and row.target and row.target > 0 for row in judged)
    published, scanned = differences("0.3 MP", encoding, paths, reference=reference)
    assert (published.value, published.met, scanned.met) == (0, True, True)


def test_decoders_errors_are_told_apart(reference: Callable[[Path], str], tmp_path: Path) -> None:
    rows = {row.name.partition(": ")[2]: row for row in decoders(tmp_path, reference=reference)}
    assert len(rows) > 10
    assert all(row.met for row in rows.values())
    assert (rows["JPEG, EXIF orientation"].value, rows["PNG, 16-bit RGB"].value) == (0, 0)
    assert (rows["JPEG, EXIF orientation"].peer or 0) > 31
    assert rows["JPEG cut off at 95%"].peer is None
    assert "OSError" in rows["JPEG cut off at 95%"].note


def test_what_is_found_has_floors() -> None:
    names = ("mirrored", "inverted", "border 5%, white", "rotated by 2 degrees", "cropped by 5% an edge")
    rows = {row.name.partition(": ")[2]: row for row in found_after(1, {name: CHANGES[name] for name in names})}
    assert rows["mirrored"].target == 96
    assert rows["border 5%, white"].target == 95
    assert all(row.value > 85 for row in rows.values() if row.target), "one of 17 pictures is 6 per cent"
    assert rows["mirrored"].peer == 0
    assert rows["rotated by 2 degrees"].target is rows["cropped by 5% an edge"].target is None


def test_false_matches_are_looked_for_in_pictures_of_every_source() -> None:
    [row] = false_matches(1, drawings=6, film_s=1.0)
    assert (row.value, row.met) == (0, True)
    assert "of 2" in row.note


def test_video_is_measured_by_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_video, "RUNS", 1)
    path = tmp_path / "film.mkv"
    codec, options = ENCODERS["H.264"]
    Take(motion="slow", length_s=1.0, size=(320, 180)).encode(path, codec=codec, options=options)
    rows = list(media_video._rows("H.264, slow", path, 1.0, program=media_video._LIKE_VPDQ, note="small"))
    every, alone, keyframes, apart = rows
    assert (every.target, keyframes.target, alone.target) == (13, 150, None)
    assert every.value > 0
    assert alone.value > 0
    assert apart.value < 8


def test_one_table_holds_pictures_and_video_unless_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "_of_pictures", lambda *, quick: [Row("pictures", float(quick), "files/s")])
    monkeypatch.setattr(
        media_video, "run", lambda *, quick, arguments: [Row("video", float(quick), "frames/s", note=str(arguments))]
    )
    assert [row.name for row in media.run(quick=True, arguments=())] == ["pictures", "video"]
    assert [row.name for row in media.run(quick=True, arguments=["--without-video"])] == ["pictures"]
