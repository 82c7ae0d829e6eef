"""The places of tiles and bundles in C2SP tlog-tiles' path form: 1234067 is `x001/x234/067`."""

import re
from dataclasses import dataclass
from typing import Final

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
_MAX_LEVEL: Final = 63
# Seven groups of three digits hold every position that a list can have.
_INDEX: Final = re.compile(r"(?:x[0-9]{3}/){0,6}[0-9]{3}")
_TILE: Final = re.compile(r"(0|[1-9][0-9]?)/(.{1,40}?)(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TilePlace:
    """A tile's level and index; `width` is 256 for a full one."""

    level: int
    index: int
    width: int = TILE_WIDTH


def index_path(index: int) -> str:
    """Return the index in groups of three digits, each but the last behind an x."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))


def parse_index(path: str) -> int | None:
    """Return the index that is written so, or None: each has one form only, without leading groups of zeroes."""
    if not _INDEX.fullmatch(path):
        return None
    index = int(path.replace("x", "").replace("/", ""))
    return index if index_path(index) == path else None


def tile_path(place: TilePlace) -> str:
    """Return a tile's path below `tile/`."""
    partial = "" if place.width == TILE_WIDTH else f".p/{place.width}"
    return f"{place.level}/{index_path(place.index)}{partial}"


def parse_tile(path: str) -> TilePlace | None:
    """Return the tile that the path below `tile/` names, or None."""
    found = _TILE.fullmatch(path)
    index = parse_index(found[2]) if found else None
    if found is None or index is None:
        return None
    place = TilePlace(int(found[1]), index, int(found[3] or TILE_WIDTH))
    return place if place.level <= _MAX_LEVEL and tile_path(place) == path else None
