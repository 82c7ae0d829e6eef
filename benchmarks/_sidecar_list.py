"""A filter's folder with a list of many random hashes, as a sync leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from staydown_client.base.gathering import Gathering
from staydown_client.base.writing import write_new_base
from staydown_client.clock import moment_now
from staydown_client.entries import ADMIT, EXACT_BYTES, Entries, Labels, Values
from staydown_client.folder import Settings, make_folder
from staydown_client.key import ApiKey
from staydown_client.store_writer import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks._index_data import Hashes

_LIST = "bench"


@dataclass
class ListedFolder:
    """The folder, and the way in that a sync has."""

    path: Path
    store: Path
    size: int = 0

    def add(self, hashes: Hashes) -> None:
        """Put an entry in for each hash, in one commit, confirmed now."""
        labels = Labels()
        run = _admissions(hashes, first=self.size, labels=labels)
        with StoreWriter(self.store, list_name=_LIST) as writer:
            writer.apply([run], labels, tree=writer.state.tree, note="none", confirmed=moment_now())
        self.size += len(hashes)


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
    return ListedFolder(path, folder.store_path, size=len(hashes))
