"""An index on the disk: opened as it was saved, refused when it is not whole, never half written."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from staydown_match import BruteForceIndex, HammingIndex, IndexConflictError, IndexFileError

from packages.match.tests.unit.hamming_cases import as_tuples, compact_into, flipped, keys_of, random_hashes

COUNT = 3000
QUERIES = flipped(random_hashes(COUNT)[:66], np.arange(66) // 2)


def keys(count: int = COUNT) -> np.typing.NDArray[np.uint64]:
    return np.arange(count, dtype=np.uint64)


@pytest.fixture
def index() -> HammingIndex:
    """Give 3,000 hashes in buckets, some twice."""
    made = HammingIndex()
    made.add(keys(), random_hashes(COUNT))
    made.add(keys(50), random_hashes(COUNT)[:50])
    made.compact()
    return made


def journal_of(path: Path) -> Path:
    (found,) = path.parent.glob(f"{path.name}.*.journal")
    return found


def test_an_opened_index_answers_as_the_saved_one_and_goes_on_changing(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    opened = HammingIndex.open(str(path))
    assert len(opened) == len(index) == COUNT + 50
    assert as_tuples(opened.search(QUERIES, 40)) == as_tuples(index.search(QUERIES, 40))
    assert (opened.stats().mapped_bytes, index.stats().mapped_bytes) == (path.stat().st_size, 0)
    opened.add(keys_of(10**9), QUERIES[:1])
    assert opened.remove(keys_of(0, 1)) == 4
    assert opened.search(QUERIES[:1]).key.tolist() == [10**9]


def test_changes_go_to_the_journal_and_the_image_stays(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    written = path.stat()
    for round_number in range(3):
        index.add(keys(100) + np.uint64(10_000 + 100 * round_number), random_hashes(100, seed=round_number + 50))
        index.remove(keys_of(round_number))
        assert index.stats().unsaved_bytes == 100 * 41 + 9
        index.save(path)
        assert index.stats().unsaved_bytes == 0
        opened = HammingIndex.open(path)
        assert as_tuples(opened.search(random_hashes(100, seed=round_number + 50))) == as_tuples(
            index.search(random_hashes(100, seed=round_number + 50))
        )
        assert len(opened) == len(index)
    assert path.stat().st_mtime_ns == written.st_mtime_ns
    assert journal_of(path).stat().st_size == 48 + 3 * (16 + 100 * 41 + 9)


def test_a_large_part_changed_is_written_anew(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    earlier = HammingIndex.open(path)
    first_journal = journal_of(path)
    index.add(keys(40_000) + np.uint64(10_000), random_hashes(40_000, seed=5))
    index.save(path)
    assert journal_of(path) != first_journal
    assert len(HammingIndex.open(path)) == COUNT + 50 + 40_000
    assert as_tuples(earlier.search(QUERIES)) == as_tuples(index.search(QUERIES))  # it keeps the file that it opened
    with pytest.raises(IndexConflictError, match="open it again"):
        earlier.save(path)


def test_two_who_save_to_one_file_do_not_overwrite_each_other(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    other = HammingIndex.open(path)
    for one in (index, other):
        one.add(keys_of(77_777), random_hashes(1, seed=77))
    other.save(path)
    with pytest.raises(IndexConflictError, match="another process has saved"):
        index.save(path)
    assert len(HammingIndex.open(path)) == len(other)


def test_a_copy_saved_elsewhere_is_whole(index: HammingIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "one")
    index.remove(keys_of(5))
    index.save(tmp_path / "two")
    index.save(tmp_path / "one")
    for name in ("one", "two"):
        assert len(HammingIndex.open(tmp_path / name)) == len(index)


def test_files_are_private_unless_they_were_not(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    assert (path.stat().st_mode & 0o777, journal_of(path).stat().st_mode & 0o777) == (0o600, 0o600)
    path.chmod(0o640)
    HammingIndex().save(path)
    assert (path.stat().st_mode & 0o777, journal_of(path).stat().st_mode & 0o777) == (0o640, 0o640)


def test_what_the_system_refuses_is_an_os_error_with_the_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        HammingIndex.open(tmp_path / "nowhere")
    assert missing.value.filename == str(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError):
        HammingIndex.open(tmp_path)
    with pytest.raises(FileNotFoundError):
        HammingIndex().save(tmp_path / "no" / "folder")


@pytest.mark.parametrize("size", [0, 1, 79, 80, 4095, 4096, 4097, 100_000, -5000, -1])
def test_a_truncated_file_is_refused(index: HammingIndex, tmp_path: Path, size: int) -> None:
    path = tmp_path / "index"
    index.save(path)
    os.truncate(path, size % path.stat().st_size)
    with pytest.raises(IndexFileError, match="truncated"):
        HammingIndex.open(path)


def test_other_files_are_refused(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    path.write_bytes(os.urandom(10_000))
    with pytest.raises(IndexFileError, match="is not an index"):
        HammingIndex.open(path)
    index.save(path)
    with path.open("ab") as file:
        file.write(b"x")
    with pytest.raises(IndexFileError, match="longer than an index of its size"):
        HammingIndex.open(path)
    content = bytearray(path.read_bytes()[:-1])
    content[8] = 2
    path.write_bytes(content)
    with pytest.raises(IndexFileError, match="newer version: upgrade"):
        HammingIndex.open(path)


def test_without_its_journal_an_index_is_refused(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    journal = journal_of(path)
    content = journal.read_bytes()
    journal.unlink()
    with pytest.raises(IndexFileError, match="journal is missing"):
        HammingIndex.open(path)
    for changed, message in [
        (b"", "truncated"),
        (content[:-1], "truncated"),
        (b"x" + content[1:], "not a journal"),
        (content[:8] + b"\x02" + content[9:], "newer version"),
        (content[:20] + b"x" + content[21:], "damaged"),
    ]:
        journal.write_bytes(changed)
        with pytest.raises(IndexFileError, match=message):
            HammingIndex.open(path)


def test_a_damaged_journal_is_refused_and_an_unfinished_save_passed_over(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    index.remove(keys_of(1, 2, 3))
    index.save(path)
    journal = journal_of(path)
    content = journal.read_bytes()
    for position in range(48, len(content)):
        journal.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        if 60 <= position < 64:  # a record's unused bytes
            assert len(HammingIndex.open(path)) == len(index)
            continue
        with pytest.raises(IndexFileError, match="damaged"):
            HammingIndex.open(path)
    journal.write_bytes(content + os.urandom(50))
    opened = HammingIndex.open(path)
    assert len(opened) == len(index)
    opened.remove(keys_of(4))
    opened.save(path)
    assert len(HammingIndex.open(path)) == len(index) - 2


@pytest.mark.parametrize("in_buckets", [True, False])
def test_a_changed_byte_is_noticed_or_makes_no_difference(
    index: HammingIndex, tmp_path: Path, *, in_buckets: bool
) -> None:
    """Whatever is changed in the file: it is refused, or the search says so, or the answer is the right one."""
    if not in_buckets:
        compact_into(index, [])
    path = tmp_path / "index"
    index.save(path)
    content = path.read_bytes()
    oracle = BruteForceIndex()
    oracle.add(keys(), random_hashes(COUNT))
    oracle.add(keys(50), random_hashes(COUNT)[:50])
    wanted = as_tuples(oracle.search(QUERIES))
    random = np.random.default_rng(7)
    places = [*range(80), *random.integers(4096, 4096 + 40 * COUNT, 40).tolist(), *random.integers(0, len(content), 60)]
    noticed = 0
    for place in places:
        changed = bytearray(content)
        changed[place] ^= int(random.integers(1, 256))
        path.write_bytes(changed)
        try:
            assert as_tuples(HammingIndex.open(path).search(QUERIES)) == wanted
        except IndexFileError:
            noticed += 1
    assert noticed >= 90


def test_a_damaged_part_is_not_saved_on(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    content = bytearray(path.read_bytes())
    content[-100_000] ^= 1
    path.write_bytes(content)
    opened = HammingIndex.open(path)
    with pytest.raises(IndexFileError, match="damaged at byte"):
        opened.save(tmp_path / "other")
    opened.remove(keys_of(1))
    with pytest.raises(IndexFileError, match="damaged at byte"):
        opened.compact()
    assert not (tmp_path / "other").exists()


SAVING = """
import sys, numpy as np
from staydown_match import HammingIndex
path, seed = sys.argv[1], int(sys.argv[2])
index = HammingIndex.open(path)
whole = np.random.default_rng(seed).integers(0, 256, (60_000, 32), dtype=np.uint8)
print("ready", flush=True)
for round_number in range(10**6):
    count = 60_000 if round_number % 3 == 0 else 200
    index.add(np.full(count, 5, np.uint64), whole[:count])
    index.save(path)
    index.remove(np.array([5], np.uint64))
    index.save(path)
