"""A base on disk: one folder, written whole under another name, then never changed; found by name and digest."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import shutil
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from staydown_match import HammingIndex, IndexFileError

from staydown_client.base.columns import Column, SortedColumn, damaged, fence_of, write_column
from staydown_client.base.table import Table, near_key
from staydown_client.entries import EXACT_BYTES, Values
from staydown_client.errors import FolderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from staydown_client.entries import ExactAlgorithm, Label

PREFIX: Final = "base-"
UNFINISHED: Final = ".unfinished"
_FORMAT: Final = 1
_INDEX: Final = "near.index"
_META: Final = "base.json"
_GUIDE: Final = "guide.npz"


@dataclass(frozen=True, slots=True)
class BaseName:
    """Which base the store refers to: its folder's name, the SHA-256 of its description, and the log's size then."""

    name: str
    digest: bytes
    size: int


def write_base(folder: Path, table: Table, make_index: Callable[[], HammingIndex], *, size: int) -> BaseName:
    """Write the items in force after `size` entries below `folder`; all is on the disk when this returns.

    `make_index` gives their near hashes under their admissions' positions. To save memory the table's exact
    fingerprints are given up as they are written, and the index is made after that.
    """
    name = f"{PREFIX}{size}-{secrets.token_hex(4)}"
    draft = folder / (name + UNFINISHED)
    draft.mkdir(mode=0o700)
    try:
        described = _fill(draft, table, make_index, size=size)
        draft.rename(folder / name)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # it may be what filled the disk
        raise
    sync_folder(folder)
    return BaseName(name, hashlib.sha256(described).digest(), size)


def _fill(draft: Path, table: Table, make_index: Callable[[], HammingIndex], *, size: int) -> bytes:
    """Write all of a base's files and return the text that describes them."""
    guide: dict[str, NDArray[Any]] = {}
    for column, array, is_sorted in _columns(table):
        guide[f"{column}.checks"] = write_column(draft / f"{column}.npy", array)
        if is_sorted:
            guide[f"{column}.fence"] = fence_of(array)
    make_index().save(draft / _INDEX)
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **guide)
    _write(draft / _GUIDE, packed.getvalue())
    meta = {
        "format": _FORMAT,
        "size": size,
        "rows": len(table),
        "labels": [[list(words), advice] for words, advice in table.texts],
        "guide_crc32": zlib.crc32(packed.getvalue()),
    }
    described = json.dumps(meta).encode()
    _write(draft / _META, described)
    sync_folder(draft)
    return described


def remove_others(folder: Path, *, keep: str | None) -> None:
    """Remove every base below `folder` but `keep`, whole or not; who has one open keeps what is mapped."""
    for path in folder.glob(f"{PREFIX}*"):
        if path.name != keep:
            shutil.rmtree(path, ignore_errors=True)


class Said(NamedTuple):
    """What the list says of an item beside its fingerprints: `hashes` is how many near ones it has."""

    admitted_at: int
    label: Label
    hashes: int
    is_video: bool


