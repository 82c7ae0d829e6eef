"""What a platform decides for itself: at once in force in every process, never lost, never silently dropped."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from staydown_client.errors import BadValueError, FolderError
from staydown_client.judge import Judge
from staydown_client.local.outbox import waiting_matches
from staydown_client.verdict import Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def stopped(*positions: int) -> Verdict:
    reasons = tuple(Reason("national", position, ("A1",), "pdq", 7) for position in positions)
    return Verdict("block", reasons, (), 9, 0.0)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "filter.toml"
    path.write_text("[flood]\nmin_matches = 10\nshare = 0.2\n")
    return path


@pytest.fixture
def judge(settings: Path) -> Iterator[Judge]:
    opened = Judge(settings)
    yield opened
    opened.close()


@pytest.fixture
def other(settings: Path) -> Iterator[Judge]:
    """Yield what another process on the same folder has."""
    opened = Judge(settings)
    yield opened
    opened.close()


def look(judge: Judge, *, uploads: int, matching: int, position: int = 4) -> None:
    for _ in range(matching):
        judge.saw(1)
        judge.record([(stopped(position), None)])
    judge.saw(uploads - matching)
    judge.record(())


def test_a_silenced_entry_is_silenced_everywhere_at_once(judge: Judge, other: Judge) -> None:
    assert judge.silence(3, reason="our own logo")
    assert not judge.silence(3, reason="again")
    assert judge.stance().silenced == other.stance().silenced == {3}
    [entry] = other.status().silenced
    assert (entry.position, entry.reason, entry.dispute) == (3, "our own logo", "waiting")
    assert other.unsilence(3)
    assert not judge.unsilence(3)
    assert judge.stance().silenced == frozenset()


@pytest.mark.parametrize(("position", "reason"), [(-1, "x"), (3, " "), (3, "x" * 1001), (2**41, "x")])
def test_what_cannot_be_a_dispute_is_refused(judge: Judge, position: int, reason: str) -> None:
    with pytest.raises(BadValueError, match=r"position|reason"):
        judge.silence(position, reason=reason)
    assert judge.status().silenced == ()


def test_an_entry_that_matches_a_great_share_is_held_in_every_process_and_raised(
    judge: Judge, other: Judge, caplog: pytest.LogCaptureFixture
) -> None:
    look(other, uploads=40, matching=0)
    with caplog.at_level(logging.WARNING, "staydown_client"):
        look(judge, uploads=9, matching=9)
        assert other.stance().flooding == frozenset()  # nine are too few to tell
        look(judge, uploads=2, matching=2)
    assert judge.stance().flooding == other.stance().flooding == {4}
    [record] = caplog.records
    assert record.getMessage().startswith("Position 4 matched 11 of 51 uploads and is held")
    [flood] = other.status().floods
    assert (flood.position, flood.until) == (4, None)


def test_an_entry_that_matches_a_small_share_is_believed(judge: Judge) -> None:
    look(judge, uploads=1000, matching=0)
    look(judge, uploads=20, matching=20)
    assert judge.stance().flooding == frozenset()


def test_a_flood_is_reset_by_hand_and_begins_anew(judge: Judge, other: Judge) -> None:
    look(judge, uploads=12, matching=12)
    assert other.reset_flood(5) == 0
    assert other.reset_flood(4) == 1
    assert judge.stance().flooding == frozenset()
    look(judge, uploads=3, matching=3)
    assert judge.stance().flooding == frozenset()  # not ten yet since the reset
    look(judge, uploads=12, matching=12)
    assert judge.stance().flooding == {4}
    assert judge.reset_flood() == 1


def test_a_flood_ends_by_itself_where_the_settings_say_so(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write_text("[flood]\nmin_matches = 5\nhold_for_s = 100\nwindow_s = 10")
    now = 1_000_000.0
    monkeypatch.setattr("staydown_client.judge.time.time", lambda: now)
    judge = Judge(settings)
    look(judge, uploads=6, matching=6)
    assert judge.stance().flooding == {4}
    now += 99
    assert judge.stance().flooding == {4}
    now += 2
    assert judge.stance().flooding == frozenset()
    look(judge, uploads=4, matching=4)
    assert judge.stance().flooding == frozenset()  # what was counted then lies outside the window
    look(judge, uploads=2, matching=2)
    assert judge.stance().flooding == {4}
    now -= 5000  # a clock that is set back
    look(judge, uploads=100, matching=1, position=6)
    assert 6 not in judge.stance().flooding
    judge.close()


def test_the_breaker_can_be_switched_off(settings: Path) -> None:
    settings.write_text("[flood]\nmin_matches = 1\nenabled = false")
    judge = Judge(settings)
    look(judge, uploads=50, matching=50)
    assert judge.stance().flooding == frozenset()
    judge.close()


def test_each_reason_of_a_verdict_is_a_match_with_the_platforms_reference(judge: Judge) -> None:
    judge.record([(stopped(1, 2), "upload-7"), (stopped(1), None)])
    with judge._store.reading() as connection:
        found = waiting_matches(connection)
    assert [(match.position, match.distance_bits, match.reference) for match in found] == [
        (1, 7, "upload-7"),
        (2, 7, "upload-7"),
        (1, 7, None),
    ]
    assert len({match.id for match in found}) == 3
    body = found[0].as_json("national")
    assert body.keys() == {"id", "list", "position", "distance_bits", "algorithm", "at", "reference"}
    assert "reference" not in found[2].as_json("national")


def test_what_is_reported_of_a_match_is_the_platforms_choice(settings: Path) -> None:
    settings.write_text("[matches]\nreference = false\ntime_step_s = 3600")
    judge = Judge(settings)
    judge.record([(stopped(1), "upload-7")])
    with judge._store.reading() as connection:
        [match] = waiting_matches(connection)
    assert match.reference is None
    assert match.at.endswith(":00:00.000000Z")
    judge.close()
    settings.write_text("[matches]\nreport = false")
    silent = Judge(settings)
    silent.record([(stopped(1), "upload-7")])
    with silent._store.reading() as connection:
        assert waiting_matches(connection) == [match]
    silent.close()


def test_a_full_queue_keeps_the_oldest_and_counts_the_rest(settings: Path) -> None:
    settings.write_text("[matches]\nmax_waiting = 3")
    judge = Judge(settings)
    judge.record([(stopped(1, 2), None)])
    judge.record([(stopped(3, 4), None), (stopped(5), None)])
    with judge._store.reading() as connection:
        assert [match.position for match in waiting_matches(connection)] == [1, 2, 3]
    found = judge.status().outbox
    assert found is not None
    assert (found.waiting, found.dropped) == (3, 2)
    judge.close()


def test_a_disk_that_takes_no_more_changes_no_verdict_and_is_told(
    judge: Judge, settings: Path, caplog: pytest.LogCaptureFixture
) -> None:
    judge.silence(8, reason="ours")
    judge.stance()
    blocker = sqlite3.connect(settings.with_name("local.sqlite"), isolation_level=None)
    judge._store._writer.execute("PRAGMA busy_timeout = 1")
    blocker.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.ERROR, "staydown_client"):
        judge.record([(stopped(1, 2), None)])
    assert judge.stance().silenced == {8}
    assert judge.status().unrecorded == 2
    assert len(caplog.records) == 1
    blocker.execute("ROLLBACK")
    blocker.close()


def test_a_process_that_comes_and_goes_leaves_the_others_what_they_share(judge: Judge, settings: Path) -> None:
    """SQLite's locks are the process's: one that lost them would go on with a log that the other deleted."""
    judge.silence(1, reason="before")
    code = """
