"""The items in force as columns, and how older columns and what changed are merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from staydown_client.entries import EXACT_BYTES, MAX_FINGERPRINTS, ExactAlgorithm, Labels, Values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from staydown_client.entries import Label

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
