"""Two videos that show the same are matched with the part and the times, whatever was done to one of them."""

from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from staydown_match import Fingerprints, InvalidValueError, PdqHash, fingerprint_bytes
from staydown_match.types import Mode
from staydown_match.video_match import VideoMatch, match_videos

from packages.match.tests.films import NAMES, Film, Studio

Pixels: TypeAlias = NDArray[np.uint8]

KNOWN = Film(scenes=range(6), scene_s=5.0, size=(320, 180), rate=10, options={"preset": "ultrafast", "crf": "23"})
LOW = {"preset": "veryfast", "crf": "32"}
MODES: tuple[Mode, ...] = ("publish", "scan", "scan-every-frame")
LENGTH_S = 30.0


@pytest.fixture(scope="module")
def known(studio: Studio) -> Fingerprints:
    found = fingerprint_bytes(studio.film(KNOWN))
    assert found.problems == ()
    return found


def with_bars(pixels: Pixels) -> Pixels:
    barred = np.zeros((pixels.shape[0] * 4 // 3, pixels.shape[1], 3), np.uint8)
    barred[pixels.shape[0] // 6 :][: pixels.shape[0]] = pixels
    return barred


def near(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.6)


def matched(studio: Studio, known: Fingerprints, film: Film) -> list[VideoMatch]:
    """Match a film, re-encoded at a low quality, with what is known, once for each mode of looking at it."""
    data = studio.film(film.but(options=LOW))
    return [match_videos(fingerprint_bytes(data, mode), known) for mode in MODES]


@pytest.mark.parametrize("start_s", [0.0, 0.04, 0.1, 0.28, 0.48, 0.75, 1.0, 1.77, 3.3, 5.0, 8.29, 10.0])
def test_the_phase_of_sampling_does_not_matter(start_s: float, studio: Studio, known: Fingerprints) -> None:
    """Cut to start anywhere: a clip of the known video, with the time that it was cut at."""
    for match in matched(studio, known, KNOWN.but(start_s=start_s)):
        assert match.query_share > 0.95
        assert match.known_share == pytest.approx(1 - start_s / LENGTH_S, abs=0.05)
        assert match.relation == ("same" if start_s < 7.4 else "query_is_part")
        assert match.parts[0].offset_s == near(start_s)
        assert match.parts[0].query_from_s == near(0)
        assert match.parts[-1].known_to_s == near(LENGTH_S)


@pytest.mark.parametrize(
    ("change", "orientation", "inverted"),
    [
        ({"size": (640, 360)}, "upright", False),
        ({"rate": 30}, "upright", False),
        ({"rate": 12}, "upright", False),
        ({"change": with_bars}, "upright", False),
        ({"change": lambda pixels: pixels[:, ::-1]}, "mirrored", False),
        ({"change": np.rot90}, "rotated_90", False),
        ({"change": lambda pixels: 255 - pixels}, "upright", True),
        ({"container": "webm", "codec": "libvpx-vp9"}, "upright", False),
    ],
    ids=["360p", "30 a second", "12 a second", "bars", "mirrored", "turned", "inverted", "VP9"],
)  # fmt: skip
def test_a_changed_copy_is_the_same(
    change: dict[str, object],
    orientation: str,
    inverted: bool,  # noqa: FBT001 - a column of the table
    studio: Studio,
    known: Fingerprints,
) -> None:
    film = KNOWN.but(**change)
    options = {"deadline": "realtime", "cpu-used": "8", "crf": "40", "b": "0"} if film.codec == "libvpx-vp9" else LOW
    data = studio.film(film.but(options=options))
    for mode in MODES:
        match = match_videos(fingerprint_bytes(data, mode), known)
        assert match.query_share > 0.95
        assert match.known_share > 0.95
        assert match.relation == "same"
        for part in match.parts:
            assert part.offset_s == near(0)
            assert (part.orientation, part.inverted) == (orientation, inverted)


@pytest.mark.parametrize(
    ("change", "start_s", "orientation"),
    [
        ({"size": (1280, 720), "rate": 4}, 0.48, "upright"),
        ({"size": (1280, 720), "rate": 4}, 10.0, "upright"),
        ({"change": lambda pixels: with_bars(pixels)[:, ::-1], "rate": 12}, 3.3, "mirrored"),
    ],
    ids=["720p at 0.48 s", "720p at 10 s", "bars and mirrored at 3.3 s"],
)
def test_changes_come_together(
    change: dict[str, object], start_s: float, orientation: str, studio: Studio, known: Fingerprints
) -> None:
    """Cut, at another rate, of another size and quality, in bars and mirrored at once: still matched with its times."""
    clip_s = LENGTH_S - start_s
    for match in matched(studio, known, KNOWN.but(start_s=start_s, **change)):
        assert match.query_share > 0.95
        assert match.known_share > 0.95 * clip_s / LENGTH_S
        assert match.relation == ("query_is_part" if start_s > 7.5 else "same")
        assert {part.orientation for part in match.parts} == {orientation}
        assert all(part.offset_s == near(start_s) for part in match.parts)
        assert match.parts[-1].known_to_s == near(LENGTH_S)


@pytest.fixture(scope="module")
def unrelated(photographs: dict[str, Pixels]) -> list[Pixels]:
    """Two minutes of something else, in which hardly a scene comes twice."""
    shown = {*NAMES[: len(KNOWN.scenes)], "motorcycle_right.png"}
    names = [name for name in photographs if name not in shown]
    assert len(names) >= 15
    film = KNOWN.but(scenes=range(24), scene_s=5.0, rate=5)
    return list(Studio(photographs, names).frames(film))


def test_a_part_after_two_unrelated_minutes_is_found_with_its_times(
    studio: Studio, known: Fingerprints, unrelated: list[Pixels]
) -> None:
    film = KNOWN.but(rate=5, options=LOW)
    data = studio.encoded([*unrelated, *studio.frames(film)], film)
    for mode in MODES:
        match = match_videos(fingerprint_bytes(data, mode), known)
        assert match.relation == "query_contains"
        assert match.query_share == pytest.approx(30 / 150, abs=0.03)
        assert match.known_share > 0.9
        assert match.parts[0].query_from_s == near(120)
        assert match.parts[0].known_from_s == near(0)
        assert match.parts[-1].query_to_s == near(150)


def test_a_clip_is_told_apart_from_what_it_was_cut_from(studio: Studio, known: Fingerprints) -> None:
    clip = fingerprint_bytes(studio.film(KNOWN.but(start_s=20.0, options=LOW)))
    assert match_videos(clip, known).relation == "query_is_part"
    assert match_videos(known, clip).relation == "query_contains"
    assert match_videos(known, known).relation == "same"


def test_clips_in_another_order_are_found_one_by_one(studio: Studio, known: Fingerprints) -> None:
    frames = list(studio.frames(KNOWN))
    rate = KNOWN.rate
    edited = [*frames[20 * rate : 25 * rate], *frames[5 * rate : 12 * rate]]
    match = match_videos(fingerprint_bytes(studio.encoded(edited, KNOWN.but(options=LOW))), known)
    found = [(part.query_from_s, part.query_to_s, part.known_from_s) for part in match.parts]
    assert [part for part in found if part[1] - part[0] > 1] == [
        (near(0), near(5), near(20)),
        (near(5), near(12), near(5)),
    ]
    assert match.query_share > 0.95
    assert match.known_share == pytest.approx(12 / 30, abs=0.05)


def test_two_videos_that_share_a_part_overlap(studio: Studio, known: Fingerprints, unrelated: list[Pixels]) -> None:
    film = KNOWN.but(rate=5, options=LOW)
    edited = [*unrelated[:50], *list(studio.frames(film))[50:100]]
    match = match_videos(fingerprint_bytes(studio.encoded(edited, film)), known)
    assert match.relation == "overlap"
    assert match.query_share == pytest.approx(0.5, abs=0.05)
    assert match.known_share == pytest.approx(10 / 30, abs=0.05)


def test_unrelated_videos_do_not_match(studio: Studio, known: Fingerprints, unrelated: list[Pixels]) -> None:
    data = studio.encoded(unrelated, KNOWN.but(rate=5, options=LOW))
    for mode in MODES:
        match = match_videos(fingerprint_bytes(data, mode), known)
        assert (match.relation, match.query_share, match.known_share, match.parts) == ("none", 0, 0, ())


def video(*hashes: tuple[float, bytes, int], duration_s: float | None) -> Fingerprints:
    made = tuple(PdqHash(bits=bits, quality=quality, at_s=at_s) for at_s, bits, quality in hashes)
    return Fingerprints(
        kind="video", media_type="video/mp4", md5="", sha1="", sha256="", duration_s=duration_s, pdq=made
    )


def bits(seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(32)


def test_frames_without_content_count_neither_for_nor_against() -> None:
    black = bytes(32)
    film = video((0, black, 0), (10, bits(1), 90), (20, black, 0), (30, bits(2), 90), duration_s=40)
    match = match_videos(film, film)
    assert (match.query_share, match.known_share) == (1, 1)
    assert [(part.query_from_s, part.query_to_s) for part in match.parts] == [(10, 40)]
    only_black = video((0, black, 0), duration_s=40)
    assert match_videos(only_black, only_black).relation == "none"


def test_shares_are_of_time_and_not_of_hashes() -> None:
    known = video((0, bits(1), 90), (30, bits(2), 90), (31, bits(3), 90), (32, bits(4), 90), duration_s=40)
    match = match_videos(video((0, bits(1), 90), duration_s=30), known)
    assert match.known_share == pytest.approx(30 / 40)
    assert match.query_share == 1


def test_a_still_part_matches_wherever_it_is_looked_at() -> None:
    known = video((0, bits(1), 90), (5, bits(2), 90), (65, bits(3), 90), duration_s=70)
    query = video((0, bits(2), 90), (10, bits(3), 90), duration_s=15)
    match = match_videos(query, known)
    assert len(match.parts) == 1
    assert match.parts[0].offset_s == pytest.approx(55, abs=0.6)


def test_what_loops_is_one_video() -> None:
    hashes = [(float(number), bits(number % 5), 90) for number in range(50)]
    match = match_videos(video(*hashes[:5], duration_s=5), video(*hashes, duration_s=50))
    assert (match.query_share, match.relation) == (1, "query_is_part")
    assert len(match.parts) == 1


def test_hashes_without_a_time_are_refused() -> None:
    picture = Fingerprints(
        kind="picture", media_type="image/png", md5="", sha1="", sha256="", pdq=(PdqHash(bits=bits(1), quality=90),)
    )
    film = video((0, bits(1), 90), duration_s=1)
    with pytest.raises(InvalidValueError, match="query: give the fingerprints of a video"):
        match_videos(picture, film)
    with pytest.raises(InvalidValueError, match="known: give the fingerprints of a video"):
        match_videos(film, picture)


def test_nothing_matches_nothing() -> None:
    assert match_videos(video(duration_s=None), video((0, bits(1), 90), duration_s=1)).relation == "none"
    assert match_videos(video((0, bits(1), 90), duration_s=1), video(duration_s=None)).relation == "none"
    assert match_videos(video(duration_s=None), video(duration_s=None)).parts == ()
