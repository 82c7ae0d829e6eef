"""Bases made: of a first sync's whole log, or of the base there was and what came since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from staydown_match import HammingIndex

from staydown_client.base.files import Base, write_base
from staydown_client.base.table import Table, merged, near_keys
from staydown_client.entries import EXACT_BYTES, PDQ_BYTES, Labels, Values
from staydown_client.errors import FolderError
from staydown_client.snapshot import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from staydown_client.base.files import BaseName
    from staydown_client.base.gathering import Gathering
    from staydown_client.entries import ExactAlgorithm
    from staydown_client.store import ItemRow


def write_new_base(folder: Path, gathering: Gathering, *, size: int) -> BaseName:
    """Write a base of a whole log; raise `LogRefusedError` when its operations do not fit their items."""
    table = gathering.table()

    def make_index() -> HammingIndex:
        index = HammingIndex()
        index.add(near_keys(table), table.pdq.values)
        return index

    return _written(folder, table, make_index, size=size)


def write_merged_base(
    folder: Path, named: BaseName | None, said: list[ItemRow], gone: list[tuple[int, int]], *, size: int
) -> BaseName:
    """Write a base of `named` (None: there was none) and what came after it, up to `size`."""
    old = None if named is None else Base(folder, named)
    old_size = 0 if named is None else named.size
    hidden = np.array([admitted_at for admitted_at, changed_at in gone if changed_at < old_size], dtype=np.uint64)
    changed = _table_of(said)
    gone_keys = np.array([] if old is None else old.near_keys(hidden.tolist()), dtype=np.uint64)
    table = changed if old is None else merged(old.table(), changed, gone=hidden)

    def make_index() -> HammingIndex:
        index = HammingIndex() if old is None else old.open_index()
        index.remove(gone_keys)
        index.add(near_keys(table), table.pdq.values)
        return index

    return _written(folder, table, make_index, size=size)


def _written(folder: Path, table: Table, make_index: Callable[[], HammingIndex], *, size: int) -> BaseName:
    try:
        return write_base(folder, table, make_index, size=size)
    except OSError as error:
        raise FolderError(
            f"The list cannot be written to {folder}: {error.strerror}. Make room on the disk; what was verified "
            "before stays in force, and the sync goes on from there."
        ) from error


def _table_of(rows: list[ItemRow]) -> Table:
    ordered = sorted(rows, key=lambda row: row.admitted_at)
    labels = Labels()
    items = np.frombuffer(b"".join(row.item for row in ordered), dtype=">u8").reshape(len(ordered), 2)
    return Table(
        positions=np.array([row.admitted_at for row in ordered], dtype=np.uint64),
        items=items.astype(np.uint64),
        labels=np.array([labels.number(row.label) for row in ordered], dtype=np.uint32),
        near=np.array([2 * (len(row.pdq) // PDQ_BYTES) + row.is_video for row in ordered], dtype=np.uint32),
        texts=tuple(labels.texts),
        exact={name: _exact_of(ordered, name) for name in EXACT_BYTES},
        pdq=Values(
            rows_of([row.pdq[n : n + PDQ_BYTES] for row in ordered for n in range(0, len(row.pdq), PDQ_BYTES)]),
            np.repeat(np.arange(len(ordered)), [len(row.pdq) // PDQ_BYTES for row in ordered]),
        ),
    )


def _exact_of(rows: list[ItemRow], algorithm: ExactAlgorithm) -> Values:
    found = [(value, owner) for owner, row in enumerate(rows) for name, value in row.exact if name == algorithm]
    values = np.frombuffer(b"".join(value for value, _ in found), dtype=np.uint8)
    return Values(values.reshape(-1, EXACT_BYTES[algorithm]), np.array([owner for _, owner in found], dtype=np.int64))
