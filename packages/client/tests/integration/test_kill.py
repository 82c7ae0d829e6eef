"""kill -9 at any moment: no verified entry is lost, nothing is fetched twice, nothing unverified is ever in force."""

from __future__ import annotations

import hashlib
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from staydown_client.folder import make_folder
from staydown_client.log.compact_range import CompactRange
from staydown_client.sync import CaughtUp, opened
from staydown_client.view import ListView

from packages.client.tests.conftest import (
    KEY,
    LIST,
    Body,
    Handler,
    LoopbackHub,
    Told,
    admit,
    amend,
    exact,
    item_id,
    near,
    withdraw,
)
from packages.client.tests.hostile_hub import BUNDLE, FEED, entries_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    from staydown_client.folder import Folder

BURST = 6
ROUNDS_LIVE = 90
ROUNDS_FIRST = 60
ROUNDS_MERGING = 50
ROUNDS_LIVE_MERGING = 14
NO_HASHES = np.zeros((0, 32), np.uint8)
FORGED = "f0" * 32


def entry_at(position: int) -> Body:
    """Return the entry at a position of an endless list: of every five, one amends and one withdraws the last item."""
    turn, item = position % 5, position - position % 5 + min(position % 5, 2)
    digest = digest_at(position).hex()
    if turn == 3:
        return amend(item, exact(digest), near(digest))
    if turn == 4:
        return withdraw(item)
    return admit(position, exact(digest), near(digest))


def digest_at(position: int) -> bytes:
    return hashlib.sha256(b"%d" % position).digest()


def in_force_after(size: int) -> dict[int, int]:
    """Return by the position whose digest is in force that of its item's admission: worked out simply."""
    found = {n: n for n in range(size) if n % 5 < 3}
    for position in range(3, size, 5):
        del found[position - 1]
        if position + 1 >= size:
            found[position] = position - 1
    return found


def grow_with_redactions(hub: LoopbackHub, count: int) -> None:
    """Add entries to an endless list: of seven, one amends and one withdraws the third, and one redacts."""
    with hub.changed:
        for position in range(hub.log.size, hub.log.size + count):
            operation, item = with_redactions(position)
            digest = digest_at(position).hex()
            if operation == "redact":
                hub.log.redact(item_id(item), item)
            elif operation == "withdraw":
                hub.log.append(withdraw(item))
            else:
                make = admit if operation == "admit" else amend
                hub.log.append(make(item, exact(digest), near(digest)))
        hub.changed.notify_all()


def with_redactions(position: int) -> tuple[str, int]:
    """Return what is done at a position of that list, and to which item; an item bears its admission's position."""
    start, turn = position - position % 7, position % 7
    if turn in {3, 4}:
        return ("amend", "withdraw")[turn - 3], start + 2
    if turn == 6:
        return "redact", start + (1 if start % 2 else 5)
    return "admit", position


def in_force_with_redactions(size: int) -> dict[int, int]:
    """Return for that list what `in_force_after` does for the other."""
    content: dict[int, int] = {}
    for position in range(size):
        operation, item = with_redactions(position)
        if operation in {"admit", "amend"}:
            content[item] = position
        else:
            del content[item]
    return {position: item for item, position in content.items()}


