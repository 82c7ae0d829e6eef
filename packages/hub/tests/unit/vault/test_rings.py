"""The ring's files: made once, for their owner only, followed by running processes, refused when they are not right."""

import os
import time
from pathlib import Path
from threading import Thread

import pytest
from staydown_hub.vault.errors import (
    BadRingFileError,
    HasRingError,
    NewestKeyError,
    TooEarlyError,
    UnknownRingKeyError,
)
from staydown_hub.vault.rings import FileRing


@pytest.fixture
def ring(tmp_path: Path) -> FileRing:
    made = FileRing(tmp_path / "ring")
    made.make()
    return made


def key_files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "ring").glob("0*.key"))


def test_a_ring_is_made_once_and_for_its_owner_only(ring: FileRing, tmp_path: Path) -> None:
    with pytest.raises(HasRingError):
        ring.make()
    folder = tmp_path / "ring"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert [path.name[:5] for path in key_files(tmp_path)] == ["0001-"]


def test_two_that_make_it_at_once_make_one(tmp_path: Path) -> None:
    rings = [FileRing(tmp_path / "ring") for _ in range(4)]
    refused: list[HasRingError] = []

    def make(ring: FileRing) -> None:
        try:
            ring.make()
        except HasRingError as error:
            refused.append(error)

    threads = [Thread(target=make, args=(ring,)) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert len({ring.newest for ring in rings}) == 1


def test_another_process_follows_a_rotation(ring: FileRing, tmp_path: Path) -> None:
    other = FileRing(tmp_path / "ring")
    assert other.newest == ring.newest
    fresh = ring.rotate()
    assert other.newest == fresh
    assert [one.id for one in other.ring_keys()][-1] == fresh


def test_what_it_finds_by_stays_through_a_rotation(ring: FileRing, tmp_path: Path) -> None:
    before = ring.digest("sighting", b"x")
    ring.rotate()
    assert FileRing(tmp_path / "ring").digest("sighting", b"x") == before
    assert len({before, ring.digest("sighting", b"y"), ring.digest("other", b"x")}) == 3
    elsewhere = FileRing(tmp_path / "elsewhere")
    elsewhere.make()
    assert elsewhere.digest("sighting", b"x") != before


def test_a_key_is_retired_only_when_it_wraps_no_more(ring: FileRing, tmp_path: Path) -> None:
    old = ring.newest
    with pytest.raises(NewestKeyError):
        ring.retire(old)
    ring.rotate()
    with pytest.raises(TooEarlyError, match="10 minutes"):
        ring.retire(old)
    with pytest.raises(UnknownRingKeyError):
        ring.retire(b"none")
    hour_ago = time.time() - 3600
    os.utime(key_files(tmp_path)[-1], (hour_ago, hour_ago))
    FileRing(tmp_path / "ring").retire(old)
    assert len(key_files(tmp_path)) == 1


@pytest.mark.parametrize("name", ["key", "search.key"])
def test_files_that_are_open_to_others_are_refused(ring: FileRing, tmp_path: Path, name: str) -> None:
    path = key_files(tmp_path)[0] if name == "key" else tmp_path / "ring" / name
    path.chmod(0o640)
    with pytest.raises(BadRingFileError, match=f"chmod 600 {path}"):
        _ = FileRing(tmp_path / "ring").newest
    path.chmod(0o600)
    (tmp_path / "ring").chmod(0o750)
    with pytest.raises(BadRingFileError, match="chmod 700"):
        _ = FileRing(tmp_path / "ring").newest
    assert ring.exists()


def test_a_file_that_holds_no_key_is_refused_and_not_printed(ring: FileRing, tmp_path: Path) -> None:
    path = key_files(tmp_path)[0]
    secret = path.read_text().split()[-1]
    path.write_text(path.read_text().replace(secret, secret[:-8] + "AAAAAAA="))
    with pytest.raises(BadRingFileError) as caught:
        _ = FileRing(tmp_path / "ring").newest
    assert secret[:8] not in str(caught.value)
    assert ring.exists()


def test_a_ring_without_its_files_says_what_to_do(ring: FileRing, tmp_path: Path) -> None:
    (tmp_path / "ring" / "search.key").unlink()
    with pytest.raises(BadRingFileError, match=r"search\.key is not there"):
        FileRing(tmp_path / "ring").digest("sighting", b"x")
    key_files(tmp_path)[0].unlink()
    with pytest.raises(BadRingFileError, match="ring make"):
        _ = ring.newest
    with pytest.raises(BadRingFileError, match="ring make"):
        _ = FileRing(tmp_path / "nowhere").newest
