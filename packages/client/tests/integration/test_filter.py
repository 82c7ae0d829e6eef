"""The filter on real photographs: what it stops, what it lets through, and that it never fails open."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageOps
from staydown_client import Filter, Policy
from staydown_client.clock import Moment, moment_now
from staydown_client.errors import FolderError
from staydown_client.folder import Folder, Settings, make_folder
from staydown_client.store_writer import StoreWriter
from staydown_client.sync import opened
from staydown_match import fingerprint_bytes

from packages.client.tests.conftest import (
    KEY,
    LIST,
    Body,
    LoopbackHub,
    Told,
    admit,
    amend,
    apply_to,
    copy_of,
    exact,
    flat_picture,
    near,
    photograph,
    wire,
    withdraw,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

UNRELATED = ("coffee.png", "rocket.jpg", "camera.png", "astronaut.png", "coins.png", "china.jpg", "flower.jpg")


class List:
    """Plays the syncing process: applies entries to the folder's store, as if they had been verified."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.path = folder.path

    def apply(self, *bodies: Body, age_s: float = 0.0) -> None:
        now = moment_now()
        confirmed = Moment(now.wall_s - age_s, now.since_boot_s - age_s, now.boot)
        with StoreWriter(self.folder.store_path, list_name=LIST) as store:
            apply_to(store, *bodies, confirmed=confirmed)


@pytest.fixture
def listed(tmp_path: Path) -> List:
    settings = Settings(hub="https://hub.example", list=LIST)
    return List(make_folder(tmp_path / "filter", settings=settings, key=KEY))


def test_the_same_file_is_blocked_by_its_exact_fingerprints(listed: List, cat: Path, cat_wire: list[Body]) -> None:
    listed.apply(admit(1, *cat_wire))
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(cat)
        assert opened_filter.check(cat.read_bytes()).action == "block"
        assert opened_filter.check(memoryview(cat.read_bytes())).action == "block"
    assert verdict.action == "block"
    [reason] = verdict.reasons
    assert (reason.list, reason.position, reason.categories) == (LIST, 0, ("A1",))
    assert reason.algorithm in {"md5", "sha1", "sha256"}
    assert reason.distance_bits == 0


def test_a_smaller_copy_in_another_format_is_blocked_and_photographs_of_other_things_pass(
    listed: List, cat: Path, cat_pdq: list[Body]
) -> None:
    listed.apply(admit(1, *cat_pdq))
    with Filter.open(str(listed.path)) as opened_filter:
        verdict = opened_filter.check(copy_of(cat))
        others = {name: opened_filter.check(photograph(name)).action for name in UNRELATED}
    assert verdict.action == "block"
    assert verdict.reasons[0].algorithm == "pdq"
    assert 0 < verdict.reasons[0].distance_bits <= 31
    assert others == dict.fromkeys(UNRELATED, "allow")


@pytest.mark.parametrize("change", ["mirrored", "turned", "inverted", "framed"])
def test_a_copy_that_was_turned_mirrored_inverted_or_framed_is_blocked(
    listed: List, cat: Path, cat_pdq: list[Body], tmp_path: Path, change: str
) -> None:
    listed.apply(admit(1, *cat_pdq))
    changed = tmp_path / f"{change}.jpg"
    with Image.open(cat) as opened:
        picture = opened.convert("RGB")
    changes: dict[str, Callable[[Image.Image], Image.Image]] = {
        "mirrored": ImageOps.mirror,
        "turned": lambda whole: whole.transpose(Image.Transpose.ROTATE_90),
        "inverted": ImageOps.invert,
        "framed": lambda whole: ImageOps.expand(whole, border=40, fill="black"),
    }
    changes[change](picture).save(changed, quality=85)
    with Filter.open(listed.path) as opened_filter:
        assert opened_filter.check(changed).action == "block"


def test_the_policy_bounds_how_far_a_near_match_reaches(listed: List, cat: Path, cat_pdq: list[Body]) -> None:
    bits = bytearray.fromhex(cat_pdq[0]["value"])
    bits[0] ^= 0xFF
    bits[1] ^= 0x0F
    listed.apply(admit(1, near(bits.hex())))
    for max_distance_bits, action in ((31, "block"), (12, "block"), (11, "allow")):
        with Filter.open(listed.path, policy=Policy(max_distance_bits=max_distance_bits)) as opened_filter:
            assert opened_filter.check(cat).action == action


def test_exactly_31_bits_is_a_match_and_32_is_none(listed: List, cat: Path, cat_pdq: list[Body]) -> None:
    def flipped(count: int) -> str:
        return (int(cat_pdq[0]["value"], 16) ^ ((1 << count) - 1)).to_bytes(32, "big").hex()

    listed.apply(admit(1, near(flipped(32))))
    with Filter.open(listed.path) as opened_filter:
        assert opened_filter.check(cat).action == "allow"
        listed.apply(admit(2, near(flipped(31))))
        verdict = opened_filter.check(cat)
    assert [(reason.position, reason.distance_bits) for reason in verdict.reasons] == [(1, 31)]


