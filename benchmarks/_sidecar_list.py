"""A filter's folder with a list of many random hashes, as a sync leaves it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from staydown_client.entries import Admit, Listing, PdqFingerprint
from staydown_client.folder import Settings, make_folder
from staydown_client.key import ApiKey
from staydown_client.store import StoreWriter

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks._index_data import Hashes

_LIST = "bench"
_PART = 20_000


@dataclass
class ListedFolder:
    """The folder, and the way in that a sync has."""

    path: Path
    store: Path
    size: int = 0

    def add(self, hashes: Hashes) -> None:
        """Put an entry in for each hash, in one commit, confirmed now."""
        entries = [_admission(position, bytes(bits)) for position, bits in enumerate(hashes, self.size)]
        with StoreWriter(self.store, list_name=_LIST) as writer:
            writer.apply(entries, caught_up_at=time.time())
        self.size += len(entries)


def _admission(position: int, bits: bytes) -> Admit:
    listing = Listing("picture", (), (PdqFingerprint(bits, 100),), ("A1",), "block")
    return Admit(position, UUID(int=position), listing)


def listed_folder(path: Path, hashes: Hashes) -> ListedFolder:
    """Make the folder with an entry for each of `hashes`, uint8 (n, 32)."""
    key = ApiKey("sdk_abcdefgh_0123456789abcdefghijklmnopqrstuv", source="bench")
    folder = make_folder(path, settings=Settings(hub="https://hub.example", list=_LIST), key=key)
    listed = ListedFolder(path, folder.store_path)
    for start in range(0, len(hashes), _PART):
        listed.add(hashes[start : start + _PART])
    return listed
