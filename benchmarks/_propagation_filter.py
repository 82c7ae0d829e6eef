"""A real filter in a process of its own, asked about each item as soon as its list changes: FOLDER ADMISSIONS.

Says "ready" when it is loaded, follows when it reads a line, says "following" when it has the list. When its input ends
it tells, as JSON, for each admission and then each withdrawal the nanoseconds of the monotonic clock at which it had
answered that the item and a changed copy are refused (or no longer refused); null for what it never did.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from staydown_client import Filter
from staydown_client.folder import open_folder
from staydown_client.sync import Applied, CaughtUp, opened

from benchmarks._propagation_items import digest, near_hash

if TYPE_CHECKING:
    from staydown_client.sync import Progress

_PATIENCE_S = 5.0
_AGAIN_S = 0.001


def main(path: str, admissions: int) -> None:
    """Follow as `staydown filter sync --follow` does, and ask as a platform does, until the input ends."""
    folder = open_folder(path)
    applied: SimpleQueue[int | None] = SimpleQueue()
    following = threading.Event()

    def take(progress: Progress) -> None:
        if isinstance(progress, Applied):
            applied.put(progress.position)
        elif isinstance(progress, CaughtUp):
            following.set()

    def end_with_input() -> None:
        sys.stdin.read()
        applied.put(None)

    with Filter.open(path) as asked, opened(folder) as syncing:
        print("ready", flush=True)
        sys.stdin.readline()
        thread = threading.Thread(target=syncing.follow, args=(take,))
        thread.start()
        following.wait()
        print("following", flush=True)
        threading.Thread(target=end_with_input).start()
        at_ns = _answered(asked, applied, admissions)
        syncing.stop()
        thread.join()
    print(json.dumps(at_ns), flush=True)


def _answered(asked: Filter, applied: SimpleQueue[int | None], admissions: int) -> list[int | None]:
    """Ask about the item of each position that is told, until the answer is as it is to be."""
    at_ns: list[int | None] = [None] * (2 * admissions)
    while (position := applied.get()) is not None:
        number, wanted = position % admissions, position < admissions
        until = time.monotonic() + _PATIENCE_S
        while _is_refused(asked, number) != (wanted, wanted) and time.monotonic() < until:
            time.sleep(_AGAIN_S)
        if time.monotonic() < until:
            at_ns[position] = time.monotonic_ns()
    return at_ns


def _is_refused(asked: Filter, number: int) -> tuple[bool, bool]:
    """Say whether the file itself is refused, and whether a changed copy is."""
    near = np.frombuffer(near_hash(number), np.uint8).reshape(1, -1)
    found = asked.look_up([("sha256", digest(number))], near)
    verdicts = (found.exact.get(0, found.otherwise), found.near.get(0, found.otherwise))
    return verdicts[0].action == "block", verdicts[1].action == "block"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