def test_a_poor_hash_on_the_list_matches_nothing_near(listed: List, cat: Path, cat_pdq: list[Body]) -> None:
    listed.apply(admit(1, {**cat_pdq[0], "quality": 49}))
    with Filter.open(listed.path) as opened_filter:
        assert opened_filter.check(cat).action == "allow"


def test_a_poor_hash_of_an_upload_matches_nothing_near(listed: List) -> None:
    flat = flat_picture()
    [poor] = fingerprint_bytes(flat).pdq
    assert poor.quality < 50
    listed.apply(admit(1, near(poor.bits.hex(), 100)))
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(flat)
    assert (verdict.action, verdict.reasons) == ("unchecked", ())


def test_a_picture_with_nothing_in_it_is_unchecked_but_its_exact_fingerprints_count(listed: List) -> None:
    flat = flat_picture()
    listed.apply(admit(1))
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(flat)
        assert (verdict.action, [problem.code for problem in verdict.problems]) == ("unchecked", ["featureless"])
        listed.apply(admit(2, *wire(fingerprint_bytes(flat))))
        assert opened_filter.check(flat).action == "block"


def test_a_folder_that_was_never_synced_leaves_everything_unchecked(listed: List, cat: Path) -> None:
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(cat)
    assert (verdict.action, verdict.list_position, verdict.list_age_s) == ("unchecked", None, None)
    assert [problem.code for problem in verdict.problems] == ["never_synced"]


def test_an_empty_list_that_was_received_allows(listed: List, cat: Path) -> None:
    listed.apply()
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(cat)
    assert (verdict.action, verdict.list_position) == ("allow", -1)


def test_the_verdict_says_how_old_the_list_is_and_the_policy_may_refuse_an_old_one(listed: List, cat: Path) -> None:
    listed.apply(admit(1), age_s=7200)
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(cat)
    assert verdict.action == "allow"
    assert verdict.list_age_s == pytest.approx(7200, abs=60)
    with Filter.open(listed.path, policy=Policy(max_list_age_s=3600)) as opened_filter:
        assert opened_filter.check(cat).action == "unchecked"


def test_a_confirmation_from_the_future_is_not_taken_for_a_fresh_one(listed: List, cat: Path) -> None:
    for ahead_s in (7200, 60):
        listed.apply(age_s=-ahead_s)
        with Filter.open(listed.path, policy=Policy(max_list_age_s=3600)) as opened_filter:
            assert opened_filter.check(cat).action == "unchecked"


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty"), (b"plain text, no picture", "unsupported"), (None, "truncated")]
)
def test_what_cannot_be_decoded_is_unchecked_until_its_exact_fingerprint_is_listed(
    listed: List, cat: Path, data: bytes | None, code: str
) -> None:
    broken = cat.read_bytes()[:20_000] if data is None else data
    listed.apply(admit(1))
    with Filter.open(listed.path) as opened_filter:
        verdict = opened_filter.check(broken)
        assert verdict.action == "unchecked"
        assert code in [problem.code for problem in verdict.problems]
        listed.apply(admit(2, exact(fingerprint_bytes(broken).sha256)))
        assert opened_filter.check(broken).action == "block"


def test_a_path_that_cannot_be_read_is_an_exception(listed: List, tmp_path: Path) -> None:
    listed.apply()
    with Filter.open(listed.path) as opened_filter:
        with pytest.raises(FileNotFoundError):
            opened_filter.check(tmp_path / "missing")
        with pytest.raises(IsADirectoryError):
            opened_filter.check(tmp_path)


def test_what_another_process_applies_counts_at_the_next_check(
    listed: List, cat: Path, cat_pdq: list[Body], cat_wire: list[Body]
) -> None:
    listed.apply()
    copy = copy_of(cat)
    with Filter.open(listed.path) as opened_filter:
        assert opened_filter.check(copy).action == "allow"
        listed.apply(admit(1, *cat_pdq))
        assert opened_filter.check(copy).action == "block"
        listed.apply(withdraw(1))
        assert opened_filter.check(copy).action == "allow"
        listed.apply(admit(1, exact("ab" * 32)))
        assert opened_filter.check(copy).action == "allow"
        listed.apply(amend(1, *cat_wire))
        verdict = opened_filter.check(copy)
        assert (verdict.action, verdict.reasons[0].position, verdict.list_position) == ("block", 2, 3)
        listed.apply(amend(1, exact("ab" * 32)))
        assert opened_filter.check(copy).action == "allow"


def test_a_filter_opened_anew_holds_the_same(listed: List, cat: Path, cat_pdq: list[Body]) -> None:
    listed.apply(admit(1, *cat_pdq), admit(2, *cat_pdq), withdraw(1))
    with Filter.open(listed.path) as opened_filter:
        assert [reason.position for reason in opened_filter.check(copy_of(cat)).reasons] == [1]