def assert_sound(
    folder: Folder, hub: LoopbackHub, *, at_least: int, in_force: Callable[[int], dict[int, int]] = in_force_after
) -> int:
    """Fail unless the folder holds a verified state, whole, no older than `at_least`; return its position."""
    with closing(sqlite3.connect(folder.store_path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        size, tree = connection.execute("SELECT size, tree FROM state").fetchone()
    assert size - 1 >= at_least
    assert CompactRange.from_bytes(tree).root() == hub.log.root(size)
    digests = [*map(digest_at, range(size + 50)), bytes.fromhex(FORGED)]
    view = ListView(folder.store_path, list_name=LIST)
    try:
        looked = view.look_up([("sha256", digest) for digest in digests], NO_HASHES)
        near_hits = view.look_up([], np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32), max_distance_bits=0)
    finally:
        view.close()
    assert looked.position == size - 1
    assert {row: hit.position for row, hit in looked.exact_hits} == in_force(size)
    assert {row: hit.position for row, hit in near_hits.near_hits} == in_force(size)
    return int(size) - 1


class Killer:
    """Starts syncing processes and kills them."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        assert server.stdin is not None
        assert server.stdout is not None
        self._said = server.stdout
        self._asked = server.stdin
        self._child: int | None = None

    def kill(self, how: str, folder: Folder, *, after_s: float | None) -> int:
        """Let one sync for a while (None: until it says that it applied something), kill it, and return its last word.

        That is the last position that it said it had applied, -1 for none.
        """
        self._asked.write(f"{how} {folder.path}\n")
        self._asked.flush()
        self._child = child = int(self._said.readline().removeprefix("child "))
        told = -1
        if after_s is None:
            told = int(self._said.readline().removeprefix("at "))
        else:
            time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
        while (line := self._said.readline()) != "ended\n":
            assert line
            told = int(line.removeprefix("at "))
        self._child = None
        return told

    def end(self) -> None:
        """Leave nothing behind when a test breaks off."""
        if self._child is not None:
            os.kill(self._child, signal.SIGKILL)

    def pace_s(self, how: str, folder: Folder) -> float:
        """Return how long a sync of a new folder like this one takes here and now: kills are spread over twice that."""
        other = make_folder(folder.path.with_name("pace"), settings=folder.settings, key=KEY)
        began = time.monotonic()
        self.kill(how, other, after_s=None)
        return time.monotonic() - began


@contextmanager
def killing(*, base_from: int, merge_from: int, confirm_interval_s: float = 5.0) -> Iterator[Killer]:
    script = Path(__file__).parents[1] / "fork_server.py"
    with subprocess.Popen(
        [sys.executable, script, str(base_from), str(merge_from), str(confirm_interval_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        killer = Killer(server)
        try:
            yield killer
        finally:
            killer.end()


def catch_up(folder: Folder) -> list[object]:
    told = Told()
    with opened(folder) as syncing:
        syncing.catch_up(told)
    return told.progress


def forge(handler: Handler) -> None:
    """Push an entry that is on no list that was signed."""
    log = handler.server.log.fork(size=handler.server.log.size)
    size = log.size
    log.append(admit(1_000_000, exact(FORGED), near(FORGED)))
    handler.begin_chunks("text/event-stream")
    handler.chunk(entries_event(log, size, size + 1, handler.server.log.checkpoint(size)))


def test_kill_9_while_following_loses_nothing_and_lets_nothing_forged_in(folder: Folder, hub: LoopbackHub) -> None:
    moments = random.Random(5)  # noqa: S311 - the same moments on every run
    events = f"{FEED}events"
    bursts: queue.Queue[int] = queue.Queue()

    def publish() -> None:
        while bursts.get():
            start = hub.log.size
            hub.publish(*(entry_at(n) for n in range(start, start + BURST)))
            time.sleep(pace_s / 2)

    publisher = threading.Thread(target=publish)
    reached = -1
    with killing(base_from=10**9, merge_from=10**9) as killer:
        pace_s = killer.pace_s("follow", folder)
        publisher.start()
        try:
            for round_ in range(ROUNDS_LIVE):
                bursts.put(BURST)
                hub.answers.pop(events, None)
                if round_ % 5 == 0:
                    hub.answers[events] = forge
                told = killer.kill("follow", folder, after_s=moments.uniform(0.0, 1.5 * pace_s))
                reached = assert_sound(folder, hub, at_least=max(told, reached))
        finally:
            bursts.put(0)
            publisher.join()
    hub.answers.clear()
    assert reached > BURST
    assert catch_up(folder) == [CaughtUp(hub.log.size - 1, hub.log.size - 1 - reached)]
    assert_sound(folder, hub, at_least=hub.log.size - 1)


def test_kill_9_during_the_first_sync_leaves_all_or_nothing_and_no_bundle_comes_twice(
    folder: Folder, hub: LoopbackHub
) -> None:
    moments = random.Random(6)  # noqa: S311 - the same moments on every run
    hub.publish(*(entry_at(n) for n in range(2 * BUNDLE + 10)))
    whole = hub.log.size - 1
    kept: set[str] = set()
    with killing(base_from=100, merge_from=10**9) as killer:
        pace_s = killer.pace_s("follow", folder)
        for _ in range(ROUNDS_FIRST):
            asked = len(hub.requests)
            killer.kill("follow", folder, after_s=moments.uniform(0.0, pace_s))
            assert position_of(folder) in {-1, whole}
            again = {Path(path).name for path in hub.paths()[asked:] if path.startswith(f"{FEED}bundle")}
            assert not again & kept
            kept |= {f"{int(each.stem):03d}" for each in (folder.path / "incoming").glob("*.sdb")}
    catch_up(folder)
    assert_sound(folder, hub, at_least=whole)


def position_of(folder: Folder) -> int:
    with closing(sqlite3.connect(folder.store_path)) as connection:
        size: int = connection.execute("SELECT size FROM state").fetchone()[0]
    return size - 1


def test_kill_9_while_bases_are_merged_loses_nothing(folder: Folder, hub: LoopbackHub) -> None:
    moments = random.Random(7)  # noqa: S311 - the same moments on every run
    reached = -1
    with killing(base_from=50, merge_from=0) as killer:
        pace_s = killer.pace_s("catch-up", folder)
        for _ in range(ROUNDS_MERGING):
            start = hub.log.size
            hub.publish(*(entry_at(n) for n in range(start, start + 2 * BURST)))
            told = killer.kill("catch-up", folder, after_s=moments.uniform(0.0, 1.5 * pace_s))
            reached = assert_sound(folder, hub, at_least=max(told, reached))
    catch_up(folder)
    assert_sound(folder, hub, at_least=hub.log.size - 1)
    assert any(folder.path.glob("base-*"))


def test_kill_9_while_following_what_is_redacted_and_merged_beside_loses_nothing(
    folder: Folder, hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packages.client.tests.conftest.HEARTBEAT_INTERVAL_S", 0.01)
    moments = random.Random(8)  # noqa: S311 - the same moments on every run
    grow_with_redactions(hub, 70)
    reached, bases = -1, set()
    with killing(base_from=50, merge_from=0, confirm_interval_s=0.0) as killer:
        pace_s = killer.pace_s("follow", folder)
        for _ in range(ROUNDS_LIVE_MERGING):
            growing = threading.Timer(moments.uniform(0.0, 1.5 * pace_s), grow_with_redactions, (hub, 2 * BURST))
            growing.start()
            told = killer.kill("follow", folder, after_s=moments.uniform(0.0, 2.5 * pace_s))
            growing.join()
            reached = assert_sound(folder, hub, at_least=max(told, reached), in_force=in_force_with_redactions)
            bases.add(base_of(folder))
    catch_up(folder)
    assert_sound(folder, hub, at_least=hub.log.size - 1, in_force=in_force_with_redactions)
    assert len(bases) > ROUNDS_LIVE_MERGING / 8


def base_of(folder: Folder) -> str | None:
    with closing(sqlite3.connect(folder.store_path)) as connection:
        name: str | None = connection.execute("SELECT base FROM state").fetchone()[0]
    return name
