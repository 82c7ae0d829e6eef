"""Which platforms enforce a list, and an entry of it."""

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from django.http import HttpRequest
from ninja import Query, Router

from staydown_hub.api.access import Key, caller, note_refusal
from staydown_hub.api.errors import not_found, refuse_unknown_parameters
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import MAX_POSITION, Strict
from staydown_hub.enforcement import queries
from staydown_hub.lists import queries as lists
from staydown_hub.rules.audience import may_see_enforcement
from staydown_hub.rules.enforcement import Problem

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList

router = Router(tags=["lists"])


class FilterCounts(Strict):
    """How many filters there are, and how they stand by their last receipts."""

    filters: int
    live: int
    behind: int
    refused: int
    silent: int


class OrganisationEnforcement(FilterCounts):
    """One organisation's filters; `position` is the lowest of them, `late_s` how long the worst of them lags."""

    organisation: str
    name: str
    position: int
    entries_behind: int
    late_s: float
    problems: list[Problem]


class EntryEnforcementLine(Strict):
    """One organisation and the entry: `since` is when, at the latest, all of its filters had it, else null."""

    organisation: str
    filters: int
    enforcing: int
    since: datetime | None


class EntryEnforcementAnswer(Strict):
    """An entry, and who enforces it."""

    position: int
    at: datetime
    organisations: list[EntryEnforcementLine]


class EnforcementAnswer(FilterCounts):
    """A list as it is enforced: laggards first. `entry` is there when a position was asked for."""

    list: str
    size: int
    organisations: tuple[OrganisationEnforcement, ...]
    never_reported: tuple[str, ...]
    entry: EntryEnforcementAnswer | None


@router.get(
    "/lists/{slug:slug}/enforcement", auth=Key("read"), response=answers(has_body=False, s200=EnforcementAnswer)
)
def show_enforcement(
    request: HttpRequest, slug: str, position: Annotated[int | None, Query(ge=0, le=MAX_POSITION)] = None
) -> EnforcementAnswer:
    """Show which platforms enforce the list, who lags and who never reported; with `position`, who enforces that entry.

    For the list's audience with the scope `read`, and for regulators and oversight whatever the audience.
    """
    refuse_unknown_parameters(request, known={"position"})
    shared_list = _list_of_caller(request, slug)
    found = queries.enforcement_of(shared_list)
    return EnforcementAnswer(
        list=shared_list.slug,
        size=found.size,
        **_counts(found.counts),
        organisations=tuple(_line(one) for one in found.organisations),
        never_reported=tuple(one.slug for one in found.never_reported),
        entry=None if position is None else _entry(shared_list, position),
    )


def _list_of_caller(request: HttpRequest, slug: str) -> "SharedList":
    found, who = lists.list_called(slug), caller(request)
    if found is None:
        raise not_found()
    if not may_see_enforcement(kind=who.organisation.kind, scopes=who.scopes, audience_kinds=found.audience_kinds):
        note_refusal(who, route=request.path, status=HTTPStatus.NOT_FOUND)
        raise not_found()
    return found


def _counts(counts: queries.Counts) -> dict[str, int]:
    return {
        "filters": counts.filters,
        "live": counts.live,
        "behind": counts.behind,
        "refused": counts.refused,
        "silent": counts.silent,
    }


def _line(one: queries.OrganisationLine) -> OrganisationEnforcement:
    return OrganisationEnforcement(
        organisation=one.organisation.slug,
        name=one.organisation.name,
        **_counts(one.counts),
        position=one.position,
        entries_behind=one.entries_behind,
        late_s=round(one.late_s, 3),
        problems=list(one.problems),
    )


def _entry(shared_list: "SharedList", position: int) -> EntryEnforcementAnswer:
    made_at = lists.times_at(shared_list, [position]).get(position)
    if made_at is None:
        raise not_found("This list has no entry at that position.")
    filters = queries.filters_of(shared_list)
    lines = queries.entry_enforcement(position=position, made_at=made_at, filters=filters)
    return EntryEnforcementAnswer(
        position=position,
        at=made_at,
        organisations=[
            EntryEnforcementLine(
                organisation=one.organisation.slug, filters=one.filters, enforcing=one.enforcing, since=one.since
            )
            for one in lines
        ],
    )