import sys, pathlib
from staydown_client.judge import Judge
judge = Judge(pathlib.Path(sys.argv[1]))
judge.silence(int(sys.argv[2]), reason="from outside")
judge.close()
"""
    for position in (2, 3, 4):
        subprocess.run([sys.executable, "-c", code, str(settings), str(position)], check=True)
        assert judge.stance().silenced == set(range(1, position + 1))
        judge.record([(stopped(position), None)])
    assert settings.with_name("local.sqlite-wal").exists()


def test_a_full_disk_changes_no_verdict_and_counts_go_on_when_there_is_room(judge: Judge) -> None:
    judge.silence(8, reason="ours")
    pages = judge._store._writer.execute("PRAGMA page_count").fetchone()[0]
    judge._store._writer.execute(f"PRAGMA max_page_count = {pages}")
    for _ in range(200):
        judge.record([(stopped(1), "x" * 200)])
    found = judge.status()
    assert found.outbox is not None
    assert found.unrecorded > 0
    assert found.unrecorded + found.outbox.waiting == 200
    assert judge.stance().silenced == {8}
    judge._store._writer.execute("PRAGMA max_page_count = 1000000")
    judge.record([(stopped(1), None)])
    assert judge.status().local_problem is None
    assert judge.status().unrecorded == found.unrecorded


def test_another_versions_file_is_refused(settings: Path) -> None:
    with sqlite3.connect(settings.with_name("local.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(FolderError, match="another version"):
        Judge(settings)


def test_kill_9_loses_no_match_that_was_recorded(settings: Path) -> None:
    code = """
import sys, pathlib
from staydown_client.judge import Judge
from staydown_client.verdict import Reason, Verdict
judge = Judge(pathlib.Path(sys.argv[1]))
for number in range(10**9):
    judge.record([(Verdict("block", (Reason("national", number, (), "pdq", 1),), (), 9, 0.0), None)])
    print(number, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(settings)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(60):
            last = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().split()
    last = int(rest[-1]) if rest else last
    judge = Judge(settings)
    with judge._store.reading() as connection:
        found = [match.position for match in waiting_matches(connection, limit=10**6)]
    judge.close()
    assert found[: last + 1] == list(range(last + 1))
    assert len(found) <= last + 2


def test_a_forked_child_records_beside_its_parent(settings: Path) -> None:
    code = """
import os, sys, pathlib
from staydown_client.judge import Judge
from staydown_client.verdict import Reason, Verdict
judge = Judge(pathlib.Path(sys.argv[1]))
with judge._store._read_lock, judge._store._write_lock:  # as threads of the parent may at that moment
    child = os.fork()
    if child == 0:
        judge.silence(5, reason="ours")
        judge.record([(Verdict("block", (Reason("national", 1, (), "pdq", 1),), (), 9, 0.0), None)])
        os._exit(0)
assert os.waitpid(child, 0)[1] == 0
judge.record([(Verdict("block", (Reason("national", 2, (), "pdq", 1),), (), 9, 0.0), None)])
print(judge.stance().silenced == {5}, judge.status().outbox.waiting)
"""
    done = subprocess.run([sys.executable, "-c", code, str(settings)], capture_output=True, text=True, check=True)
    assert done.stdout == "True 2\n"