def test_a_store_that_was_replaced_is_followed(listed: List, tmp_path: Path, cat: Path, cat_wire: list[Body]) -> None:
    listed.apply(admit(1, *cat_wire))
    settings = Settings(hub="https://hub.example", list=LIST)
    other = List(make_folder(tmp_path / "other", settings=settings, key=KEY))
    other.apply()
    with Filter.open(listed.path) as opened_filter:
        assert opened_filter.check(cat).action == "block"
        other.folder.store_path.rename(listed.folder.store_path)
        assert opened_filter.check(cat).action == "allow"


def test_a_store_that_went_away_or_is_damaged_leaves_everything_unchecked(listed: List, cat: Path) -> None:
    listed.apply()
    with Filter.open(listed.path) as opened_filter:
        assert opened_filter.check(cat).action == "allow"
        listed.folder.store_path.unlink()
        verdict = opened_filter.check(cat)
        assert (verdict.action, verdict.problems[0].code) == ("unchecked", "list_unreadable")
        listed.folder.store_path.write_bytes(b"not a database" * 500)
        assert opened_filter.check(cat).action == "unchecked"
    with pytest.raises(FolderError, match="staydown filter init"):
        Filter.open(listed.path)


def test_a_folder_whose_settings_name_another_list_is_refused(listed: List) -> None:
    settings = listed.path / "filter.toml"
    settings.write_text(settings.read_text().replace('list = "national"', 'list = "regional"'))
    with pytest.raises(FolderError, match="holds the list national"):
        Filter.open(listed.path)


def test_a_closed_filter_leaves_everything_unchecked(listed: List, cat: Path) -> None:
    listed.apply()
    opened_filter = Filter.open(listed.path)
    opened_filter.close()
    assert opened_filter.check(cat).action == "unchecked"


def test_a_reader_is_not_blocked_by_a_writer_in_the_middle_of_a_batch(
    listed: List, cat: Path, cat_wire: list[Body]
) -> None:
    listed.apply(admit(1, *cat_wire))
    writer = sqlite3.connect(listed.folder.store_path, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM item")
        began = time.monotonic()
        with Filter.open(listed.path) as opened_filter:
            assert opened_filter.check(cat).action == "block"
        assert time.monotonic() - began < 5
    finally:
        writer.execute("ROLLBACK")
        writer.close()


def test_many_threads_share_one_filter_while_the_list_changes(listed: List, cat: Path, cat_pdq: list[Body]) -> None:
    listed.apply(admit(0, *cat_pdq))
    copy, other = copy_of(cat, scale=0.3), copy_of(photograph("coffee.png"), scale=0.2)
    done = threading.Event()
    results: list[tuple[str, str]] = []

    def change() -> None:
        # One item always holds the cat: a check between any two commits must block it.
        number = 0
        while len(results) <= 20:
            number += 1
            listed.apply(admit(number, *cat_pdq), withdraw(number - 1))
        done.set()

    with Filter.open(listed.path) as opened_filter, ThreadPoolExecutor(5) as pool:

        def check() -> None:
            while not done.is_set():
                results.append((opened_filter.check(copy).action, opened_filter.check(other).action))

        checks = [pool.submit(check) for _ in range(4)]
        pool.submit(change).result()
        for check_ in checks:
            check_.result()
    assert set(results) == {("block", "allow")}


def test_a_forked_worker_goes_on_with_its_own_view(listed: List, cat: Path, cat_wire: list[Body]) -> None:
    """A platform's server opens the filter and forks its workers: each sees what is applied later."""
    listed.apply()
    code = """
import os, sys
from staydown_client import Filter
opened = Filter.open(sys.argv[1])
print(opened.check(sys.argv[2]).action, flush=True)
with opened._view._lock:  # as a thread of the parent may at that moment
    child = os.fork()
    if child == 0:
        sys.stdin.readline()
        print(opened.check(sys.argv[2]).action, flush=True)
        os._exit(0)
os.waitpid(child, 0)
print(opened.check(sys.argv[2]).action, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(listed.path), str(cat)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "allow\n"
        listed.apply(admit(1, *cat_wire))
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.read() == "block\nblock\n"
    assert process.returncode == 0


def test_an_entry_that_arrives_live_counts_at_the_next_check(
    folder: Folder, hub: LoopbackHub, cat: Path, cat_pdq: list[Body]
) -> None:
    copy = copy_of(cat)
    with Filter.open(folder.path) as opened_filter:
        with opened(folder) as syncing:
            syncing.catch_up(Told())
        assert opened_filter.check(copy).action == "allow"
        with opened_filter.follow() as following:
            assert following.wait_until_caught_up(timeout_s=10)
            hub.publish(admit(1, *cat_pdq))
            deadline = time.monotonic() + 10
            while opened_filter.check(copy).action != "block":
                assert time.monotonic() < deadline
