"""Reading the lists: which an organisation receives, what is in force, and how an item stands."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from staydown_hub.lists.body import content_of
from staydown_hub.lists.models import Entry, Ruling, SafeFingerprint, SelfReport, SharedList
from staydown_hub.registry import queries as registry
from staydown_hub.rules.access import Scope
from staydown_hub.rules.admission import Content, Judgement, Status, status_of
from staydown_hub.rules.audience import may_follow
from staydown_hub.rules.confidence import Confidence, confidence_of
from staydown_hub.rules.independence import hides, sees_others
from staydown_hub.sealing.records import Record


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands: the list's slug and the position in its log."""

    list: str
    position: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How an item stands: its status, the latest entry about it on each list, and how sure its judges are.

    ``confidence`` is None for an organisation that has still to judge the item.
    """

    status: Status
    entries: tuple[Place, ...]
    confidence: Confidence | None


@dataclass(frozen=True, slots=True)
class FollowedList:
    """A list as its audience sees it: ``size`` is the next position of its log.

    ``origin`` and ``keys`` are what the log is called and verified by; empty until the feed has opened it.
    """

    slug: str
    name: str
    size: int
    origin: str
    keys: tuple[str, ...]


def records(shared_list: SharedList, start: int, limit: int) -> list[Record]:
    """Return the list's entries from this position on as its log has them, at most `limit`."""
    rows = Entry.objects.filter(shared_list=shared_list, position__gte=start).order_by("position")[:limit]
    return [Record(bytes(row.leaf_hash), None if row.salt is None else bytes(row.salt), row.body) for row in rows]


def lists_followed_by(*, kind: str, scopes: Collection[Scope]) -> list[FollowedList]:
    """Return the lists that an organisation of this kind with these scopes receives."""
    last = Entry.objects.filter(shared_list=OuterRef("pk")).order_by("-position").values("position")[:1]
    rows = SharedList.objects.annotate(size=Coalesce(Subquery(last) + 1, 0)).order_by("slug")
    return [
        FollowedList(slug=row.slug, name=row.name, size=row.size, origin=row.log_origin, keys=tuple(row.log_keys))
        for row in rows
        if may_follow(kind=kind, scopes=scopes, audience_kinds=row.audience_kinds)
    ]


def list_called(slug: str) -> SharedList | None:
    """Return the list with this slug."""
    return SharedList.objects.filter(slug=slug).first()


def entries_of(item_id: UUID) -> QuerySet[Entry]:
    """Return all entries about the item with their lists, in the order in which they were made."""
    return Entry.objects.filter(item=item_id).select_related("shared_list").order_by("at", "pk")


def latest_entries(item_id: UUID) -> list[Entry]:
    """Return the latest entry about the item on each list, by the list's slug."""
    rows = Entry.objects.filter(item=item_id).select_related("shared_list")
    return list(rows.order_by("shared_list__slug", "-position").distinct("shared_list__slug"))


def is_in_force(item_id: UUID) -> bool:
    """Tell whether any list that assessments admit to has the item now."""
    return any(one.operation not in Entry.ENDING for one in latest_entries(item_id) if _is_judged(one))


def _is_judged(entry: Entry) -> bool:
    return entry.shared_list.basis == SharedList.ASSESSMENTS


