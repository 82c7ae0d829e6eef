"""A log's tree as the hub and caches serve it: tiles of 256 hashes, eight levels high (C2SP tlog-tiles)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from staydown_client.errors import LogRefusedError
from staydown_client.log.hashing import HASH_BYTES, level_above

if TYPE_CHECKING:
    from collections.abc import Callable

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
_DIGITS: Final = 3


class NodeReader(Protocol):
    """Where a proof finds the nodes of a tree."""

    def node(self, height: int, index: int) -> bytes:
        """Return the root of the complete subtree over leaves index * 2^height to (index + 1) * 2^height - 1."""


def index_path(index: int) -> str:
    """Return a tile's or a bundle's number in groups of three digits: 1234067 is x001/x234/067."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // _DIGITS) * _DIGITS)
    groups = [digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


def tile_path(level: int, index: int, *, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile beside the checkpoint; `width` below 256 names a partial one."""
    return f"tile/{level}/{index_path(index)}" + (f".p/{width}" if width < TILE_WIDTH else "")


class Tiles:
    """The nodes of a tree of one size, out of its tiles; each tile is fetched once.

    The tiles are not believed by themselves: what is made of them must lead to a signed root.
    """

    def __init__(self, fetch: Callable[[str], bytes | None], *, size: int) -> None:
        """Read a tree of `size` leaves. `fetch` returns the bytes at a path that `tile_path` made, None for a 404."""
        self._fetch = fetch
        self._size = size
        self._levels: dict[tuple[int, int], list[list[bytes]]] = {}

    def node(self, height: int, index: int) -> bytes:
        """Return the root of a complete subtree; raise `LogRefusedError` (garbage) for a tile of another size."""
        level, inner = divmod(height, TILE_HEIGHT)
        tile, offset = divmod(index << inner, TILE_WIDTH)
        if (index + 1) << height > self._size:
            raise IndexError("This subtree is not complete in a tree of this size.")
        return self._tile(level, tile)[inner][offset >> inner]

    def _tile(self, level: int, index: int) -> list[list[bytes]]:
        """Return a tile's own hashes, then the complete nodes over them, level by level."""
        found = self._levels.get((level, index))
        if found is None:
            hashes = self._hashes(level, index)
            found = [hashes]
            while len(hashes) > 1:
                hashes = level_above(hashes[: len(hashes) & ~1])
                found.append(hashes)
            self._levels[level, index] = found
        return found

    def _hashes(self, level: int, index: int) -> list[bytes]:
        width = min(TILE_WIDTH, (self._size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH)
        whole = width
        data = self._fetch(tile_path(level, index, width=width))
        if data is None and width < TILE_WIDTH:
            # A log may drop a partial tile once the tile has filled up.
            whole, data = TILE_WIDTH, self._fetch(tile_path(level, index))
        if data is None or len(data) != whole * HASH_BYTES:
            raise LogRefusedError("The hub's tile of hashes is missing, or not of its size.", problem="garbage")
        return [data[start : start + HASH_BYTES] for start in range(0, width * HASH_BYTES, HASH_BYTES)]
