"""Searches run beside changes, without the GIL, and see every change that returned before they began."""

import threading
from pathlib import Path

import numpy as np
from staydown_match import HammingIndex

from packages.match.tests.unit.hamming_cases import Hashes, keys_of, random_hashes


class Progress:
    """How far changes are: keys below these numbers have been added, are being removed, have been removed."""

    added = 0
    removing = 0
    removed = 0
    done = False


def change(index: HammingIndex, hashes: Hashes, progress: Progress, path: Path) -> None:
    for key in range(len(hashes)):
        index.add(keys_of(key), hashes[key : key + 1])
        progress.added = key + 1
        if key >= 100:
            progress.removing = key - 99
            index.remove(keys_of(key - 100))
            progress.removed = key - 99
        if key % 300 == 299:
            index.compact()
        if key % 500 == 499:
            index.save(path)
    progress.done = True


def search(index: HammingIndex, hashes: Hashes, progress: Progress, checked: list[int]) -> None:
    while not progress.done:
        removed, added = progress.removed, progress.added
        found = set(index.search(hashes, 0).key.tolist())
        must_be_there = set(range(progress.removing, added))
        assert must_be_there <= found
        assert not found & set(range(removed))
        checked.append(len(must_be_there))


def test_searches_see_every_change_that_returned_before(tmp_path: Path) -> None:
    hashes = random_hashes(2000)
    index = HammingIndex()
    index.add(np.full(5000, 10**6, np.uint64), random_hashes(5000, seed=3))
    progress = Progress()
    checked: list[list[int]] = [[], []]
    failures: list[BaseException] = []

    def guarded(one: list[int]) -> None:
        try:
            search(index, hashes, progress, one)
        except AssertionError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in checked]
    for thread in threads:
        thread.start()
    change(index, hashes, progress, tmp_path / "index")
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(len(one) > 3 and max(one) > 50 for one in checked)


def test_a_search_does_not_wait_for_a_compaction() -> None:
    index = HammingIndex()
    index.add(np.arange(400_000, dtype=np.uint64), random_hashes(400_000))
    index.remove(keys_of(1))
    query = random_hashes(1, seed=8)
    compacting = threading.Thread(target=index.compact)
    compacting.start()
    searches = 0
    while compacting.is_alive():
        index.search(query)
        searches += 1
    assert searches > 100


def test_queries_shared_by_threads_are_answered_in_order() -> None:
    hashes = random_hashes(3000)
    index = HammingIndex()
    index.add(np.arange(3000, dtype=np.uint64), hashes)
    for threads in (1, 2, 7, 5000):
        found = index.search(hashes, threads=threads)
        assert found.query.tolist() == found.key.tolist() == list(range(3000))
