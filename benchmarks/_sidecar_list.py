"""A filter's folder with a list of many random hashes, as a sync leaves it.

Run as a program (FOLDER SIZE PER_SECOND) it goes on as a sync does: an entry after another, each in a commit, until its
input ends; it says when it has begun, and at the end how many there were, and in how many seconds.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from staydown_client.base.gathering import Gathering
from staydown_client.base.writing import write_new_base
from staydown_client.clock import moment_now
from staydown_client.entries import ADMIT, EXACT_BYTES, Entries, Labels, Values
from staydown_client.folder import Settings, make_folder, open_folder
from staydown_client.key import ApiKey
from staydown_client.store_writer import StoreWriter

if TYPE_CHECKING:
    from benchmarks._index_data import Hashes

_LIST = "bench"


@dataclass
class ListedFolder:
    """The folder, and how many entries its list has."""

    path: Path
    size: int


def keep_adding(folder: Path, *, first: int, per_second: int) -> tuple[int, float]:
    """Put entries in until the standard input ends; return how many, and in how many seconds."""
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    random, labels, added = np.random.default_rng(1), Labels(), 0
    began = time.perf_counter()
    with StoreWriter(open_folder(folder).store_path, list_name=_LIST) as writer:
        while not over.wait(max(0.0, began + added / per_second - time.perf_counter())):
            run = _admissions(random.integers(0, 256, (1, 32), dtype=np.uint8), first=first + added, labels=labels)
            writer.apply([run], labels, tree=writer.state.tree, note="none", confirmed=moment_now())
            added += 1
            if added == 1:
                print("begun", flush=True)
    return added, time.perf_counter() - began


def _admissions(hashes: Hashes, *, first: int, labels: Labels) -> Entries:
    count = len(hashes)
    numbers = np.arange(count)
    items = np.zeros((count, 2), dtype=np.uint64)
    items[:, 0] = items[:, 1] = numbers + first
    return Entries(
        first=first,
        operations=np.full(count, ADMIT, dtype=np.uint8),
        items=items,
        labels=np.full(count, labels.number((("A1",), "block")), dtype=np.int64),
        videos=np.zeros(count, dtype=np.bool_),
        exact={
            name: Values(np.zeros((0, size), dtype=np.uint8), np.zeros(0, dtype=np.int64))
            for name, size in EXACT_BYTES.items()
        },
        pdq=Values(np.ascontiguousarray(hashes), numbers),
        redactions={},
    )


def listed_folder(path: Path, hashes: Hashes) -> ListedFolder:
    """Make the folder with an entry for each of `hashes`, uint8 (n, 32), all in its base."""
    key = ApiKey("sdk_abcdefgh_0123456789abcdefghijklmnopqrstuv", source="bench")
    folder = make_folder(path, settings=Settings(hub="https://hub.example", list=_LIST), key=key)
    gathering = Gathering()
    gathering.add(_admissions(hashes, first=0, labels=gathering.labels))
    with StoreWriter(folder.store_path, list_name=_LIST) as writer:
        writer.adopt(write_new_base(path, gathering, size=len(hashes)), tree=bytes(8), note="none")
        writer.confirm(moment_now())
    return ListedFolder(path, size=len(hashes))


if __name__ == "__main__":
    print(*keep_adding(Path(sys.argv[1]), first=int(sys.argv[2]), per_second=int(sys.argv[3])))
