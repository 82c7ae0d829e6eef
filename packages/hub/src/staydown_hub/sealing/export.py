"""A list's log as plain files, laid out as docs/reference/log.md says: for any web server or object store to serve."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from staydown_hub.sealing.bundles import MAX_PLAIN_BYTES
from staydown_hub.sealing.errors import NotAsSignedError
from staydown_hub.sealing.memory import Signed
from staydown_hub.sealing.paths import TILE_WIDTH, TilePlace, index_path, tile_path
from staydown_hub.sealing.records import BUNDLE_RECORDS, Record, header
from staydown_hub.sealing.tree import HASH_BYTES, CompactRange, perfect_root

ReadRecords = Callable[[int, int], Sequence[Record]]
_HALF_MADE: Final = ".part"


def export_log(folder: Path, *, slug: str, signed: Signed, read: ReadRecords) -> None:
    """Bring the files in `folder` up to what was signed; `read(start, limit)` gives the entries, in order.

    The checkpoint comes last: whoever sees it finds everything that it commits to. What was redacted since the last
    time is taken away. Raises NotAsSignedError, with the old checkpoint left in place, when the entries are not those
    that were signed.
    """
    tree, levels = CompactRange(), [bytearray()]
    for start in range(0, signed.size, BUNDLE_RECORDS):
        count = min(BUNDLE_RECORDS, signed.size - start)
        records = read(start, count)
        if len(records) < count or not all(one.is_true for one in records):
            raise NotAsSignedError(slug, start=start, end=start + count)
        _write_bundle(folder, start // BUNDLE_RECORDS, records)
        tree.extend(one.leaf for one in records)
        levels[0] += b"".join(one.leaf for one in records)
    if tree.root() != signed.root:
        raise NotAsSignedError(slug, start=0, end=signed.size)
    while levels[-1]:
        _write_tiles(folder, len(levels) - 1, bytes(levels[-1]))
        levels.append(bytearray(_above(bytes(levels[-1]))))
    _put(folder / "checkpoint", signed.note.encode())


def _above(hashes: bytes) -> bytes:
    """Return the roots over each full tile of a level: the level that the next tiles are of."""
    width = TILE_WIDTH * HASH_BYTES
    return b"".join(perfect_root(hashes[at : at + width]) for at in range(0, len(hashes) - width + 1, width))


def _write_tiles(folder: Path, level: int, hashes: bytes) -> None:
    count = len(hashes) // HASH_BYTES
    for index in range(-(-count // TILE_WIDTH)):
        tile = hashes[index * TILE_WIDTH * HASH_BYTES : (index + 1) * TILE_WIDTH * HASH_BYTES]
        _put(folder / "tile" / tile_path(TilePlace(level, index, len(tile) // HASH_BYTES)), tile)


def _write_bundle(folder: Path, index: int, records: Sequence[Record]) -> None:
    path = folder / "bundle" / index_path(index)
    content = header(index * BUNDLE_RECORDS, len(records)) + b"".join(one.as_bytes() for one in records)
    if len(content) > MAX_PLAIN_BYTES:
        raise ValueError("A bundle larger than what is served uncompressed cannot be exported.")
    partial = path.with_name(f"{path.name}.p")
    is_full = len(records) == BUNDLE_RECORDS
    _forget(each for each in _inside(partial) if is_full or each.name != str(len(records)))
    _put(path if is_full else partial / str(len(records)), content)
    if is_full:
        shutil.rmtree(partial, ignore_errors=True)


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _forget(paths: Iterable[Path]) -> None:
    """Take away shorter versions: they would keep what was redacted since."""
    for path in paths:
        path.unlink()


def _put(path: Path, content: bytes) -> None:
    """Have this content there, in one step; a file that has it already stays as it is, with its time."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + _HALF_MADE)
    fresh.write_bytes(content)
    fresh.replace(path)
