"""Counts in memory that all workers of a sidecar share, and the text that Prometheus reads. No fingerprint, no name."""

from __future__ import annotations

import fcntl
import mmap
import os
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from staydown_client.errors import FolderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from staydown_client.verdict import Action

ACTIONS: Final[tuple[Action, ...]] = ("allow", "hold", "block", "unchecked")
REFUSALS: Final = (
    "busy",
    "no_room",
    "too_long",
    "too_slow",
    "broken_off",
    "unauthorised",
    "list_unreadable",
    "error",
    "other",
)
_BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOTS: Final = 128  # workers, those that leave and those that come counted together
_SORTS: Final = ("check", "lookup")


def _names() -> Iterator[str]:
    for sort in _SORTS:
        for action in ACTIONS:
            yield f"{sort} {action}"
        for bound in (*_BOUNDS_S, "+Inf"):
            yield f"{sort} le {bound}"
        yield f"{sort} ns"
    for refusal in REFUSALS:
        yield f"refused {refusal}"


_PLACES: Final = {name: place for place, name in enumerate(_names())}


@dataclass(frozen=True, slots=True)
class _PlacesOf:
    """Where in a row the counts of one sort are."""

    actions: dict[Action, int]
    buckets: tuple[int, ...]
    ns: int


_PLACES_OF: Final = {
    sort: _PlacesOf(
        {action: _PLACES[f"{sort} {action}"] for action in ACTIONS},
        tuple(_PLACES[f"{sort} le {bound}"] for bound in (*_BOUNDS_S, "+Inf")),
        _PLACES[f"{sort} ns"],
    )
    for sort in _SORTS
}


class Counts:
    """One worker's row of counts in a table that all workers map; only its owner writes to a row."""

    def __init__(self, path: Path) -> None:
        """Map the table at `path`, making it when needed, and take a free row of it until this process ends."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._descriptor, _SLOTS * len(_PLACES) * 8)
        shared = memoryview(mmap.mmap(self._descriptor, 0)).cast("Q")
        self._table = np.frombuffer(shared, np.uint64).reshape(_SLOTS, len(_PLACES))
        start = self._free_slot() * len(_PLACES)
        self._row = shared[start : start + len(_PLACES)]

    def judged(self, sort: str, actions: dict[Action, int], *, seconds: float) -> None:
        """Count what was answered to one call, and how long it took."""
        places, row = _PLACES_OF[sort], self._row
        for action, count in actions.items():
            row[places.actions[action]] += count
        row[places.buckets[bisect_left(_BOUNDS_S, seconds)]] += 1
        row[places.ns] += int(seconds * 1e9)

    def refused(self, code: str) -> None:
        """Count a request that was not served."""
        self._row[_PLACES[f"refused {code if code in REFUSALS else 'other'}"]] += 1

    def lines(self) -> Iterator[str]:
        """Yield the counts of all workers as Prometheus reads them."""
        sums = {name: int(total) for name, total in zip(_PLACES, self._table.sum(axis=0), strict=True)}
        for sort in _SORTS:
            yield f"# TYPE staydown_{sort}_actions_total counter"
            for action in ACTIONS:
                yield f'staydown_{sort}_actions_total{{action="{action}"}} {sums[f"{sort} {action}"]}'
            yield from _histogram(sort, sums)
        yield "# TYPE staydown_refused_requests_total counter"
        for refusal in REFUSALS:
            yield f'staydown_refused_requests_total{{reason="{refusal}"}} {sums[f"refused {refusal}"]}'

    def _free_slot(self) -> int:
        for slot in range(_SLOTS):
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
            except OSError:
                continue
            return slot
        raise FolderError(f"More than {_SLOTS} workers count in one sidecar; start fewer.")


def _histogram(sort: str, sums: dict[str, int]) -> Iterator[str]:
    yield f"# TYPE staydown_{sort}_seconds histogram"
    running = 0
    for bound in (*_BOUNDS_S, "+Inf"):
        running += sums[f"{sort} le {bound}"]
        yield f'staydown_{sort}_seconds_bucket{{le="{bound}"}} {running}'
    yield f"staydown_{sort}_seconds_sum {sums[f'{sort} ns'] / 1e9:.6f}"
    yield f"staydown_{sort}_seconds_count {running}"
