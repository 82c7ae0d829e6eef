"""The items in force as columns: made of a whole log's operations at once, or of older columns and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from staydown_client.entries import ADMIT, EXACT_BYTES, MAX_FINGERPRINTS, ExactAlgorithm, Labels, Values
from staydown_client.standing import next_standing, operations_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from staydown_client.entries import Entries, Label
    from staydown_client.standing import Standing

NUMBER_BITS: Final = MAX_FINGERPRINTS.bit_length() - 1


@dataclass(frozen=True, slots=True)
class Table:
    """Items in force, one a row, in the order of their admissions' positions.

    positions: uint64 (n,), rising. items: uint64 (n, 2). labels: uint32 (n,), numbers in `texts`. near: uint32 (n,),
    twice the number of near hashes, and 1 more for a video. The fingerprints' owners are rows.
    """

    positions: NDArray[np.uint64]
    items: NDArray[np.uint64]
    labels: NDArray[np.uint32]
    near: NDArray[np.uint32]
    texts: tuple[Label, ...]
    exact: dict[ExactAlgorithm, Values]
    pdq: Values

    def __len__(self) -> int:
        return len(self.positions)


class Gathering:
    """A whole log from position 0 on, gathered run by run and then resolved into the items in force."""

    def __init__(self) -> None:
        self.labels = Labels()
        self._runs: list[Entries] = []

    def add(self, run: Entries) -> None:
        """Take the next run; it must follow the last one without a gap."""
        self._runs.append(run)

    def table(self) -> Table:
        """Return what is in force after the last entry, and forget the runs.

        Raise `LogRefusedError` when an operation does not fit its item, or a text is missing without a redaction.
        """
        operations, items = operations_of(self._runs)
        labels = np.concatenate([run.labels for run in self._runs])
        videos = np.concatenate([run.videos for run in self._runs])
        content, admitted = _resolved(operations, items)
        row_of = np.full(len(operations), -1, dtype=np.int64)
        row_of[content] = np.arange(len(content))
        pdq = self._taken("pdq", row_of)
        return Table(
            positions=admitted.astype(np.uint64),
            items=items[content],
            labels=labels[content].astype(np.uint32),
            near=(2 * np.bincount(pdq.owners, minlength=len(content)) + videos[content]).astype(np.uint32),
            texts=tuple(self.labels.texts),
            exact={name: self._taken(name, row_of) for name in EXACT_BYTES},
            pdq=pdq,
        )

    def _taken(self, name: ExactAlgorithm | Literal["pdq"], row_of: NDArray[np.int64]) -> Values:
        """Return one algorithm's fingerprints of the items in force; those of the runs are given up on the way."""
        found: list[Values] = []
        for run in self._runs:
            each = run.pdq if name == "pdq" else run.exact.pop(name)
            rows = row_of[run.first + each.owners]
            found.append(Values(each.values[rows >= 0], rows[rows >= 0]))
        return joined(found)


def _resolved(operations: NDArray[np.uint8], items: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the content of each item in force stands, and where it was admitted, in the latter's order."""
    halves = items[:, 0]
    order = np.argsort(halves, kind="stable")
    sorted_halves = halves[order]
    starts = np.flatnonzero(np.append(True, sorted_halves[1:] != sorted_halves[:-1])) if len(order) else order
    lengths = np.diff(np.append(starts, len(order)))
    alone = order[starts[lengths == 1]]
    content, admitted = [alone[operations[alone] == ADMIT]], [alone[operations[alone] == ADMIT]]
    for at in alone[operations[alone] != ADMIT].tolist():
        next_standing(None, int(operations[at]), at)  # raises: there was nothing to change
    several = [
        standing
        for start, length in zip(starts[lengths > 1].tolist(), lengths[lengths > 1].tolist(), strict=True)
        for standing in _standings(np.sort(order[start : start + length]).tolist(), operations, items)
    ]
    content.append(np.array([standing.content_at for standing in several], dtype=np.int64))
    admitted.append(np.array([standing.admitted_at for standing in several], dtype=np.int64))
    all_content, all_admitted = np.concatenate(content), np.concatenate(admitted)
    by_admission = np.argsort(all_admitted, kind="stable")
    return all_content[by_admission], all_admitted[by_admission]


def _standings(places: Sequence[int], operations: NDArray[np.uint8], items: NDArray[np.uint64]) -> Iterator[Standing]:
    """Yield what is in force among the few items that share half of an id, after all of `places` in order."""
    standings: dict[int, Standing | None] = {}
    for at in places:
        item = int(items[at, 1])
        standings[item] = next_standing(standings.get(item), int(operations[at]), at)
    yield from (standing for standing in standings.values() if standing is not None)


def joined(parts: Sequence[Values]) -> Values:
    """Return the fingerprints of all parts."""
    return Values(np.concatenate([part.values for part in parts]), np.concatenate([part.owners for part in parts]))


def merged(old: Table, changed: Table, *, gone: NDArray[np.uint64]) -> Table:
    """Return `old` without the items admitted at `gone`, with those of `changed`; `pdq` is left to the index."""
    kept = ~np.isin(old.positions, gone)
    positions = np.concatenate([old.positions[kept], changed.positions])
    order = np.argsort(positions, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    old_row = np.full(len(old), -1, dtype=np.int64)
    old_row[kept] = rank[: int(kept.sum())]
    new_row = rank[int(kept.sum()) :]
    labels = Labels(list(old.texts))
    relabelled = np.array([labels.number(text) for text in changed.texts], dtype=np.uint32)
    return Table(
        positions=positions[order],
        items=np.concatenate([old.items[kept], changed.items])[order],
        labels=np.concatenate([old.labels[kept], relabelled[changed.labels]])[order].astype(np.uint32),
        near=np.concatenate([old.near[kept], changed.near])[order],
        texts=tuple(labels.texts),
        exact={
            name: joined([_moved(old.exact[name], old_row), _moved(changed.exact[name], new_row)])
            for name in EXACT_BYTES
        },
        pdq=Values(changed.pdq.values, new_row[changed.pdq.owners]),
    )


def _moved(values: Values, row_of: NDArray[np.int64]) -> Values:
    rows = row_of[values.owners]
    return Values(values.values[rows >= 0], rows[rows >= 0])


def near_keys(table: Table) -> NDArray[np.uint64]:
    """Return the key of each near hash of `table` in an index: see `near_key`."""
    owners = table.pdq.owners
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])) if len(owners) else owners
    lengths = np.diff(np.append(starts, len(owners)))
    numbers = np.arange(len(owners)) - np.repeat(starts, lengths)
    return (table.positions[owners] << np.uint64(NUMBER_BITS)) | numbers.astype(np.uint64)


def near_key(position: int, number: int) -> int:
    """Return the key of an entry's `number`th near hash: each is found by itself, as a video has one a frame."""
    return position << NUMBER_BITS | number