"""


def test_killed_while_saving_the_file_is_whole(index: HammingIndex, tmp_path: Path) -> None:
    path = tmp_path / "index"
    index.save(path)
    wanted = as_tuples(index.search(QUERIES))
    sizes = set()
    for seed in range(12):
        saving = subprocess.Popen(
            [sys.executable, "-c", SAVING, str(path), str(seed)], stdout=subprocess.PIPE, text=True
        )
        assert saving.stdout is not None
        assert saving.stdout.readline() == "ready\n"
        time.sleep(0.02 * seed)
        os.kill(saving.pid, signal.SIGKILL)
        assert saving.wait() == -signal.SIGKILL
        saving.stdout.close()
        opened = HammingIndex.open(path)
        sizes.add(len(opened))
        opened.remove(keys_of(5))
        opened.add(keys_of(5), random_hashes(COUNT)[5:6])
        assert [row for row in as_tuples(opened.search(QUERIES)) if row[1] != 5] == [
            row for row in wanted if row[1] != 5
        ]
        opened.save(path)
    # The first 3,050, without the two of key 5 or with one again, and what a round adds: all of it or nothing.
    assert all({size - COUNT - 48, size - COUNT - 49, size - COUNT - 50} & {0, 200, 60_000} for size in sizes)
    last = HammingIndex.open(path)
    compact_into(last, [])
    last.save(path)  # what killed saves left goes with the next one that writes everything
    assert {name.name for name in tmp_path.iterdir()} == {path.name, journal_of(path).name}
