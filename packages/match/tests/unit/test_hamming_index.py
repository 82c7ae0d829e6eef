"""The index finds exactly what comparing with every hash finds, whatever happened to it before."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from staydown_match import BruteForceIndex, HammingIndex, InvalidValueError

from packages.match.tests.unit.hamming_cases import (
    HASHES,
    KEYS,
    LAYOUTS,
    Hashes,
    Keys,
    as_tuples,
    compact_into,
    each_version_of_the_kernels,
    expected,
    flipped,
    keys_of,
    random_hashes,
)


def as_hashes(hashes: list[bytes]) -> Hashes:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


class ChangingIndex(RuleBasedStateMachine):
    """Any mix of operations on the index and on the oracle beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.index = HammingIndex()
        self.oracle = BruteForceIndex()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "index")

    def teardown(self) -> None:
        self.folder.cleanup()

    @initialize(count=st.sampled_from([0, 10, 5000]), layout=st.sampled_from(LAYOUTS[:3]))
    def begin(self, count: int, layout: list[int]) -> None:
        if count:
            self._add(np.arange(count, dtype=np.uint64) % 7, random_hashes(count))
        compact_into(self.index, layout)

    @rule(rows=st.lists(st.tuples(KEYS, HASHES), max_size=12))
    def add(self, rows: list[tuple[int, bytes]]) -> None:
        self._add(keys_of(*(key for key, _ in rows)), as_hashes([value for _, value in rows]))

    def _add(self, keys: np.typing.NDArray[np.uint64], hashes: Hashes) -> None:
        self.index.add(keys, hashes)
        self.oracle.add(keys, hashes)

    @rule(keys=st.sets(KEYS, max_size=3))
    def remove(self, keys: set[int]) -> None:
        assert self.index.remove(keys_of(*keys)) == self.oracle.remove(keys_of(*keys))

    @rule()
    def compact(self) -> None:
        self.index.compact()

    @rule(layout=st.sampled_from(LAYOUTS[:3]))
    def compact_into(self, layout: list[int]) -> None:
        compact_into(self.index, layout)

    @rule()
    def save(self) -> None:
        self.index.save(self.path)

    @rule()
    def save_and_open(self) -> None:
        self.index.save(self.path)
        self.index = HammingIndex.open(self.path)

    @rule(
        hashes=st.lists(HASHES, min_size=1, max_size=5),
        radius=st.integers(0, 64),
        limit=st.none() | st.integers(1, 4),
        best_per_key=st.booleans(),
        threads=st.integers(1, 3),
    )
    def search(self, hashes: list[bytes], radius: int, limit: int | None, *, best_per_key: bool, threads: int) -> None:
        found = self.index.search(as_hashes(hashes), radius, limit=limit, best_per_key=best_per_key, threads=threads)
        wanted = expected(self.oracle, as_hashes(hashes), radius, limit=limit, best_per_key=best_per_key)
        assert as_tuples(found) == wanted

    @invariant()
    def has_as_many(self) -> None:
        assert len(self.index) == len(self.oracle)


ChangingIndex.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_any_mix_of_operations = ChangingIndex.TestCase


@pytest.fixture(scope="module")
def planted() -> tuple[Hashes, Hashes]:
    """Give 6,000 hashes, and 520 queries: eight at each distance 0 to 64 of stored ones."""
    hashes = random_hashes(6000)
    distances = np.arange(520) // 2 % 65
    return hashes, flipped(hashes[:520], distances)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_distance_is_found_in_every_layout_by_every_kernel(
    planted: tuple[Hashes, Hashes], layout: list[int]
) -> None:
    hashes, queries = planted
    index, oracle = HammingIndex(), BruteForceIndex()
    for part in (index, oracle):
        part.add(np.arange(len(hashes), dtype=np.uint64), hashes)
    compact_into(index, layout)
    assert list(index.stats().chunk_widths_bits) == layout
    radii = (0, 7, 31, 32, 47, 64) if layout == LAYOUTS[1] else (3, 31, 40)
    for radius in radii:
        wanted = as_tuples(oracle.search(queries, radius))
        assert len(wanted) >= 8 * (radius + 1)
        for name in each_version_of_the_kernels():
            assert as_tuples(index.search(queries, radius)) == wanted, (name, radius)
            singly = [as_tuples(index.search(queries[i : i + 1], radius)) for i in range(0, 520, 13)]
            assert [len(found) for found in singly] == [
                sum(1 for query, _, _ in wanted if query == i) for i in range(0, 520, 13)
            ]


