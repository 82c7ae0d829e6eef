"""Reading what becomes of a list: who enforces it, who lags and how far, who never reported; and what matched."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.db.models import Count, F
from django.db.models.functions import TruncDate
from django.utils import timezone

from staydown_hub.enforcement.models import Dispute, Match, Receipt
from staydown_hub.lists import queries as lists
from staydown_hub.organisations.queries import organisations_holding
from staydown_hub.rules.audience import kinds_that_enforce
from staydown_hub.rules.enforcement import (
    FORGOTTEN_AFTER,
    PROBLEMS,
    PROGRESSES,
    RECEIPT_STATES,
    Problem,
    Progress,
    Told,
    enforced_since,
    progress_of,
)

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList

FIGURES_OF_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Named:
    """An organisation by its names."""

    id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class FilterLine:
    """One filter and how it stands now; ``missing_since`` is when the first entry that it has not got was made."""

    organisation: Named
    told: Told
    problem: Problem | None
    state_since: datetime
    missing_since: datetime | None
    progress: Progress


@dataclass(frozen=True, slots=True)
class Counts:
    """How many filters stand how."""

    filters: int
    live: int
    behind: int
    refused: int
    silent: int


@dataclass(frozen=True, slots=True)
class OrganisationLine:
    """One organisation's filters of a list together, the worst of them counting.

    ``late_s`` is for how long: since the first entry that is missing was made, since the list was refused, or since
    anything was heard. It is 0 when all are live.
    """

    organisation: Named
    counts: Counts
    position: int
    entries_behind: int
    late_s: float
    problems: tuple[Problem, ...]

    @property
    def lags(self) -> bool:
        """Tell whether any filter is not live."""
        return self.counts.live < self.counts.filters


@dataclass(frozen=True, slots=True)
class ListEnforcement:
    """A list as the platforms enforce it: laggards first, the one that is furthest behind before all."""

    size: int
    counts: Counts
    organisations: tuple[OrganisationLine, ...]
    never_reported: tuple[Named, ...]

    @property
    def laggards(self) -> tuple[OrganisationLine, ...]:
        """Return the organisations with a filter that is not live."""
        return tuple(one for one in self.organisations if one.lags)


@dataclass(frozen=True, slots=True)
class EntryEnforcement:
    """One organisation and an entry: how many of its filters enforce it, and, once all do, since when at the latest."""

    organisation: Named
    filters: int
    enforcing: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class DayCount:
    """How many matches of a list there were on a day (UTC)."""

    list: str
    day: date
    matches: int


def enforcement_of(shared_list: "SharedList", *, now: datetime | None = None) -> ListEnforcement:
    """Return who enforces the list now, who lags, and who does not report although it has a key for it."""
    at, size = now or timezone.now(), lists.size_of(shared_list)
    filters = filters_of(shared_list, now=at)
    own = _by_organisation(filters)
    lines = [_line(mine, size=size, now=at) for mine in own.values()]
    kinds = kinds_that_enforce(shared_list.audience_kinds)
    owing = organisations_holding("filter", kinds=kinds).exclude(pk__in=list(own))
    return ListEnforcement(
        size=size,
        counts=_counts(filters),
        organisations=tuple(sorted(lines, key=lambda line: (-line.late_s, not line.lags, line.organisation.name))),
        never_reported=tuple(Named(one.pk, one.slug, one.name) for one in owing),
    )


def entry_enforcement(
    *, position: int, made_at: datetime, filters: Sequence[FilterLine]
) -> tuple[EntryEnforcement, ...]:
    """Return, for each organisation that reported, how far it enforces the entry, by name."""
    return tuple(
        _of_entry(mine, position=position, made_at=made_at)
        for mine in sorted(_by_organisation(filters).values(), key=lambda mine: mine[0].organisation.name)
    )


def filters_of(shared_list: "SharedList", *, now: datetime | None = None) -> list[FilterLine]:
    """Return every filter that reported about the list in the last 30 days, with how it stands."""
    at = now or timezone.now()
    heard = Receipt.objects.filter(shared_list=shared_list, reported_at__gte=at - FORGOTTEN_AFTER)
    rows = list(heard.select_related("organisation"))
    missing = lists.times_at(shared_list, {row.position + 1 for row in rows})
    return [_filter_line(row, missing_since=missing.get(row.position + 1), now=at) for row in rows]


def _filter_line(row: Receipt, *, missing_since: datetime | None, now: datetime) -> FilterLine:
    state = next(one for one in RECEIPT_STATES if one == row.state)  # the database holds no other
    told = Told(row.position, state, row.live_since, row.reported_at)
    organisation = Named(row.organisation.pk, row.organisation.slug, row.organisation.name)
    progress = progress_of(told, missing_since=missing_since, now=now)
    problem = next((one for one in PROBLEMS if one == row.problem), None)
    return FilterLine(organisation, told, problem, row.state_since, missing_since, progress)


def _by_organisation(filters: Iterable[FilterLine]) -> dict[UUID, list[FilterLine]]:
    own: defaultdict[UUID, list[FilterLine]] = defaultdict(list)
    for one in filters:
        own[one.organisation.id].append(one)
    return own


def _counts(filters: Collection[FilterLine]) -> Counts:
    number = {progress: sum(one.progress == progress for one in filters) for progress in PROGRESSES}
    return Counts(filters=len(filters), **number)


def _line(filters: list[FilterLine], *, size: int, now: datetime) -> OrganisationLine:
    lowest = min(one.told.position for one in filters)
    return OrganisationLine(
        organisation=filters[0].organisation,
        counts=_counts(filters),
        position=lowest,
        entries_behind=max(0, size - 1 - lowest),
        late_s=max(_late_s(one, now) for one in filters),
        problems=tuple(sorted({one.problem for one in filters if one.problem})),
    )


def _late_s(one: FilterLine, now: datetime) -> float:
    if one.progress == "live":
        return 0.0
    if one.progress == "refused":
        return (now - one.state_since).total_seconds()
    if one.progress == "silent":
        return (now - one.told.reported_at).total_seconds()
    return (now - (one.missing_since or one.state_since)).total_seconds()


def _of_entry(filters: list[FilterLine], *, position: int, made_at: datetime) -> EntryEnforcement:
    sinces = [
        since
        for one in filters
        if (since := enforced_since(one.told, position=position, made_at=made_at, progress=one.progress))
    ]
    is_whole = len(sinces) == len(filters)
    return EntryEnforcement(filters[0].organisation, len(filters), len(sinces), max(sinces) if is_whole else None)


def count_matches() -> int:
    """Return how many matches were reported."""
    return Match.objects.count()


def count_disputes() -> int:
    """Return how many entries were disputed, once for each organisation."""
    return Dispute.objects.count()


def matches_by_day() -> list[DayCount]:
    """Return how many matches each list had on each of the last days, newest first; days without any are left out."""
    since = timezone.now() - timedelta(days=FIGURES_OF_DAYS)
    rows = Match.objects.filter(at__gte=since).annotate(slug=F("shared_list__slug"), day=TruncDate("at"))
    counted = rows.values_list("slug", "day").annotate(count=Count("pk")).order_by("-day", "slug")
    return [DayCount(list=slug, day=day, matches=count) for slug, day, count in counted]
