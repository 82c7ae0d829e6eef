"""The tree's hashes on disk: every eighth level as one file of 32 bytes a node, from which any tile is a slice.

They are made from the entries and can be made again. Nothing here is flushed: what a loss of power takes is found
missing, or wrong by its root, when the tree is next opened.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from staydown_hub.sealing.durable import PRIVATE_FILE, make_private_folder
from staydown_hub.sealing.paths import TILE_HEIGHT, TILE_WIDTH, TilePlace
from staydown_hub.sealing.tree import EMPTY_ROOT, HASH_BYTES, CompactRange, perfect_root

_LEVELS: Final = 8
_TILE_BYTES: Final = TILE_WIDTH * HASH_BYTES


class TreeFiles:
    """The files `level-0`, `level-1`, ... in one folder: level L holds the roots of perfect trees of 256**L leaves."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._files: list[int] = []
        for level in range(_LEVELS):
            self._files.append(os.open(folder / f"level-{level}", flags, PRIVATE_FILE))
        self.size = self._count(0)
        self._mend()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for handle in self._files:
            with suppress(OSError):
                os.close(handle)

    def append(self, leaves: bytes) -> None:
        """Add leaf hashes, one after the other, and the nodes above that they complete."""
        self._write(0, self.size, leaves)
        self.size += len(leaves) // HASH_BYTES
        self._mend()

    def cut(self, size: int) -> None:
        """Forget every leaf from this size on."""
        self.size = min(size, self.size)
        for level, handle in enumerate(self._files):
            os.ftruncate(handle, (self.size >> (TILE_HEIGHT * level)) * HASH_BYTES)

    def read(self, level: int, start: int, count: int) -> bytes:
        """Return that many hashes of a level; fewer where the level ends."""
        return os.pread(self._files[level], count * HASH_BYTES, start * HASH_BYTES)

    def tile(self, place: TilePlace, *, size: int) -> bytes | None:
        """Return a tile of the tree of this size, or None when that tree has no such tile."""
        end = place.index * TILE_WIDTH + place.width
        if place.level >= _LEVELS or end > min(size, self.size) >> (TILE_HEIGHT * place.level):
            return None
        return self.read(place.level, place.index * TILE_WIDTH, place.width)

    def compact_range(self, size: int) -> CompactRange:
        """Return the compact range of the first `size` leaves."""
        return CompactRange(size, list(self._perfect_roots(size)))

    def root_at(self, size: int) -> bytes | None:
        """Return the root over the first `size` leaves, or None when there are fewer."""
        if not 0 <= size <= self.size:
            return None
        return self.compact_range(size).root() if size else EMPTY_ROOT

    def _perfect_roots(self, size: int) -> Iterator[bytes]:
        start = 0
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                level, within = divmod(bit, TILE_HEIGHT)
                yield perfect_root(self.read(level, start >> (TILE_HEIGHT * level), 1 << within))
                start += 1 << bit

    def _count(self, level: int) -> int:
        return os.fstat(self._files[level]).st_size // HASH_BYTES

    def _mend(self) -> None:
        """Write the nodes that are missing above what is there; after a crash that may be more than the last ones."""
        for level in range(1, _LEVELS):
            wanted, present = self.size >> (TILE_HEIGHT * level), self._count(level)
            for index in range(present, wanted):
                self._write(level, index, perfect_root(self.read(level - 1, index * TILE_WIDTH, TILE_WIDTH)))

    def _write(self, level: int, index: int, hashes: bytes) -> None:
        at, view = index * HASH_BYTES, memoryview(hashes)
        while view:
            written = os.pwrite(self._files[level], view, at)
            at, view = at + written, view[written:]
