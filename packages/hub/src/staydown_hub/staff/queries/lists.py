"""Lists and their entries as the pages show them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Count, F, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.staff.queries.standings import in_force


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry in a table: ``categories`` is empty for a withdrawal, and for what was redacted."""

    position: int
    operation: str
    item: UUID
    categories: tuple[str, ...]
    fingerprint_count: int
    at: datetime


def lists() -> QuerySet[SharedList]:
    """Return all lists by name, each with its size and how many of its entries are in force."""
    last = Entry.objects.filter(shared_list=OuterRef("pk")).order_by().values("shared_list")
    holding = in_force().filter(shared_list=OuterRef("pk")).order_by().values("shared_list")
    return SharedList.objects.annotate(
        size=Coalesce(Subquery(last.annotate(size=Max(F("position") + 1)).values("size")), Value(0)),
        in_force=Coalesce(Subquery(holding.annotate(count=Count("pk")).values("count")), Value(0)),
    ).order_by("name", "slug")


def entries_of(shared_list: SharedList) -> QuerySet[Entry]:
    """Return the list's entries, newest position first."""
    return Entry.objects.filter(shared_list=shared_list).order_by("-position")


def rows_of(entries: Page[Entry]) -> list[EntryRow]:
    """Return a page of entries as rows, read from the entries' own text."""
    return [_row(entry, json.loads(entry.body or "{}")) for entry in entries]


def _row(entry: Entry, body: dict[str, Any]) -> EntryRow:
    return EntryRow(
        position=entry.position,
        operation=entry.operation,
        item=entry.item_id,
        categories=tuple(body.get("categories", ())),
        fingerprint_count=len(body.get("fingerprints", ())),
        at=entry.at,
    )
