"""A filter's folder with a list of many random hashes, as a sync leaves it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from staydown_client.base.table import Gathering
from staydown_client.base.writing import write_new_base
from staydown_client.clock import moment_now
from staydown_client.entries import EntryReader
from staydown_client.folder import Settings, make_folder
from staydown_client.key import ApiKey
from staydown_client.log.compact_range import CompactRange
from staydown_client.store import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks._index_data import Hashes

_LIST = "bench"
_RUN = 4096


@dataclass
class ListedFolder:
    """The folder, and the way in that a sync has; nothing here is signed, and nothing that reads it asks."""

    path: Path
    store: Path
    size: int

    def add(self, hashes: Hashes) -> None:
        """Put an entry in for each hash, in one commit, confirmed now."""
        reader = EntryReader()
        run = reader.read(_bodies(hashes, self.size), first=self.size)
        with StoreWriter(self.store, list_name=_LIST) as writer:
            writer.apply([run], reader.labels, tree=writer.state.tree, note="none", confirmed=moment_now())
        self.size += len(hashes)


def listed_folder(path: Path, hashes: Hashes) -> ListedFolder:
    """Make the folder with an entry for each of `hashes`, uint8 (n, 32), in a base as after a first sync."""
    key = ApiKey("sdk_abcdefgh_0123456789abcdefghijklmnopqrstuv", source="bench")
    folder = make_folder(path, settings=Settings(hub="https://hub.example", list=_LIST), key=key)
    gathering = Gathering()
    reader = EntryReader(gathering.labels)
    for start in range(0, len(hashes), _RUN):
        gathering.add(reader.read(_bodies(hashes[start : start + _RUN], start), first=start))
    base = write_new_base(path, gathering, size=len(hashes))
    with StoreWriter(folder.store_path, list_name=_LIST) as writer:
        writer.adopt(base, tree=CompactRange().to_bytes(), note="none")
        writer.confirm(moment_now())
    return ListedFolder(path, folder.store_path, len(hashes))


def _bodies(hashes: Hashes, first: int) -> list[bytes]:
    return [_body(position, bytes(bits)) for position, bits in enumerate(hashes, first)]


def _body(position: int, bits: bytes) -> bytes:
    entry = {
        "admitted_by": ["police", "support_centre"],
        "advice": "block",
        "at": "2026-01-02T03:04:05.678901Z",
        "categories": ["A1"],
        "fingerprints": [{"algorithm": "pdq", "quality": 100, "value": bits.hex()}],
        "item": str(UUID(int=position)),
        "kind": "picture",
        "operation": "admit",
    }
    return json.dumps(entry, separators=(",", ":")).encode()
