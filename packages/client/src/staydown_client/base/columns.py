"""Columns of numbers on disk: mapped, and checked a block at a time when a block is first read.

Opening a column reads a few kilobytes, whatever its length. Damage is found by whoever first needs the damaged block.
"""

from __future__ import annotations

import os
import zlib
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from staydown_client.errors import FolderError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK_ROWS: Final = 2048


def write_column(path: Path, array: NDArray[Any]) -> NDArray[np.uint32]:
    """Write `array` to `path` as a numpy file, on the disk when this returns; return the checksums of its blocks."""
    whole = np.ascontiguousarray(array)
    with path.open("xb") as file:
        np.lib.format.write_array(file, whole, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    starts = range(0, len(whole), BLOCK_ROWS)
    return np.array([_checksum(whole[start : start + BLOCK_ROWS]) for start in starts], dtype=np.uint32)


class Column:
    """One column of a base: `array` as it lies on disk, of which only checked rows may be believed."""

    def __init__(self, path: Path, checks: NDArray[np.uint32]) -> None:
        """Map the file at `path`; raise `FolderError` when it is not the one that `checks` were made of."""
        self._path = path
        try:
            mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise damaged(path) from error
        self.array: NDArray[Any] = mapped.view(np.ndarray)
        self._checks = checks
        self._checked = bytearray(len(checks))
        if not self.array.flags.c_contiguous or len(checks) != -(-len(self.array) // BLOCK_ROWS):
            raise damaged(path)

    def __len__(self) -> int:
        return len(self.array)

    def check(self, start: int, stop: int) -> None:
        """Make sure of rows `start` to `stop`; raise `FolderError` when they are not what was written."""
        for block in range(start // BLOCK_ROWS, -(-stop // BLOCK_ROWS)):
            if not self._checked[block]:
                self._check_block(block)

    def whole(self) -> NDArray[Any]:
        """Return all rows, each block checked anew."""
        for block in range(len(self._checks)):
            self._check_block(block)
        return self.array

    def at(self, row: int) -> Any:  # noqa: ANN401 - a number of the column's own type
        """Return one row."""
        if not self._checked[row // BLOCK_ROWS]:
            self._check_block(row // BLOCK_ROWS)
        return self.array[row]

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return several rows."""
        for block in np.unique(rows // BLOCK_ROWS).tolist():
            if not self._checked[block]:
                self._check_block(block)
        return self.array[rows]

    def _check_block(self, block: int) -> None:
        if _checksum(self.array[block * BLOCK_ROWS : (block + 1) * BLOCK_ROWS]) != self._checks[block]:
            raise damaged(self._path)
        self._checked[block] = True


class SortedColumn(Column):
    """A column of uint64 in rising order, found by halving; `fence` holds the first value of each block."""

    def __init__(self, path: Path, checks: NDArray[np.uint32], fence: NDArray[np.uint64]) -> None:
        """Map the file; `fence` was checked with the guide that it comes from."""
        super().__init__(path, checks)
        if self.array.dtype != np.uint64 or self.array.ndim != 1 or len(fence) != len(checks):
            raise damaged(path)
        self._fence = fence
        self._fence_view = fence.data
        self._view = self.array.data

    def find(self, value: int) -> int:
        """Return the first row whose value is not below `value`; the length when there is none."""
        block = max(bisect_left(self._fence_view, value) - 1, 0)
        start, stop = block * BLOCK_ROWS, min((block + 1) * BLOCK_ROWS, len(self))
        self.check(start, stop)
        return bisect_left(self._view, value, start, stop)

    def find_many(self, values: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Do as `find` for each of `values`, uint64 (m,)."""
        if not len(self):
            return np.zeros(len(values), dtype=np.int64)
        blocks = np.maximum(np.searchsorted(self._fence, values, side="left") - 1, 0)
        for block in np.unique(blocks).tolist():
            if not self._checked[block]:
                self._check_block(block)
        found = np.searchsorted(self.array, values, side="left").astype(np.int64)
        # The halving may have met rows of blocks that nobody checked: what it found must lie where the fence says.
        wrong = (found < blocks * BLOCK_ROWS) | (found > (blocks + 1) * BLOCK_ROWS)
        for place in np.flatnonzero(wrong).tolist():
            found[place] = self.find(int(values[place]))
        return found

    def count(self, value: int) -> range:
        """Return the rows that hold exactly `value`."""
        start = stop = self.find(value)
        while stop < len(self) and int(self.at(stop)) == value:
            stop += 1
        return range(start, stop)


def fence_of(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the first value of each block."""
    return np.ascontiguousarray(values[::BLOCK_ROWS])


def damaged(path: Path) -> FolderError:
    """Return the error that says that `path` is not as it was written, and what to do."""
    return FolderError(
        f"{path} is damaged or missing: is the disk sound? Make a new folder with 'staydown filter init' and sync it: "
        "the hub still has the whole list."
    )


def _checksum(rows: NDArray[Any]) -> int:
    return zlib.crc32(rows.data if len(rows) else b"")
