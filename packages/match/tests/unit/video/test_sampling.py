"""Frames like the last one kept are dropped, and the bound holds however fast the film is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from staydown_match import fingerprint_bytes
from staydown_match.limits import Limits
from staydown_match.video.sampling import BURST_S, FrameSampler

from packages.match.tests.films import Film, Studio


def flipped(bits: bytes, count: int, seed: int) -> bytes:
    positions = np.random.default_rng(seed).choice(256, count, replace=False)
    array = np.unpackbits(np.frombuffer(bits, np.uint8))
    array[positions] ^= 1
    return np.packbits(array).tobytes()


FIRST = bytes(range(32))


@pytest.mark.parametrize(("apart_bits", "kept"), [(0, False), (1, False), (12, False), (13, True), (128, True)])
def test_only_what_differs_from_the_last_kept_one_is_kept(apart_bits: int, *, kept: bool) -> None:
    sampler = FrameSampler(max_hashes_per_minute=1500)
    assert sampler.keeps(FIRST, quality=100, at_s=0.0)
    assert sampler.keeps(flipped(FIRST, apart_bits, 1), quality=100, at_s=0.04) is kept
    assert sampler.left_out == 0


def test_a_slow_change_is_kept_when_it_has_come_far_enough() -> None:
    """Each frame is near to the one before; measured is from the last one kept."""
    sampler = FrameSampler(max_hashes_per_minute=10_000, max_distance_bits_to_drop=12)
    array = np.zeros(256, np.uint8)
    kept = []
    for number in range(100):
        array[number] = 1
        kept.append(sampler.keeps(np.packbits(array).tobytes(), quality=100, at_s=number / 25))
    assert [number for number, is_kept in enumerate(kept) if is_kept] == list(range(0, 100, 13))


@given(
    st.lists(st.tuples(st.binary(min_size=32, max_size=32), st.floats(0, 5), st.sampled_from([0, 100])), max_size=200),
    st.integers(1, 600),
)
def test_the_bound_holds_over_any_stretch(frames: list[tuple[bytes, float, int]], per_minute: int) -> None:
    sampler = FrameSampler(max_hashes_per_minute=per_minute)
    at_s, kept = 0.0, []
    for bits, step_s, quality in frames:
        at_s += step_s
        if sampler.keeps(bits, quality=quality, at_s=at_s):
            kept.append(at_s)
    for first, start_s in enumerate(kept):
        for last in range(first, len(kept)):
            allowed = max(1, BURST_S * per_minute / 60) + (kept[last] - start_s) * per_minute / 60
            assert last - first + 1 <= allowed + 1e-6


def test_of_frames_that_say_nothing_one_a_second_is_kept() -> None:
    sampler = FrameSampler(max_hashes_per_minute=1500)
    random = np.random.default_rng(3)
    kept = [sampler.keeps(random.bytes(32), quality=5, at_s=number / 25) for number in range(100)]
    assert sum(kept) == 4
    assert sampler.left_out == 0


def test_time_stamps_without_sense_do_not_break_it() -> None:
    sampler = FrameSampler(max_hashes_per_minute=60)
    random = np.random.default_rng(3)
    times = [*np.zeros(20).tolist(), 1e18, 5.0, 1e18, 0.0, *np.zeros(20).tolist()]
    kept = [sampler.keeps(random.bytes(32), quality=100, at_s=at_s) for at_s in times]
    burst = round(BURST_S * 60 / 60)
    again = 2 + burst  # a leap ahead gives as much as a minute does and no more; there are two
    assert kept == [*[True] * burst, *[False] * (20 - burst), *[True] * again, *[False] * (24 - again)]
    assert sampler.left_out == kept.count(False)


def test_a_still_film_has_one_hash_and_a_fast_one_has_many(studio: Studio) -> None:
    film = Film()
    still = studio.encoded([studio.picture(0, 0.3, film.size)] * 100, film)
    assert len({hashed.at_s for hashed in fingerprint_bytes(still).pdq}) == 1
    assert len({hashed.at_s for hashed in fingerprint_bytes(studio.film(film)).pdq}) > 60


def test_a_bound_that_bites_is_said(studio: Studio) -> None:
    data = studio.film(Film())
    whole = fingerprint_bytes(data)
    assert whole.problems == ()
    bounded = fingerprint_bytes(data, limits=Limits(max_hashes_per_minute=60))
    assert [problem.code for problem in bounded.problems] == ["limit"]
    assert "at most 60 a minute are kept" in bounded.problems[0].detail
    times = {hashed.at_s for hashed in bounded.pdq}
    assert BURST_S <= len(times) <= BURST_S + 6 + 1
    assert times < {hashed.at_s for hashed in whole.pdq} | times
