"""An item's history: everything that happened to it as one timeline, newest first, a page at a time.

The database merges the kinds of event by time, so that an item with years of checks costs no more than a new one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, F, Model, QuerySet, Value
from django.db.models.functions import Cast

from staydown_hub.lists.models import Entry
from staydown_hub.registry.models import Assessment, Item, Sighting

@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; ``kind`` names the template that tells it, ``row`` is what it tells of."""

    at: datetime
    kind: str
    row: Model

    @property
    def template(self) -> str:
        """Return the template that tells this kind of event."""
        return f"staff/events/{self.kind}.html"


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where the events of one kind are found, when they happened, and what a page shows of each."""

    found_in: Callable[[UUID], QuerySet[Any]]
    at: str
    shown: Callable[[], QuerySet[Any]]


_KINDS: Final[Mapping[str, _Kind]] = {
    "opened": _Kind(
        found_in=lambda item_id: Item.objects.filter(pk=item_id),
        at="opened_at",
        shown=lambda: Item.objects.select_related("opened_by"),
    ),
    "sighting": _Kind(
        found_in=lambda item_id: Sighting.objects.filter(item=item_id),
        at="first_reported_at",
        shown=lambda: Sighting.objects.select_related("reported_by").defer("url", "url_digest"),
    ),
    "assessment": _Kind(
        found_in=lambda item_id: Assessment.objects.filter(item=item_id),
        at="at",
        shown=lambda: Assessment.objects.select_related("organisation"),
    ),
    "entry": _Kind(
        found_in=lambda item_id: Entry.objects.filter(item=item_id),
        at="at",
        shown=lambda: Entry.objects.select_related("shared_list", "withdrawal__organisation"),
    ),
}


def marks_of(item_id: UUID) -> QuerySet[Any, dict[str, Any]]:
    """Return what happened to an item and when, newest first; ``events_of`` fetches the rest of what a page shows."""
    first, *others = (_marks(name, kind, item_id) for name, kind in _KINDS.items())
    return first.union(*others, all=True).order_by("-happened_at", "-event", "-key")


def _marks(name: str, kind: _Kind, item_id: UUID) -> QuerySet[Any, dict[str, Any]]:
    """Return where and when the events of one kind are: alike for all kinds, so that they can be merged."""
    return (
        kind.found_in(item_id)
        .order_by()
        .annotate(happened_at=F(kind.at), event=Value(name, CharField()), key=Cast("pk", CharField()))
        .values("happened_at", "event", "key")
    )


def events_of(marks: Iterable[dict[str, Any]]) -> list[Event]:
    """Return the events of one page in its order, fetched in one query a kind."""
    wanted = list(marks)
    rows = {
        (name, str(row.pk)): row
        for name, kind in _KINDS.items()
        if (keys := [mark["key"] for mark in wanted if mark["event"] == name])
        for row in kind.shown().filter(pk__in=keys)
    }
    return [Event(at=mark["happened_at"], kind=mark["event"], row=rows[mark["event"], mark["key"]]) for mark in wanted]