def in_force_among(item_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the items that some list refuses now."""
    latest = Entry.objects.filter(item__in=item_ids).order_by("shared_list", "item", "-position")
    rows = latest.distinct("shared_list", "item").values_list("item", "operation")
    return {item for item, operation in rows if operation not in Entry.ENDING}


def content_in_force(shared_list: SharedList, item_id: UUID) -> Content | None:
    """Return what the item's entry on this list says now, or None when it is not on it."""
    last = shared_list.entries.filter(item=item_id).order_by("-position").first()
    return None if last is None or last.body is None or last.operation in Entry.ENDING else content_of(last.body)


def redacted_at(shared_list: SharedList, item_id: UUID) -> datetime | None:
    """Return when the item was last redacted from this list: what was judged before does not bring it back."""
    last = shared_list.entries.filter(item=item_id, operation=Entry.REDACT).order_by("-position").first()
    return last.at if last else None


def judged_since(shared_list: SharedList, item_id: UUID) -> datetime | None:
    """Return since when judgements for the item count on this list: since a redaction, or since it was ruled out."""
    times = [at for at in (redacted_at(shared_list, item_id), ruled_out_at(item_id)) if at]
    return max(times, default=None)


def ruled_out_at(item_id: UUID) -> datetime | None:
    """Return when people last ruled that the item does not qualify; of a dispute only its last round counts."""
    last: dict[UUID | int, Ruling] = {}
    for one in Ruling.objects.filter(item=item_id).order_by("round", "pk"):
        last[one.dispute_id or one.pk] = one
    return max((one.at for one in last.values() if not one.qualifies), default=None)


def heard(item_id: UUID, *, since: datetime | None = None) -> list[Judgement]:
    """Return the judgements that count: without those against the item that a panel has overruled."""
    overruled = _overruled([item_id]).get(item_id, set())
    judgements = registry.current_judgements(item_id, since=since)
    return [one for one in judgements if one.qualifies or one.organisation not in overruled]


def organisations_that_carried(item_id: UUID) -> set[UUID]:
    """Return the organisations behind any entry about the item: their assessments, or reports that they relayed."""
    carried = [one for entry in Entry.objects.filter(item=item_id) for one in entry.carried_by]
    relayed = SelfReport.objects.filter(item=item_id).values_list("organisation_id", flat=True)
    return registry.organisations_behind(carried) | set(relayed)


def count_admissions() -> int:
    """Return how often an item was admitted to a list."""
    return Entry.objects.filter(operation=Entry.ADMIT).count()


def carriers_in_force(shared_list: SharedList, item_id: UUID) -> set[int]:
    """Return the assessments that carried the item's latest admission to this list or an amendment since."""
    since = _since_admission(shared_list, item_id)
    return {one for entry in since for one in entry.carried_by}


def positions_in_force(shared_list: SharedList, item_id: UUID) -> set[int]:
    """Return the positions of the item's admission and its amendments while it is on this list, else nothing."""
    since = _since_admission(shared_list, item_id)
    return set() if since and since[0].operation in Entry.ENDING else {entry.position for entry in since}


def _since_admission(shared_list: SharedList, item_id: UUID) -> list[Entry]:
    """Return the entries about the item from its latest admission on, newest first."""
    entries: list[Entry] = []
    for entry in shared_list.entries.filter(item=item_id).order_by("-position"):
        entries.append(entry)
        if entry.operation == Entry.ADMIT:
            break
    return entries


@dataclass(frozen=True, slots=True)
class Asking:
    """The organisation that asks how an item stands, and its kind."""

    organisation: UUID
    kind: str


def standing_of(item_id: UUID, *, seen_by: Asking | None = None) -> Standing:
    """Return how the item stands; what others judged is left out for who could judge it and has not."""
    return standings_of([item_id], seen_by=seen_by)[item_id]


def standings_of(item_ids: Collection[UUID], *, seen_by: Asking | None = None) -> dict[UUID, Standing]:
    """Return how each of these items stands, in as many queries as for one."""
    rows = Entry.objects.filter(item__in=item_ids).select_related("shared_list")
    latest: dict[UUID, list[Entry]] = {one: [] for one in item_ids}
    for row in rows.order_by("item", "shared_list__slug", "-position").distinct("item", "shared_list__slug"):
        latest[row.item_id].append(row)
    judgements, overruled = registry.judgements_of(item_ids), _overruled(item_ids)
    return {
        one: _standing(latest[one], judgements.get(one, []), overruled=overruled.get(one, set()), seen_by=seen_by)
        for one in latest
    }


def _overruled(item_ids: Collection[UUID]) -> dict[UUID, set[UUID]]:
    """Return for each item that a panel ruled to qualify the organisations that had said no to it before."""
    rulings = Ruling.objects.filter(item__in=item_ids, panel__isnull=False, qualifies=True)
    last = rulings.values_list("item_id").annotate(at=Max("at")).order_by("item_id")
    return {item_id: registry.organisations_against(item_id, until=at) for item_id, at in last}


def _standing(
    latest: list[Entry], said: list[Judgement], *, overruled: Collection[UUID], seen_by: Asking | None
) -> Standing:
    judgements = [one for one in said if one.qualifies or one.organisation not in overruled]
    status = status_of(
        judgements=judgements,
        last_operations=[one.operation for one in latest if _is_judged(one)],
        is_held=any(one.operation not in Entry.ENDING for one in latest if not _is_judged(one)),
    )
    places = tuple(Place(one.shared_list.slug, one.position) for one in latest)
    has_assessed = seen_by is not None and any(one.organisation == seen_by.organisation for one in said)
    sees = seen_by is None or sees_others(kind=seen_by.kind, has_assessed=has_assessed)
    if hides(status, sees_others=sees):
        status = "open"
    return Standing(status, places, confidence_of(judgements) if sees else None)


def count_in_force() -> int:
    """Return how many items the lists refuse now, an item on two lists counted twice."""
    latest = Entry.objects.order_by("shared_list", "item", "-position").distinct("shared_list", "item")
    return Entry.objects.filter(pk__in=latest.values("pk")).exclude(operation__in=Entry.ENDING).count()


def lists_called(slugs: Collection[str]) -> dict[str, SharedList]:
    """Return those of the named lists that there are, by slug."""
    return {row.slug: row for row in SharedList.objects.filter(slug__in=slugs)}


def size_of(shared_list: SharedList) -> int:
    """Return the list's next position."""
    last = shared_list.entries.order_by("-position").values_list("position", flat=True).first()
    return 0 if last is None else last + 1


def times_at(shared_list: SharedList, positions: Collection[int]) -> dict[int, datetime]:
    """Return when the entries at these positions were made; a position that there is not is left out."""
    return dict(shared_list.entries.filter(position__in=positions).values_list("position", "at"))


def items_admitted_at(shared_list: SharedList, positions: Collection[int]) -> dict[int, UUID]:
    """Return the item of each of these positions that is an admission or an amendment, in force or not."""
    rows = shared_list.entries.filter(position__in=positions, operation__in=(Entry.ADMIT, Entry.AMEND))
    return dict(rows.values_list("position", "item_id"))


def safe_corpus() -> dict[str, int]:
    """Return how many fingerprints the safe corpus has of each source, without what was retired."""
    rows = SafeFingerprint.objects.filter(retired_at=None).values_list("source").annotate(count=Count("pk"))
    return dict(rows.order_by("source"))


def slugs() -> list[str]:
    """Return the slugs of all lists."""
    return list(SharedList.objects.order_by("slug").values_list("slug", flat=True))