def test_hashes_added_in_place_are_found_like_compacted_ones(planted: tuple[Hashes, Hashes]) -> None:
    hashes, queries = planted
    index, oracle = HammingIndex(), BruteForceIndex()
    for begin in range(0, len(hashes), 500):  # too few at once to rebuild
        keys = np.arange(begin, begin + 500, dtype=np.uint64)
        index.add(keys, hashes[begin : begin + 500])
        oracle.add(keys, hashes[begin : begin + 500])
    assert index.stats().changed_hashes == len(hashes)
    for radius in (0, 15, 31, 50, 64):
        wanted = as_tuples(oracle.search(queries, radius))
        for name in each_version_of_the_kernels():
            assert as_tuples(index.search(queries, radius)) == wanted, (name, radius)


def test_many_added_at_once_are_compacted_at_once() -> None:
    index = HammingIndex()
    index.add(np.arange(5000, dtype=np.uint64), random_hashes(5000))
    assert (index.stats().distinct_hashes, index.stats().changed_hashes) == (5000, 0)
    assert len(index.stats().chunk_widths_bits) == 16
    index.add(np.arange(5000, dtype=np.uint64), random_hashes(5000, seed=9))
    assert (len(index), index.stats().distinct_hashes) == (10_000, 10_000)


@pytest.mark.parametrize("compacted", [True, False])
def test_buckets_of_every_length_are_read_to_their_ends(*, compacted: bool) -> None:
    """From one entry to over eight lines of memory, beginning anywhere in a line."""
    lengths = np.arange(1, 260, 4)
    hashes = random_hashes(int(lengths.sum()))
    hashes[:, :2] = np.repeat(lengths.astype("<u2"), lengths).view(np.uint8).reshape(-1, 2)
    index, oracle = HammingIndex(), BruteForceIndex()
    keys = np.arange(len(hashes), dtype=np.uint64)
    for begin in range(0, len(hashes), 1000):
        index.add(keys[begin : begin + 1000], hashes[begin : begin + 1000])
    if compacted:
        index.compact()
    oracle.add(keys, hashes)
    ends = np.cumsum(lengths)
    chosen = np.concatenate([ends - 1, ends - lengths, ends - lengths // 2 - 1])
    queries = flipped(hashes[chosen], np.arange(len(chosen)) % 32)
    queries[:, :2] = hashes[chosen, :2]  # found by the long bucket, or not at all
    wanted = as_tuples(oracle.search(queries))
    assert {query for query, _, _ in wanted} == set(range(len(queries)))
    for name in each_version_of_the_kernels():
        assert as_tuples(index.search(queries)) == wanted, name
        assert [as_tuples(index.search(query[None]))[0][1:] for query in queries[::7]] == [
            next(match[1:] for match in wanted if match[0] == number) for number in range(0, len(queries), 7)
        ]


@pytest.mark.parametrize("compacted", [True, False])
def test_a_bucket_of_more_than_65535(*, compacted: bool) -> None:
    count = 70_000
    hashes = random_hashes(count)
    hashes[:, :6] = 0  # three chunks alike, so that three buckets hold all
    index, oracle = HammingIndex(), BruteForceIndex()
    step = count if compacted else 3500
    for begin in range(0, count, step):
        index.add(np.arange(begin, min(begin + step, count), dtype=np.uint64), hashes[begin : begin + step])
    assert index.stats().changed_hashes == (0 if compacted else count)
    oracle.add(np.arange(count, dtype=np.uint64), hashes)
    queries = flipped(hashes[:: count // 40], np.arange(40) % 34)
    for name in each_version_of_the_kernels():
        assert as_tuples(index.search(queries)) == as_tuples(oracle.search(queries)), name


def test_a_hash_that_a_hundred_thousand_items_hold() -> None:
    count = 100_000
    one = random_hashes(1)
    index = HammingIndex()
    index.add(np.arange(count, dtype=np.uint64), np.repeat(one, count, axis=0))
    assert index.stats().distinct_hashes == 1
    assert index.stats().memory_bytes < 30 * count
    assert index.search(one).key.tolist() == list(range(count))
    assert index.search(one, limit=3).key.tolist() == [0, 1, 2]
    assert index.remove(np.arange(0, count, 2, dtype=np.uint64)) == count // 2
    assert index.search(one, limit=2).key.tolist() == [1, 3]
    index.add(np.arange(count, count + 3000, dtype=np.uint64), np.repeat(one, 3000, axis=0))
    assert index.stats().changed_hashes == 1
    assert index.search(one, limit=1, best_per_key=True).key.tolist() == [1]
    assert len(index.search(one)) == count // 2 + 3000


def test_the_frames_of_one_video_can_be_asked_for_once() -> None:
    frames = flipped(np.repeat(random_hashes(1), 3000, axis=0), np.arange(3000) % 9)
    index = HammingIndex()
    index.add(np.full(3000, 7, np.uint64), frames)
    index.add(keys_of(8), random_hashes(1))
    assert as_tuples(index.search(frames[:1], best_per_key=True)) == [(0, 7, 0), (0, 8, 0)]
    assert len(index.search(frames[:1])) > 2500


def test_an_empty_index_and_an_empty_search_find_nothing() -> None:
    assert len(HammingIndex().search(random_hashes(3), 64)) == 0
    index = HammingIndex()
    index.add(keys_of(1), random_hashes(1))
    assert len(index.search(random_hashes(0))) == 0
    assert index.remove(keys_of(1)) == 1
    index.compact()
    assert (len(index), len(index.search(random_hashes(1)))) == (0, 0)


def test_arrays_in_any_layout_are_taken() -> None:
    wide = np.random.default_rng(1).integers(0, 256, (20, 64), dtype=np.uint8)
    index = HammingIndex()
    index.add(np.arange(40, dtype=np.uint64)[::2], wide[:, ::2])
    assert index.search(np.asfortranarray(wide[:, ::2]), 0).key.tolist() == list(range(0, 40, 2))


@pytest.mark.parametrize(
    ("keys", "hashes", "message"),
    [
        (np.zeros(2, np.int64), np.zeros((2, 32), np.uint8), r"keys: give a uint64 array of shape \(n,\), not a int64"),
        (np.zeros(2, ">u8"), np.zeros((2, 32), np.uint8), "keys: .*not a >u8"),
        (np.zeros((2, 1), np.uint64), np.zeros((2, 32), np.uint8), r"keys: .*\(2, 1\)"),
        (np.zeros(2, np.uint64), np.zeros((2, 31), np.uint8), r"hashes: .*\(n, 32\), not .*31"),
        (np.zeros(2, np.uint64), np.zeros((2, 32), np.int8), "hashes: .*not a int8"),
        ([1, 2], np.zeros((2, 32), np.uint8), "keys: .*not list"),
        (memoryview(bytes(16)), np.zeros((2, 32), np.uint8), "keys: .*not memoryview"),
    ],
)
def test_other_arrays_are_refused(keys: Keys, hashes: Hashes, message: str) -> None:
    index = HammingIndex()
    with pytest.raises(InvalidValueError, match=message):
        index.add(keys, hashes)
    assert len(index) == 0


def test_what_cannot_be_searched_for_is_refused() -> None:
    index = HammingIndex()
    with pytest.raises(InvalidValueError, match="max_distance_bits: give a number from 0 to 64, not 65"):
        index.search(random_hashes(1), 65)
    with pytest.raises(InvalidValueError, match=r"max_distance_bits: .*not -1"):
        index.search(random_hashes(1), -1)
    with pytest.raises(InvalidValueError, match="limit: give a number from 1"):
        index.search(random_hashes(1), limit=0)
    with pytest.raises(InvalidValueError, match="threads: give a number from 1, not 0"):
        index.search(random_hashes(1), threads=0)
    with pytest.raises(InvalidValueError, match="hashes: give a uint8 array"):
        index.search(np.zeros((1, 31), np.uint8))
    with pytest.raises(InvalidValueError, match="keys: give one for each hash; there are 1 keys and 2 hashes"):
        index.add(keys_of(1), random_hashes(2))
    with pytest.raises(InvalidValueError, match="bits: give 256, not 128"):
        HammingIndex(bits=128)
