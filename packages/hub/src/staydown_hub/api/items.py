"""One item with its history; never with its addresses."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from staydown_hub.api.access import Key, caller, note_reading
from staydown_hub.api.errors import not_found
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import FingerprintForm, StandingForm, Strict, standing_form
from staydown_hub.lists import queries as lists
from staydown_hub.organisations.queries import Caller
from staydown_hub.registry import queries as registry
from staydown_hub.takedowns import queries as takedowns

router = Router(tags=["items"])


class AssessmentLine(Strict):
    """One organisation's assessment; of several by one organisation the last counts."""

    organisation: str
    kind: str
    scheme: str
    code: str
    at: datetime
    independent: bool


class EntryLine(Strict):
    """One entry about the item."""

    list: str
    position: int
    operation: str
    at: datetime


class RequestLine(Strict):
    """One request for removal of the item at one address; the recipient is null while nobody answers for the host."""

    request: UUID
    state: str
    recipient: str | None
    at: datetime


class ItemDetail(Strict):
    """An item with everything but its addresses."""

    item: UUID
    kind: str
    standing: StandingForm
    fingerprints: list[FingerprintForm]
    assessments: list[AssessmentLine]
    entries: list[EntryLine]
    requests: list[RequestLine]
    sightings: int


@router.get("/items/{uuid:item}", auth=Key("read"), response=answers(has_body=False, s200=ItemDetail))
def show_item(request: HttpRequest, item: UUID) -> ItemDetail:
    """Show an item: its fingerprints, who assessed it how, its entries and requests, and how often it was seen.

    An organisation that can assess and has not sees no assessment but its own, and standing without what others said.
    """
    found = registry.item(item)
    if found is None:
        raise not_found()
    note_reading(caller(request), act="item read", subject=f"item:{found.pk}")
    return ItemDetail(
        item=found.pk,
        kind=found.kind,
        standing=standing_form(found.pk, who=caller(request)),
        fingerprints=[FingerprintForm.of(one) for one in registry.fingerprints_of(found.pk)],
        assessments=_assessment_lines(found.pk, who=caller(request)),
        entries=_entry_lines(found.pk),
        requests=_request_lines(found.pk),
        sightings=registry.sightings_of(found.pk).count(),
    )


def _assessment_lines(item_id: UUID, *, who: Caller) -> list[AssessmentLine]:
    return [
        AssessmentLine(
            organisation=row.organisation.slug,
            kind=row.organisation.kind,
            scheme=row.scheme,
            code=row.code,
            at=row.at,
            independent=row.independent,
        )
        for row in registry.assessments_seen(item_id, organisation=who.organisation.pk, kind=who.organisation.kind)
    ]


def _entry_lines(item_id: UUID) -> list[EntryLine]:
    return [
        EntryLine(list=row.shared_list.slug, position=row.position, operation=row.operation, at=row.at)
        for row in lists.entries_of(item_id)
    ]


def _request_lines(item_id: UUID) -> list[RequestLine]:
    return [
        RequestLine(
            request=row.pk, state=row.state, recipient=row.recipient.slug if row.recipient else None, at=row.opened_at
        )
        for row in takedowns.requests_of_item(item_id)
    ]
