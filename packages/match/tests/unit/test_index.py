"""The index finds what slow, obvious Python finds, whatever was added and removed before."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from staydown_match import MAX_DISTANCE_BITS, BruteForceIndex, InvalidValueError, Matches

Row = tuple[int, bytes]

KEYS = st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1))
NEAR_ZERO = st.sets(st.integers(0, 255), max_size=40).map(
    lambda bits: sum(1 << bit for bit in bits).to_bytes(32, "little")
)
HASHES = st.one_of(st.sampled_from([bytes(32), b"\xff" * 32]), NEAR_ZERO, st.binary(min_size=32, max_size=32))
ROWS = st.lists(st.tuples(KEYS, HASHES), max_size=12)
CHANGES = st.lists(st.one_of(ROWS, st.sets(KEYS, max_size=3)), max_size=6)


def as_hashes(hashes: list[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)


def as_keys(keys: list[int]) -> NDArray[np.uint64]:
    return np.array(keys, np.uint64)


def distance_bits(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def slow_search(rows: list[Row], queries: list[bytes], max_distance_bits: int) -> list[tuple[int, int, int]]:
    found = [
        (position, distance_bits(query, value), key)
        for position, query in enumerate(queries)
        for key, value in rows
        if distance_bits(query, value) <= max_distance_bits
    ]
    return [(query, key, distance) for query, distance, key in sorted(found)]


def as_tuples(found: Matches) -> list[tuple[int, int, int]]:
    return list(zip(found.query.tolist(), found.key.tolist(), found.distance_bits.tolist(), strict=True))


def filled(rows: list[Row]) -> BruteForceIndex:
    index = BruteForceIndex()
    index.add(as_keys([key for key, _ in rows]), as_hashes([value for _, value in rows]))
    return index


@given(changes=CHANGES, queries=st.lists(HASHES, max_size=4), max_distance_bits=st.integers(0, 256))
def test_finds_what_slow_python_finds(
    changes: list[list[Row] | set[int]], queries: list[bytes], max_distance_bits: int
) -> None:
    index, rows = BruteForceIndex(), list[Row]()
    for change in changes:
        if isinstance(change, list):
            index.add(as_keys([key for key, _ in change]), as_hashes([value for _, value in change]))
            rows += change
        else:
            kept = [row for row in rows if row[0] not in change]
            assert index.remove(as_keys(list(change))) == len(rows) - len(kept)
            rows = kept
    assert len(index) == len(rows)
    found = index.search(as_hashes(queries), max_distance_bits)
    assert as_tuples(found) == slow_search(rows, queries, max_distance_bits)


def test_the_distance_is_of_the_advised_31_bits_unless_said() -> None:
    at_31, at_32 = (((1 << bits) - 1).to_bytes(32, "big") for bits in (31, 32))
    index = filled([(1, at_31), (2, at_32)])
    assert MAX_DISTANCE_BITS == 31
    assert as_tuples(index.search(as_hashes([bytes(32)]))) == [(0, 1, 31)]


def test_matches_are_sorted_by_query_then_distance_then_key() -> None:
    near, far = b"\x01" + bytes(31), b"\x03" + bytes(31)
    index = filled([(9, far), (7, near), (3, far), (2**64 - 1, near), (5, bytes(32))])
    found = index.search(as_hashes([bytes(32), near]))
    assert as_tuples(found) == [
        (0, 5, 0),
        (0, 7, 1),
        (0, 2**64 - 1, 1),
        (0, 3, 2),
        (0, 9, 2),
        (1, 7, 0),
        (1, 2**64 - 1, 0),
        (1, 3, 1),
        (1, 5, 1),
        (1, 9, 1),
    ]
    assert len(found) == 10
    assert [array.dtype.name for array in (found.query, found.key, found.distance_bits)] == ["int64", "uint64", "int64"]


def test_a_key_owns_many_hashes_and_loses_them_together() -> None:
    index = filled([(4, bytes(32)), (4, bytes(32)), (4, b"\xff" * 32), (5, bytes(32))])
    assert as_tuples(index.search(as_hashes([bytes(32)]))) == [(0, 4, 0), (0, 4, 0), (0, 5, 0)]
    assert index.remove(as_keys([4, 4, 6])) == 3
    assert as_tuples(index.search(as_hashes([bytes(32), b"\xff" * 32]))) == [(0, 5, 0)]
    assert len(index) == 1


def test_an_empty_index_and_an_empty_search_find_nothing() -> None:
    assert as_tuples(BruteForceIndex().search(as_hashes([bytes(32)]))) == []
    assert as_tuples(filled([(1, bytes(32))]).search(as_hashes([]))) == []
    assert BruteForceIndex().remove(as_keys([])) == 0


def test_arrays_in_any_layout_are_taken() -> None:
    wide = np.random.default_rng(1).integers(0, 256, (20, 64), dtype=np.uint8)
    index = BruteForceIndex()
    index.add(np.arange(40, dtype=np.uint64)[::2], wide[:, ::2])
    found = index.search(np.asfortranarray(wide[:, ::2]), 0)
    assert found.key.tolist() == list(range(0, 40, 2))


def test_what_was_stored_is_a_copy() -> None:
    hashes = np.zeros((1, 32), np.uint8)
    index = BruteForceIndex()
    index.add(as_keys([1]), hashes)
    hashes[:] = 255
    assert len(index.search(as_hashes([bytes(32)]))) == 1


@pytest.mark.parametrize(
    ("keys", "hashes", "message"),
    [
        (np.zeros(2, np.int64), np.zeros((2, 32), np.uint8), r"keys: give a uint64 array of shape \(n,\), not a int64"),
        (np.zeros((2, 1), np.uint64), np.zeros((2, 32), np.uint8), r"keys: .*\(2, 1\)"),
        (
            np.zeros(2, np.uint64),
            np.zeros((2, 31), np.uint8),
            r"hashes: give a uint8 array of shape \(n, 32\), not .*31",
        ),
        (np.zeros(2, np.uint64), np.zeros((2, 32), np.int8), "hashes: .*not a int8"),
        (np.zeros(2, np.uint64), np.zeros((3, 32), np.uint8), "keys: give one for each hash; there are 2 keys and 3"),
        ([1, 2], np.zeros((2, 32), np.uint8), "keys: .*not list"),
    ],
)
def test_other_arrays_are_refused(keys: NDArray[np.uint64], hashes: NDArray[np.uint8], message: str) -> None:
    index = BruteForceIndex()
    with pytest.raises(InvalidValueError, match=message):
        index.add(keys, hashes)
    assert len(index) == 0


@pytest.mark.parametrize("bits", [-1, 257, 30.5])
def test_other_distances_are_refused(bits: int) -> None:
    with pytest.raises(InvalidValueError, match="max_distance_bits: give a whole number from 0 to 256"):
        BruteForceIndex().search(as_hashes([]), bits)


def test_a_search_sees_each_change_whole_or_not_at_all() -> None:
    """Four threads search while one adds and removes blocks of 50 equal hashes: never part of a block is seen."""
    index, query, stop = BruteForceIndex(), as_hashes([bytes(32)]), threading.Event()

    def search_until_stopped() -> set[int]:
        sizes = set()
        while not stop.is_set():
            sizes.add(len(index.search(query)))
        return sizes

    with ThreadPoolExecutor(4) as pool:
        searches = [pool.submit(search_until_stopped) for _ in range(4)]
        for block in range(100):
            index.add(np.full(50, block, np.uint64), np.zeros((50, 32), np.uint8))
            assert len(index.search(query)) == min(block + 1, 10) * 50
            if block >= 9:
                assert index.remove(as_keys([block - 9])) == 50
        stop.set()
        seen = set().union(*(search.result() for search in searches))
    assert seen <= {50 * blocks for blocks in range(11)}


def test_other_threads_run_during_a_search() -> None:
    hashes = np.random.default_rng(2).integers(0, 256, (20_000, 32), dtype=np.uint8)
    index = BruteForceIndex()
    index.add(np.arange(len(hashes), dtype=np.uint64), hashes)
    searching = threading.Thread(target=index.search, args=(hashes[:2_000],))
    searching.start()
    turns = 0
    while searching.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 5
