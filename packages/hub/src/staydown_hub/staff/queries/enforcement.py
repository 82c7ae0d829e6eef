"""What platforms do with the lists, as the pages show it: who enforces them, what matched, what is disputed."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from staydown_hub.enforcement import queries
from staydown_hub.enforcement.models import Dispute, Match
from staydown_hub.enforcement.queries import EntryEnforcement, ListEnforcement
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.lists.queries import latest_entries
from staydown_hub.staff.viewer import Viewer


@dataclass(frozen=True, slots=True)
class EnforcedList:
    """A list and how it is enforced."""

    list: SharedList
    enforcement: ListEnforcement


@dataclass(frozen=True, slots=True)
class EnforcedEntry:
    """The latest entry about an item on one list, and who enforces it."""

    entry: Entry
    organisations: tuple[EntryEnforcement, ...]


def lists_overseen_by(viewer: Viewer) -> list[EnforcedList]:
    """Return the lists whose enforcement this person may see, by name."""
    lists = SharedList.objects.order_by("name", "slug")
    return [EnforcedList(one, queries.enforcement_of(one)) for one in lists if viewer.oversees(one.audience_kinds)]


def list_called(slug: str) -> SharedList | None:
    """Return the list with this slug."""
    return SharedList.objects.filter(slug=slug).first()


def of_item(item_id: UUID, viewer: Viewer) -> list[EnforcedEntry]:
    """Return who enforces the latest entry about the item, on each list whose enforcement this person may see."""
    return [
        EnforcedEntry(
            entry,
            queries.entry_enforcement(
                position=entry.position, made_at=entry.at, filters=queries.filters_of(entry.shared_list)
            ),
        )
        for entry in latest_entries(item_id)
        if viewer.oversees(entry.shared_list.audience_kinds)
    ]


def matches_of(item_id: UUID) -> QuerySet[Match]:
    """Return the matches of an item, newest first."""
    rows = Match.objects.filter(item=item_id).select_related("organisation", "shared_list")
    return rows.order_by("-at", "-pk")


def disputes_of_item(item_id: UUID) -> QuerySet[Dispute]:
    """Return the disputes of an item's entries, newest first."""
    return _disputes().filter(item=item_id)


def disputes_of_list(shared_list: SharedList) -> QuerySet[Dispute]:
    """Return the disputes of a list's entries, newest first."""
    return _disputes().filter(shared_list=shared_list)


def _disputes() -> QuerySet[Dispute]:
    return Dispute.objects.select_related("organisation", "shared_list").order_by("-at", "pk")