class Base:
    """An opened base. Threads may share it; processes share its pages."""

    def __init__(self, folder: Path, named: BaseName) -> None:
        """Open the base `named` below `folder`; raise `FolderError` when it is missing, damaged or another."""
        self.path = folder / named.name
        self.named = named
        meta = self._read_meta()
        guide = self._read_guide(meta["guide_crc32"])
        self.texts: tuple[Label, ...] = tuple((tuple(words), advice) for words, advice in meta["labels"])
        self.positions = self._sorted("positions", guide)
        self._labels = self._column("labels", guide)
        self._near = self._column("near", guide)
        self._halves = self._sorted("items.high", guide)
        self._other_halves = self._column("items.low", guide)
        self._item_rows = self._column("items.row", guide)
        self._exact = {name: self._exact_of(name, guide) for name in EXACT_BYTES}

    def __len__(self) -> int:
        return len(self.positions)

    def open_index(self) -> HammingIndex:
        """Open the index of near hashes, mapped; changes stay in the memory of this process."""
        try:
            return HammingIndex.open(self.path / _INDEX)
        except (OSError, IndexFileError) as error:
            raise damaged(self.path / _INDEX) from error

    def admitted_at(self, item: tuple[int, int]) -> int | None:
        """Return where an item, its id in two halves, was admitted; None when it was not in force."""
        for place in self._halves.count(item[0]):
            if int(self._other_halves.at(place)) == item[1]:
                return int(self.positions.at(int(self._item_rows.at(place))))
        return None

    def row_of(self, position: int) -> int | None:
        """Return the row of the item that was admitted at `position`, None when there is none."""
        row = self.positions.find(position)
        return row if row < len(self) and int(self.positions.at(row)) == position else None

    def said_of(self, row: int) -> Said:
        """Return what is known of the item in `row`."""
        near = int(self._near.at(row))
        return Said(int(self.positions.at(row)), self.texts[int(self._labels.at(row))], near // 2, bool(near % 2))

    def near_keys(self, positions: Iterable[int]) -> list[int]:
        """Return the keys in the index of the items that were admitted at `positions`."""
        rows = [self.row_of(position) for position in positions]
        said = [self.said_of(row) for row in rows if row is not None]
        return [near_key(each.admitted_at, number) for each in said for number in range(each.hashes)]

    def exact(self, algorithm: ExactAlgorithm) -> ExactColumns:
        """Return the exact fingerprints of one algorithm."""
        return self._exact[algorithm]

    def table(self) -> Table:
        """Read all of it, checked, but for the near hashes, which only the index has."""
        items = np.empty((len(self), 2), dtype=np.uint64)
        rows = self._item_rows.whole().astype(np.int64)
        items[rows, 0] = self._halves.whole()
        items[rows, 1] = self._other_halves.whole()
        return Table(
            positions=self.positions.whole(),
            items=items,
            labels=self._labels.whole(),
            near=self._near.whole(),
            texts=self.texts,
            exact={name: self._exact[name].whole() for name in EXACT_BYTES},
            pdq=Values(np.zeros((0, 32), dtype=np.uint8), np.zeros(0, dtype=np.int64)),
        )

    def _read_meta(self) -> dict[str, Any]:
        try:
            described = (self.path / _META).read_bytes()
        except OSError as error:
            raise damaged(self.path / _META) from error
        if hashlib.sha256(described).digest() != self.named.digest:
            raise damaged(self.path / _META)
        meta: dict[str, Any] = json.loads(described)
        if meta["format"] != _FORMAT:
            raise FolderError(f"{self.path} was written by another version of staydown-client.")
        return meta

    def _read_guide(self, crc32: int) -> dict[str, NDArray[Any]]:
        try:
            packed = (self.path / _GUIDE).read_bytes()
        except OSError as error:
            raise damaged(self.path / _GUIDE) from error
        if zlib.crc32(packed) != crc32:
            raise damaged(self.path / _GUIDE)
        with np.load(io.BytesIO(packed), allow_pickle=False) as guide:
            return dict(guide)

    def _column(self, name: str, guide: dict[str, NDArray[Any]]) -> Column:
        return Column(self.path / f"{name}.npy", guide[f"{name}.checks"])

    def _sorted(self, name: str, guide: dict[str, NDArray[Any]]) -> SortedColumn:
        return SortedColumn(self.path / f"{name}.npy", guide[f"{name}.checks"], guide[f"{name}.fence"])

    def _exact_of(self, name: ExactAlgorithm, guide: dict[str, NDArray[Any]]) -> ExactColumns:
        return ExactColumns(
            self._sorted(f"{name}.start", guide),
            self._column(f"{name}.value", guide),
            self._column(f"{name}.row", guide),
        )


@dataclass(frozen=True, slots=True)
class ExactColumns:
    """Digests sorted by their first 8 bytes (`starts`), with the row that each belongs to."""

    starts: SortedColumn
    values: Column
    rows: Column

    def find(self, value: bytes) -> list[int]:
        """Return the rows that have exactly this digest."""
        return [
            int(self.rows.at(place))
            for place in self.starts.count(int.from_bytes(value[:8], "big"))
            if self.values.at(place).tobytes() == value
        ]

    def find_many(self, values: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which of `values`, uint8 (m, size), were found, and the rows; one pair for each find."""
        starts = starts_of(values)
        places = self.starts.find_many(starts)
        queries = np.arange(len(values))
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        while len(queries):
            inside = places < len(self.starts)
            queries, places = queries[inside], places[inside]
            same = self.starts.take(places) == starts[queries]
            queries, places = queries[same], places[same]
            equal = (self.values.take(places) == values[queries]).all(axis=1)
            found.append((queries[equal], self.rows.take(places[equal]).astype(np.int64)))
            places = places + 1
        if not found:
            return queries, places
        return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])

    def whole(self) -> Values:
        """Return all of them."""
        self.starts.whole()
        return Values(self.values.whole(), self.rows.whole().astype(np.int64))


def starts_of(values: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the first 8 bytes of each digest as a number."""
    return np.ascontiguousarray(values[:, :8]).view(">u8").reshape(len(values)).astype(np.uint64)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in `folder` are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _columns(table: Table) -> Iterator[tuple[str, NDArray[Any], bool]]:
    """Yield each column's name, its numbers, and whether they rise; one at a time, to save memory."""
    yield "positions", table.positions, True
    yield "labels", table.labels, False
    yield "near", table.near, False
    order = np.argsort(table.items[:, 0], kind="stable")
    yield "items.high", table.items[order, 0], True
    yield "items.low", table.items[order, 1], False
    yield "items.row", order.astype(np.uint32), False
    for name in EXACT_BYTES:
        found = table.exact.pop(name)
        starts = starts_of(found.values)
        order = np.argsort(starts)
        yield f"{name}.start", starts[order], True
        yield f"{name}.value", found.values[order], False
        yield f"{name}.row", found.owners[order].astype(np.uint32), False


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
