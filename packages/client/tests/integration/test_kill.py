"""kill -9 at any moment: no applied entry is lost, and the folder stays readable."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

from staydown_client.sync import CaughtUp, opened

from packages.client.tests.conftest import Body, LoopbackHub, Told, admit, amend, item_id, near, withdraw

if TYPE_CHECKING:
    from staydown_client.folder import Folder

ROUNDS = 30
BURST = 12


def entry_at(position: int) -> Body:
    """Return the entry at a position of an endless list: of every five, one amends and one withdraws the last item."""
    turn, item = position % 5, position - position % 5 + min(position % 5, 2)
    if turn == 3:
        return amend(item, near(f"{position:064x}"))
    if turn == 4:
        return withdraw(item)
    return admit(position, near(f"{position:064x}"))


def state_after(position: int) -> set[tuple[str, str]]:
    """Return the items in force after a position, each with its hash: what the entries say, worked out simply."""
    in_force: dict[str, str] = {}
    for number in range(position + 1):
        entry = entry_at(number)
        if entry["operation"] == "withdraw":
            del in_force[entry["item"]]
        else:
            in_force[entry["item"]] = entry["fingerprints"][0]["value"]
    return set(in_force.items())


def follow(folder: Folder) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "staydown_client.cli.main", "filter", "sync", str(folder.path), "--follow", "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )


def last_told(output: IO[str]) -> int:
    """Return the last position that the process said it had applied; a line cut off by the kill says nothing."""
    position = -1
    for line in output:
        if line.endswith("\n"):
            position = int(json.loads(line)["position"])
    return position


def stored(folder: Folder) -> tuple[int, set[tuple[str, str]]]:
    connection = sqlite3.connect(folder.store_path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        [(position,)] = connection.execute("SELECT position FROM state").fetchall()
        rows = connection.execute("SELECT uuid, bits FROM item JOIN pdq ON item = id").fetchall()
    finally:
        connection.close()
    return position, {(item_id(int.from_bytes(uuid, "big")), bits.hex()) for uuid, bits in rows}


def test_kill_9_loses_no_applied_entry_and_leaves_the_store_readable(folder: Folder, hub: LoopbackHub) -> None:
    moments = random.Random(5)  # noqa: S311 - the same moments on every run
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            start = len(hub.entries)
            hub.publish(*(entry_at(n) for n in range(start, start + BURST)))
            time.sleep(0.01)

    publisher = threading.Thread(target=publish)
    publisher.start()
    reached = -1
    try:
        for _ in range(ROUNDS):
            with follow(folder) as process:
                assert process.stdout is not None
                first = process.stdout.readline()
                time.sleep(moments.uniform(0.0, 0.15))
                process.send_signal(signal.SIGKILL)
                told = max(last_told(process.stdout), int(json.loads(first)["position"]))
            position, items = stored(folder)
            assert process.returncode == -signal.SIGKILL
            assert position >= max(told, reached)
            assert items == state_after(position)
            reached = position
    finally:
        stop.set()
        publisher.join()
    assert reached > ROUNDS
    told_at_last = Told()
    with opened(folder) as syncing:
        syncing.catch_up(told_at_last)
    assert told_at_last.progress == [CaughtUp(len(hub.entries) - 1, len(hub.entries) - 1 - reached)]
    assert stored(folder) == (len(hub.entries) - 1, state_after(len(hub.entries) - 1))
