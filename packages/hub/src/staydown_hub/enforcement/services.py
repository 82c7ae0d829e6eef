"""Taking what platforms report about entries: matches, once each however often they are sent, and disputes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.enforcement.entries import NamedEntry, Reporter, named_entries
from staydown_hub.enforcement.models import Dispute
from staydown_hub.identification.services import note_matches
from staydown_hub.organisations.actors import Actor

# A platform's clock may be ahead: nothing was matched later than now.
_INSERT: Final = """
    INSERT INTO match (organisation_id, identifier, shared_list_id, position, item_id, algorithm, distance_bits,
        reference, at, received_at)
    SELECT %s, identifier, shared_list_id, position, item_id, algorithm, distance_bits, reference,
        least(at, now()), now()
    FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::uuid[], %s::text[], %s::smallint[], %s::text[],
        %s::timestamptz[])
        AS given(identifier, shared_list_id, position, item_id, algorithm, distance_bits, reference, at)
    ON CONFLICT (organisation_id, identifier) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class ReportedMatch:
    """One match as its platform reports it; ``identifier`` makes it the same however often it is sent."""

    identifier: UUID
    list: str
    position: int
    algorithm: str
    distance_bits: int
    at: datetime
    reference: str


@dataclass(frozen=True, slots=True)
class ReportedDispute:
    """The entry that a platform disputes."""

    list: str
    position: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How many matches of a report were new, and how many had come before."""

    accepted: int
    known: int


@transaction.atomic
def take_matches(actor: Actor, *, reporter: Reporter, matches: Sequence[ReportedMatch]) -> Taken:
    """Keep the matches that are new, all or nothing. Raises WrongRowsError for rows that name no entry."""
    entries = named_entries(reporter, matches)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [actor.organisation, *_columns(matches, entries)])
        accepted = cursor.rowcount
    if accepted:
        record(
            act="matches received",
            organisation=actor.organisation,
            person=actor.person,
            subject=f"organisation:{actor.organisation}",
            detail={"accepted": accepted, "known": len(matches) - accepted},
            source=actor.source,
        )
        note_matches({entry.item for entry in entries}, source=actor.source)
    return Taken(accepted=accepted, known=len(matches) - accepted)


def _columns(matches: Sequence[ReportedMatch], entries: Sequence[NamedEntry]) -> list[list[Any]]:
    rows = [
        (
            match.identifier,
            entry.shared_list,
            entry.position,
            entry.item,
            match.algorithm,
            match.distance_bits,
            match.reference,
            match.at,
        )
        for match, entry in zip(matches, entries, strict=True)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


@transaction.atomic
def open_dispute(actor: Actor, *, reporter: Reporter, disputed: ReportedDispute, reason: str) -> tuple[Dispute, bool]:
    """Keep that the organisation disputes the entry; return the dispute, and whether it is new. Its clock runs.

    Raises WrongRowsError when there is no such entry for it.
    """
    (entry,) = named_entries(reporter, [disputed])
    dispute, is_new = Dispute.objects.get_or_create(
        organisation_id=actor.organisation,
        shared_list_id=entry.shared_list,
        position=entry.position,
        defaults={"item_id": entry.item, "reason": reason, "at": timezone.now()},
    )
    if is_new:
        record(
            act="entry disputed",
            organisation=actor.organisation,
            person=actor.person,
            subject=f"item:{entry.item}",
            detail={"list": disputed.list, "position": entry.position, "dispute": str(dispute.pk)},
            source=actor.source,
        )
    return dispute, is_new
