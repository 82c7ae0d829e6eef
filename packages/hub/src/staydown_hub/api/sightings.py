"""Sightings: posted in batches by monitors, listed without their addresses, and one shown whole, on record."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Self
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from ninja import Router
from pydantic import Field, field_validator, model_validator

from staydown_hub.api.access import Key, actor, caller, forbidden, note_reading
from staydown_hub.api.errors import not_found
from staydown_hub.api.places import PeerForm, SightingForm
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import FingerprintForm, Strict
from staydown_hub.api.values import Identifier
from staydown_hub.registry import observing, queries, sightings
from staydown_hub.registry.observing import Outcome, Row
from staydown_hub.registry.sightings import Seen
from staydown_hub.rules.fingerprints import EXACT_ALGORITHMS
from staydown_hub.rules.peers import MAX_PEERS_OF_ONE_REPORT, has_peers, may_see_peers

if TYPE_CHECKING:
    from staydown_hub.registry.models import Sighting

router = Router(tags=["sightings"])

MAX_ROWS: Final = 1000
MAX_PEERS_SHOWN: Final = 1000
MAX_REPORTS_SHOWN: Final = 100


class RowForm(SightingForm):
    """One sighting of a known item, which is named by its identifier or by one exact fingerprint."""

    item: Identifier | None = None
    fingerprint: FingerprintForm | None = None
    peers: Annotated[list[PeerForm], Field(max_length=MAX_PEERS_OF_ONE_REPORT, default_factory=list)]

    @field_validator("fingerprint")
    @classmethod
    def _check_exact(cls, fingerprint: FingerprintForm | None) -> FingerprintForm | None:
        if fingerprint and fingerprint.algorithm not in EXACT_ALGORITHMS:
            raise ValueError(f"Name the item by one of {', '.join(EXACT_ALGORITHMS)}.")
        return fingerprint

    @model_validator(mode="after")
    def _check_item(self) -> Self:
        if (self.item is None) == (self.fingerprint is None):
            raise ValueError("Name the item by one of item and fingerprint.")
        if self.peers and not has_peers(self.address().kind):
            raise ValueError("Only what is shared by infohash or ed2k has peers.")
        return self

    def row(self) -> Row:
        """Return it as services know it."""
        seen = Seen(self.address(), self.seen_at, tuple(one.plain() for one in self.peers))
        if self.fingerprint is not None:
            return Row(self.fingerprint.plain(), seen)
        if self.item is None:
            raise LookupError("A row without an item passed its own check.")
        return Row(self.item, seen)


class BatchForm(Strict):
    """Sightings of known items, in the order in which they are answered."""

    sightings: Annotated[list[RowForm], Field(min_length=1, max_length=MAX_ROWS)]


class RowAnswer(Strict):
    """What became of one row: `new` and `known` are kept; for `unknown_item` report the item first."""

    row: int
    status: Outcome
    item: UUID | None
    sighting: UUID | None


class BatchAnswer(Strict):
    """What became of each row. What is `new` or `known` here is on the disk."""

    rows: list[RowAnswer]


class SeenLine(Strict):
    """One organisation's word that it saw the item there."""

    organisation: str
    seen_at: datetime
    reported_at: datetime


class SightingLine(Strict):
    """A sighting without its address."""

    sighting: UUID
    kind: str
    first_seen_at: datetime
    last_seen_at: datetime


class SightingsAnswer(Strict):
    """An item's sightings, the latest seen first."""

    sightings: list[SightingLine]


class SightingDetail(SightingLine):
    """A sighting whole: its address (null once erased), who said when, and for police the peers that shared it."""

    item: UUID
    address: str | None
    reports: list[SeenLine]
    peers: list[str] | None


@router.post("/sightings", auth=Key("report"), response=answers(has_body=True, s200=BatchAnswer))
def post_sightings(request: HttpRequest, batch: BatchForm) -> BatchAnswer:
    """Note up to 1,000 sightings of known items; sending the same again is harmless. Needs the scope `read` too.

    Hidden services and file-sharing open no request: the hub never goes there. Peers are for police alone.
    """
    if "read" not in caller(request).scopes:
        message = "This route tells which items are known: it needs a key with the scope read too."
        raise forbidden(caller(request), route=request.path, message=message)
    taken = observing.take_sightings(actor(request), [one.row() for one in batch.sightings])
    return BatchAnswer(
        rows=[
            RowAnswer(row=number, status=one.outcome, item=one.item, sighting=one.sighting)
            for number, one in enumerate(taken)
        ]
    )


@router.get("/items/{uuid:item}/sightings", auth=Key("read"), response=answers(has_body=False, s200=SightingsAnswer))
def show_sightings(request: HttpRequest, item: UUID) -> SightingsAnswer:
    """Show when an item was seen at how many places, without the addresses; the latest 1,000."""
    found = queries.item(item)
    if found is None:
        raise not_found()
    note_reading(caller(request), act="sightings read", subject=f"item:{found.pk}")
    rows = queries.sightings_of(found.pk).order_by("-last_seen_at", "pk")[:MAX_ROWS]
    return SightingsAnswer(sightings=[_line(row) for row in rows])


@router.get("/sightings/{uuid:sighting}", auth=Key("assess"), response=answers(has_body=False, s200=SightingDetail))
def show_sighting(request: HttpRequest, sighting: UUID) -> SightingDetail:
    """Show a sighting with its address, for whoever assesses; for police with the peers, 1,000 at most. On record."""
    found = sightings.sighting(sighting)
    if found is None:
        raise not_found()
    who = caller(request)
    sees_peers = may_see_peers(who.organisation.kind)
    with transaction.atomic():
        note_reading(who, act="address shown", subject=f"sighting:{found.pk}")
        if sees_peers:
            note_reading(who, act="peers shown", subject=f"sighting:{found.pk}")
        return SightingDetail(
            **_line(found).model_dump(),
            item=found.item_id,
            address=None if found.is_erased else sightings.address_of(found),
            reports=[
                SeenLine(organisation=one.organisation.slug, seen_at=one.seen_at, reported_at=one.reported_at)
                for one in sightings.reports_of(found.pk)[:MAX_REPORTS_SHOWN]
            ],
            peers=sightings.peers_of(found.pk, at_most=MAX_PEERS_SHOWN) if sees_peers else None,
        )


def _line(row: "Sighting") -> SightingLine:
    return SightingLine(sighting=row.pk, kind=row.kind, first_seen_at=row.first_seen_at, last_seen_at=row.last_seen_at)
