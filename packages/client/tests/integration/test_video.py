"""The filter on videos: copies and clips of a listed one are stopped, what only shares a moment with it is held."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from staydown_client import Filter, Policy
from staydown_client.folder import Settings, make_folder
from staydown_client.publish import publishable
from staydown_client.store_writer import StoreWriter
from staydown_match import FingerprintPool, Fingerprints, Problem, fingerprint_bytes

from packages.client.tests.conftest import KEY, LIST, Body, admit, apply_to, photograph
from packages.match.tests.films import NAMES, Film, Studio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from staydown_match.types import Mode

KNOWN = Film(scenes=(0, 1, 2, 3), scene_s=2.0)
UNRELATED = Film(scenes=(4, 5, 6, 7), scene_s=2.0)
WITH_ITS_TITLE = Film(scenes=(0, 4, 5, 6, 7, 4, 5, 6), scene_s=2.0)


def saved(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def folder_with(folder: Path, body: Body) -> Path:
    """Make the folder of a filter that has one entry on its list."""
    made = make_folder(folder, settings=Settings(hub="https://hub.example", list=LIST), key=KEY)
    with StoreWriter(made.store_path, list_name=LIST) as store:
        apply_to(store, body)
    return made.path


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio({name: np.asarray(Image.open(photograph(name)).convert("RGB")) for name in NAMES})


@pytest.fixture(scope="module")
def known(studio: Studio) -> Fingerprints:
    return fingerprint_bytes(studio.film(KNOWN))


@pytest.fixture(scope="module")
def listed_folder(known: Fingerprints, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a filter that has the known film on its list."""
    body = admit(1, *map(dict, publishable(known).fingerprints), kind="video")
    return folder_with(tmp_path_factory.mktemp("video") / "filter", body)


@pytest.fixture(scope="module")
def listed(listed_folder: Path) -> Iterator[Filter]:
    with Filter.open(listed_folder) as opened:
        yield opened


@pytest.mark.parametrize(
    "changes",
    [
        {"size": (480, 270), "options": {"preset": "ultrafast", "crf": "32"}},
        {"rate": 12, "start_s": 0.44},
        {"start_s": 3.1, "container": "matroska"},
        {"change": lambda pixels: pixels[:, ::-1]},
        {"scenes": (5, 6, 7, 4, 2, 3, 7, 5, 6)},
    ],
    ids=["smaller", "another rate", "cut", "mirrored", "inside another"],
)
def test_a_copy_is_blocked(listed: Filter, studio: Studio, changes: dict[str, object]) -> None:
    verdict = listed.check(studio.film(KNOWN, **changes))
    assert verdict.action == "block"
    assert {reason.algorithm for reason in verdict.reasons} == {"pdq"}


def test_the_same_file_is_blocked_by_its_exact_fingerprints(listed: Filter, studio: Studio) -> None:
    assert listed.check(studio.film(KNOWN)).reasons[0].algorithm != "pdq"


def test_another_video_passes(listed: Filter, studio: Studio) -> None:
    verdict = listed.check(studio.film(UNRELATED))
    assert (verdict.action, verdict.problems) == ("allow", ())


