"""Whether an item is in force, and how an operation changes that: pure, and the same however entries arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from staydown_client.entries import ADMIT, OPERATIONS, REDACT, REDACTED, WITHDRAW
from staydown_client.errors import LogRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from staydown_client.entries import Entries

HIDDEN: Final = -1


class Standing(NamedTuple):
    """An item in force: where it was admitted, and where its present content stands (HIDDEN: it was redacted)."""

    admitted_at: int
    content_at: int


def next_standing(standing: Standing | None, operation: int, position: int) -> Standing | None:
    """Return the item's standing after `operation` at `position`; raise `LogRefusedError` when that does not fit."""
    if operation == REDACTED:
        # It was an admission if the item was not in force, an amendment if it was.
        return Standing(position if standing is None else standing.admitted_at, HIDDEN)
    if operation == REDACT:
        return None
    if (standing is None) != (operation == ADMIT):
        state = "not in force" if standing is None else "in force already"
        raise LogRefusedError(
            f"The hub's entry '{OPERATIONS[operation]}' at position {position} is for an item that is {state}; it was "
            "refused. The list verified before stays in force.",
            problem="garbage",
        )
    if operation == WITHDRAW:
        return None
    return Standing(position if standing is None else standing.admitted_at, position)


def check_redactions(
    redactions: Mapping[int, tuple[int, ...]], operations: NDArray[np.uint8], *, first: int
) -> dict[int, NDArray[np.int64]]:
    """Return for each redact entry the places in `operations` whose text it took away.

    `operations` are those of the entries from position `first` on; `redactions` gives by position what each redact
    entry among them names. Raise `LogRefusedError` when a text is missing that none of them names, or that two do.
    """
    missing = set((np.flatnonzero(operations == REDACTED) + first).tolist())
    found: dict[int, NDArray[np.int64]] = {}
    for at, named in redactions.items():
        here = [position for position in named if position in missing]
        missing.difference_update(here)
        found[at - first] = np.array(here, dtype=np.int64) - first
    if missing:
        raise LogRefusedError(
            f"The hub keeps the entry at position {min(missing)} back, and no entry of the list redacts it. It was "
            "refused with all that came with it; the list verified before stays in force.",
            problem="redaction",
        )
    return found


def operations_of(runs: Sequence[Entries]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Return the operations and the items of runs that follow each other, the items of redacted entries filled in.

    Raise `LogRefusedError` when a text is missing that no redact entry among them names.
    """
    operations = np.concatenate([run.operations for run in runs])
    items = np.concatenate([run.items for run in runs])
    redactions = {run.first + n: named for run in runs for n, named in run.redactions.items()}
    fill_in_redacted(operations, items, redactions, first=runs[0].first)
    return operations, items


def fill_in_redacted(
    operations: NDArray[np.uint8], items: NDArray[np.uint64], redactions: Mapping[int, tuple[int, ...]], *, first: int
) -> None:
    """Put into `items` those of the entries whose text was taken away; the rest is as `check_redactions` says."""
    for at, named in check_redactions(redactions, operations, first=first).items():
        items[named] = items[at]
