"""What happened to an item, or to a request, as one timeline: newest first, a page at a time.

The database merges the kinds of event by time, so that an item with years of checks costs no more than a new one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, F, Model, Q, QuerySet, Value, Window
from django.db.models.functions import Cast, Lag, LPad

from staydown_hub.lists.models import Entry
from staydown_hub.registry.models import Assessment, Item, Sighting
from staydown_hub.takedowns.models import Check, Transition


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


def _all(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows


def _changes(checks: QuerySet[Check]) -> QuerySet[Check]:
    """Keep of each request's checks those that saw something else than the one before: most only see it again."""
    before = Window(Lag("outcome"), partition_by=F("request"), order_by=[F("at"), F("pk")])
    return checks.annotate(before=before).filter(Q(before=None) | ~Q(before=F("outcome")))


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of event: its rows with all that a page tells, when they happened, how they name their item, and which.

    ``told`` keeps, of the rows about one thing, those that are told.
    """

    rows: Callable[[], QuerySet[Any]]
    at: str
    item: str
    told: Callable[[QuerySet[Any]], QuerySet[Any]] = _all


_ABOUT_ITEM: Final[Mapping[str, _Kind]] = {
    "opened": _Kind(lambda: Item.objects.select_related("opened_by"), at="opened_at", item="pk"),
    "sighting": _Kind(
        lambda: Sighting.objects.select_related("reported_by").defer("sealed_address", "address_digest"),
        at="first_reported_at",
        item="item",
    ),
    "assessment": _Kind(lambda: Assessment.objects.select_related("organisation"), at="at", item="item"),
    "entry": _Kind(
        lambda: Entry.objects.select_related("shared_list", "withdrawal__organisation"), at="at", item="item"
    ),
}
_ABOUT_REQUEST: Final[Mapping[str, _Kind]] = {
    "transition": _Kind(
        lambda: Transition.objects.select_related("organisation", "request__recipient", "request__sighting").defer(
            "request__sighting__sealed_address"
        ),
        at="at",
        item="request__sighting__item",
    ),
    "check": _Kind(
        lambda: Check.objects.select_related("request__sighting").defer("request__sighting__sealed_address"),
        at="at",
        item="request__sighting__item",
        told=_changes,
    ),
}
# One width for all, so that keys which count up sort as they count; a UUID has this many characters.
_KEY_CHARACTERS: Final = 36
_KEY: Final = LPad(Cast("pk", CharField()), _KEY_CHARACTERS, Value("0"))
_KINDS: Final = {**_ABOUT_ITEM, **_ABOUT_REQUEST}


def sightings_in(events: Iterable[Event]) -> set[UUID]:
    """Return the sightings whose hosts these events name."""
    found: set[UUID] = set()
    for one in events:
        if isinstance(one.row, Sighting):
            found.add(one.row.pk)
        elif isinstance(one.row, Transition | Check):
            found.add(one.row.request.sighting_id)
    return found


def marks_of_item(item_id: UUID, *, judged_by: UUID | None = None) -> QuerySet[Any, dict[str, Any]]:
    """Return what happened to an item and when, newest first; ``events_of`` fetches the rest of what a page shows.

    Of assessments only those of the organisation ``judged_by`` are told, where one is given.
    """
    own: dict[str, UUID] = {"organisation": judged_by} if judged_by else {}
    return _merged(
        _marks(name, kind, **{kind.item: item_id}, **(own if name == "assessment" else {}))
        for name, kind in _KINDS.items()
    )


def marks_of_request(request_id: UUID) -> QuerySet[Any, dict[str, Any]]:
    """Return what happened to a request and when, newest first; ``events_of`` fetches the rest of what a page shows."""
    return _merged(_marks(name, kind, request=request_id) for name, kind in _ABOUT_REQUEST.items())


def _marks(name: str, kind: _Kind, **whose: UUID) -> QuerySet[Any, dict[str, Any]]:
    """Return where and when the events of one kind are: alike for all kinds, so that they can be merged."""
    rows: QuerySet[Any] = kind.rows().model._default_manager.filter(**whose).order_by()  # noqa: SLF001 -- Django's documented API
    marks: QuerySet[Any] = kind.told(rows).annotate(
        mark_at=F(kind.at), mark_kind=Value(name, CharField()), mark_key=_KEY
    )
    return marks.values("mark_at", "mark_kind", "mark_key")


def _merged(kinds: Iterable[QuerySet[Any, dict[str, Any]]]) -> QuerySet[Any, dict[str, Any]]:
    first, *others = kinds
    # Of what happened in the same instant: a step follows the check that caused it, and keys count up within a kind.
    return first.union(*others, all=True).order_by("-mark_at", "-mark_kind", "-mark_key")


def events_of(marks: Iterable[dict[str, Any]]) -> list[Event]:
    """Return the events of one page in its order, fetched in one query a kind."""
    wanted = list(marks)
    rows = {
        (name, str(row.pk).rjust(_KEY_CHARACTERS, "0")): row
        for name, kind in _KINDS.items()
        if (keys := [mark["mark_key"] for mark in wanted if mark["mark_kind"] == name])
        for row in kind.rows().filter(pk__in=keys)
    }
    return [
        Event(at=mark["mark_at"], kind=mark["mark_kind"], row=rows[mark["mark_kind"], mark["mark_key"]])
        for mark in wanted
    ]
