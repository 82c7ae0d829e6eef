"""A whole log, gathered into columns as it is read, then resolved into the items in force.

Ten million entries pass through here: each number is held once, in as few bytes as it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from staydown_client.base.table import Table
from staydown_client.entries import ADMIT, EXACT_BYTES, PDQ_BYTES, Labels, Values
from staydown_client.errors import FolderError
from staydown_client.standing import fill_in_redacted, next_standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import DTypeLike, NDArray

    from staydown_client.entries import Entries
    from staydown_client.standing import Standing

_MAX_ENTRIES: Final = 2**32 - 1
_LEAST_ROWS: Final = 65_536
_SHARE: Final = 16


class Gathering:
    """A whole log from position 0 on, gathered run by run and then resolved into the items in force."""

    def __init__(self) -> None:
        self.labels = Labels()
        self._count = 0
        self._operations = _Growing(np.uint8)
        self._items = _Growing(np.uint64, width=2)
        self._labels = _Growing(np.int32)
        self._videos = _Growing(np.bool_)
        self._redactions: dict[int, tuple[int, ...]] = {}
        self._exact = {name: _GrowingValues(size) for name, size in EXACT_BYTES.items()}
        self._pdq = _GrowingValues(PDQ_BYTES)

    def add(self, run: Entries) -> None:
        """Take the next run; it must follow the last one without a gap."""
        self._count += len(run)
        if self._count > _MAX_ENTRIES:
            raise FolderError(f"A list of more than {_MAX_ENTRIES:,} entries cannot be kept by this version.")
        self._operations.extend(run.operations)
        self._items.extend(run.items)
        self._labels.extend(run.labels)
        self._videos.extend(run.videos)
        self._redactions.update((run.first + place, named) for place, named in run.redactions.items())
        for name, values in self._exact.items():
            values.extend(run.exact[name], first=run.first)
        self._pdq.extend(run.pdq, first=run.first)

    def table(self) -> Table:
        """Return what is in force after the last entry, and give up what was gathered.

        Raise `LogRefusedError` when an operation does not fit its item, or a text is missing without a redaction.
        """
        operations, items = self._operations.taken(), self._items.taken()
        fill_in_redacted(operations, items, self._redactions, first=0)
        content, admitted = _resolved(operations, items)
        row_of = np.full(len(operations), -1, dtype=np.int64)
        row_of[content] = np.arange(len(content))
        del operations
        pdq = self._pdq.taken(row_of)
        near = np.bincount(pdq.owners, minlength=len(content)).astype(np.uint32)
        near *= 2
        near += self._videos.taken()[content]
        return Table(
            positions=admitted.astype(np.uint64),
            items=items[content],
            labels=self._labels.taken()[content].astype(np.uint32),
            near=near,
            texts=tuple(self.labels.texts),
            exact={name: values.taken(row_of) for name, values in self._exact.items()},
            pdq=pdq,
        )


class _Growing:
    """Rows that grow at their end. Where they are many the system moves their pages: they are not held twice."""

    def __init__(self, dtype: DTypeLike, *, width: int | None = None) -> None:
        self._rows: NDArray[Any] = np.empty(0 if width is None else (0, width), dtype)
        self._count = 0

    def extend(self, rows: NDArray[Any]) -> None:
        stop = self._count + len(rows)
        if stop > len(self._rows):
            self._resize(max(stop, len(self._rows) + len(self._rows) // _SHARE + _LEAST_ROWS))
        self._rows[self._count : stop] = rows
        self._count = stop

    def taken(self) -> NDArray[Any]:
        """Give the rows away."""
        self._resize(self._count)
        rows, self._rows, self._count = self._rows, self._rows[:0].copy(), 0
        return rows

    def _resize(self, count: int) -> None:
        # No other array looks into this one: it is given away whole, and only once.
        self._rows.resize((count, *self._rows.shape[1:]), refcheck=False)


class _GrowingValues:
    """Fingerprints of one algorithm, each with the position of its entry."""

    def __init__(self, size_bytes: int) -> None:
        self._values = _Growing(np.uint8, width=size_bytes)
        self._owners = _Growing(np.uint32)

    def extend(self, values: Values, *, first: int) -> None:
        self._values.extend(values.values)
        self._owners.extend(values.owners + first)

    def taken(self, row_of: NDArray[np.int64]) -> Values:
        """Give away those whose entry has a row, by that row."""
        values, owners = self._values.taken(), self._owners.taken()
        rows = row_of[owners]
        kept = rows >= 0
        owners[:] = rows  # only those that are kept are looked at
        del rows
        return Values(values, owners) if kept.all() else Values(values[kept], owners[kept])


def _resolved(operations: NDArray[np.uint8], items: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the content of each item in force stands, and where it was admitted, in the latter's order."""
    order = np.argsort(items[:, 0], kind="stable")
    is_first = np.ones(len(order) + 1, dtype=np.bool_)
    halves = items[order, 0]
    np.not_equal(halves[1:], halves[:-1], out=is_first[1:-1])
    del halves
    is_alone = is_first[:-1] & is_first[1:]
    alone = order[is_alone]
    order, is_first = order[~is_alone], is_first[:-1][~is_alone]
    for at in alone[operations[alone] != ADMIT].tolist():
        next_standing(None, int(operations[at]), at)  # raises: there was nothing to change
    alone = np.sort(alone[operations[alone] == ADMIT])
    groups = np.split(order, np.flatnonzero(is_first)[1:]) if len(order) else []
    several = [each for group in groups for each in _standings(np.sort(group).tolist(), operations, items)]
    if not several:
        return alone, alone
    content = np.concatenate([alone, np.array([each.content_at for each in several], dtype=np.int64)])
    admitted = np.concatenate([alone, np.array([each.admitted_at for each in several], dtype=np.int64)])
    by_admission = np.argsort(admitted, kind="stable")
    return content[by_admission], admitted[by_admission]


def _standings(places: Sequence[int], operations: NDArray[np.uint8], items: NDArray[np.uint64]) -> Iterator[Standing]:
    """Yield what is in force among the few items that share half of an id, after all of `places` in order."""
    standings: dict[int, Standing | None] = {}
    for at in places:
        item = int(items[at, 1])
        standings[item] = next_standing(standings.get(item), int(operations[at]), at)
    yield from (standing for standing in standings.values() if standing is not None)
