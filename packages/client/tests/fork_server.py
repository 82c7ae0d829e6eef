"""Forks a syncing process for each line read, so that hundreds can be killed: a fork costs a hundredth of a start.

    python fork_server.py BASE_FROM MERGE_FROM CONFIRM_INTERVAL_S

A line is "follow FOLDER" or "catch-up FOLDER" (again and again). It prints the child's number, then what the child says
("at POSITION"), then "ended".
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from staydown_client import download, merging, sync, verifying  # noqa: F401 - loaded before the fork, not after each
from staydown_client.folder import open_folder
from staydown_client.sync import opened

if TYPE_CHECKING:
    from staydown_client.sync import Progress


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())  # one call: a kill leaves a line whole or not there


def tell(progress: Progress) -> None:
    position = getattr(progress, "position", None)
    if position is not None:
        say(f"at {position}")


def work(how: str, path: str) -> None:
    with opened(open_folder(path)) as syncing:
        if how == "follow":
            syncing.follow(tell)
        while how == "catch-up":
            syncing.catch_up(tell)


def main() -> None:
    verifying.BASE_FROM, merging.LEAST_ROWS = int(sys.argv[1]), int(sys.argv[2])  # type: ignore[misc]  # small ones
    sync._CONFIRM_INTERVAL_S = float(sys.argv[3])  # type: ignore[misc]  # often
    for line in sys.stdin:
        how, path = line.rstrip("\n").split(" ", 1)
        child = os.fork()
        if child == 0:
            try:
                work(how, path)
            finally:
                os._exit(1)
        say(f"child {child}")
        os.waitpid(child, 0)
        say("ended")


if __name__ == "__main__":
    main()