def compared(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "staydown_client", "fingerprint", "--compare", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_two_videos_are_compared_on_the_command_line(studio: Studio, tmp_path: Path) -> None:
    film, clip, other = (tmp_path / name for name in ("film.mp4", "clip.mp4", "other.mp4"))
    film.write_bytes(studio.film(KNOWN))
    mirrored = KNOWN.but(
        start_s=3.2, change=lambda pixels: pixels[:, ::-1], options={"preset": "veryfast", "crf": "32"}
    )
    clip.write_bytes(studio.film(mirrored))
    other.write_bytes(studio.film(UNRELATED.but(scenes=(4, 5))))
    shown = compared(clip, film)
    assert shown.returncode == 0
    assert "the first is a part of the second" in shown.stdout
    assert "(mirrored)" in shown.stdout
    given = json.loads(compared(clip, film, "--json").stdout)
    assert (given["relation"], given["parts"][0]["orientation"]) == ("query_is_part", "mirrored")
    assert given["parts"][0]["known_from_s"] - given["parts"][0]["query_from_s"] == pytest.approx(3.2, abs=0.3)
    assert given["known_share"] == pytest.approx(0.6, abs=0.1)
    apart = compared(clip, other)
    assert (apart.returncode, apart.stderr) == (1, "")
    assert "nothing of one was found in the other" in apart.stdout


def test_what_cannot_be_compared_is_said(studio: Studio, tmp_path: Path) -> None:
    film, picture = tmp_path / "film.mp4", tmp_path / "picture.jpg"
    film.write_bytes(studio.film(KNOWN.but(scenes=(0,), scene_s=0.5)))
    picture.write_bytes(saved(studio.picture(0, 0.5, (320, 180))))
    for words, complaint in (
        ([film], "--compare takes two videos"),
        ([film, picture], "picture.jpg is no video. Name two videos."),
        ([tmp_path / "none", film], "is missing"),
    ):
        done = compared(*words)
        assert done.returncode == 2
        assert complaint in done.stderr


def test_an_encrypted_video_is_unchecked_and_never_allowed(listed: Filter, studio: Studio) -> None:
    """AV1 decodes encrypted bytes to noise without an error: noise met nothing, and that is no answer."""
    keyed = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "ab" * 16, "encryption_kid": "cd" * 16}
    av1 = {"preset": "12", "svtav1-params": "lp=1"}
    film = Film(scenes=(0,), scene_s=0.6, size=(160, 90), codec="libsvtav1", options=av1, mux_options=keyed)
    verdict = listed.check(studio.film(film))
    assert verdict.action == "unchecked"
    assert [problem.code for problem in verdict.problems] == ["unsupported"]


def test_keyframes_that_hide_what_is_between_them_are_no_way_round_a_filter_that_looks_at_every_frame(
    listed: Filter, listed_folder: Path, studio: Studio
) -> None:
    options = {"preset": "ultrafast", "g": "1000", "sc_threshold": "0"}
    hiding = studio.film(KNOWN, scenes=(5, 1, 2, 3), options=options)
    assert listed.check(hiding).action == "allow"
    with Filter.open(listed_folder, policy=Policy(every_frame=True)) as opened:
        assert opened.check(hiding).action == "block"


def test_what_only_shares_a_moment_with_it_is_for_a_person(listed: Filter, studio: Studio) -> None:
    """A title that many videos begin with must not stop them all."""
    assert listed.check(studio.film(WITH_ITS_TITLE)).action == "hold"


def test_a_single_picture_of_it_is_for_a_person(listed: Filter, studio: Studio) -> None:
    assert listed.check(saved(studio.picture(1, 0.5, (640, 360)))).action == "hold"


def test_a_listed_picture_shown_in_a_video_is_blocked(studio: Studio, tmp_path: Path) -> None:
    """One picture is all of its entry: however little of the video it is, it is not let through."""
    shown = studio.picture(1, 0.0, (320, 180))
    fingerprints = publishable(fingerprint_bytes(saved(shown))).fingerprints
    frames = [*studio.frames(UNRELATED), *[shown] * 10]
    with Filter.open(folder_with(tmp_path / "filter", admit(1, *map(dict, fingerprints)))) as opened:
        verdict = opened.check(studio.encoded(frames, UNRELATED))
    assert verdict.action == "block"


def test_both_looks_at_a_video_count(listed: Filter, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closer look that fails takes nothing away from what the first one found."""
    look = FingerprintPool.fingerprint_bytes

    def crashing(self: FingerprintPool, data: bytes, mode: Mode) -> Fingerprints:
        found = look(self, data, mode)
        return found if mode == "scan" else replace(found, pdq=(), problems=(Problem(code="crashed", detail="gone"),))

    monkeypatch.setattr(FingerprintPool, "fingerprint_bytes", crashing)
    verdict = listed.check(studio.film(WITH_ITS_TITLE))
    assert (verdict.action, [problem.code for problem in verdict.problems]) == ("hold", ["crashed"])
