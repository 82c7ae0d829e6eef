"""Which entry a platform speaks of: it must be there, on a list that the platform receives."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from staydown_hub.enforcement.errors import NO_SUCH_LIST, NO_SUCH_POSITION, WrongRow, WrongRowsError
from staydown_hub.lists import queries as lists
from staydown_hub.rules.access import Scope
from staydown_hub.rules.audience import may_follow

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList


class Naming(Protocol):
    """What names an entry: a list by its slug, and a position."""

    @property
    def list(self) -> str:
        """Return the list's slug."""

    @property
    def position(self) -> int:
        """Return the position in its log."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """The kind of the organisation that reports, and what its key may do."""

    kind: str
    scopes: Collection[Scope]


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """An entry that is there: the list's key, the position, and its item."""

    shared_list: UUID
    position: int
    item: UUID


def named_entries(reporter: Reporter, rows: Sequence[Naming]) -> list[NamedEntry]:
    """Return the entry that each row names, in their order. Raises WrongRowsError that names every row without one."""
    known = lists.lists_called({row.list for row in rows})
    received = {slug: one for slug, one in known.items() if _receives(reporter, one)}
    items = _items(received, rows)
    wrong = [
        WrongRow(number, "position", NO_SUCH_POSITION)
        if row.list in received
        else WrongRow(number, "list", NO_SUCH_LIST)
        for number, row in enumerate(rows)
        if (row.list, row.position) not in items
    ]
    if wrong:
        raise WrongRowsError(wrong, reached_for_others=len(received) < len(known))
    return [NamedEntry(received[row.list].pk, row.position, items[row.list, row.position]) for row in rows]


def _receives(reporter: Reporter, one: "SharedList") -> bool:
    return may_follow(kind=reporter.kind, scopes=reporter.scopes, audience_kinds=one.audience_kinds)


def _items(received: "Mapping[str, SharedList]", rows: Sequence[Naming]) -> dict[tuple[str, int], UUID]:
    positions: defaultdict[str, set[int]] = defaultdict(set)
    for row in rows:
        positions[row.list].add(row.position)
    return {
        (slug, position): item
        for slug, one in received.items()
        for position, item in lists.items_admitted_at(one, positions[slug]).items()
    }
