"""Matches that platforms report: which entry an upload hit, never the upload."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from staydown_hub.api.access import Key, actor
from staydown_hub.api.reporting import refuse_rows, reporter
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Position, Reference, Strict
from staydown_hub.enforcement import services
from staydown_hub.enforcement.errors import WrongRowsError
from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, Algorithm

router = Router(tags=["matches"])

MAX_MATCHES: Final = 1000
_INSTANT: Final = re.compile(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _instant(given: object) -> datetime:
    if isinstance(given, str) and _INSTANT.fullmatch(given):
        try:
            return datetime.fromisoformat(given).astimezone(UTC)
        except ValueError:
            pass
    raise ValueError("Must be a time in UTC such as 2026-01-02T03:04:05.678901Z.")


def _identifier(given: object) -> UUID:
    if isinstance(given, str) and _UUID.fullmatch(given):
        return UUID(given)
    raise ValueError("Must be a UUID in lower-case letters with its dashes.")


class MatchForm(Strict):
    """One upload that hit an entry. `id` is the platform's own: sent again, it is the same match."""

    id: Annotated[UUID, BeforeValidator(_identifier)]
    list: Annotated[str, Field(min_length=1, max_length=64)]
    position: Position
    algorithm: Algorithm
    distance_bits: Annotated[int, Field(ge=0, le=MAX_DISTANCE_BITS, description="0 for all but pdq.")]
    at: Annotated[datetime, BeforeValidator(_instant)]
    reference: Reference | None = None

    @field_validator("distance_bits")
    @classmethod
    def _check_distance(cls, distance_bits: int, info: ValidationInfo) -> int:
        algorithm: Algorithm | None = info.data.get("algorithm")
        if distance_bits and algorithm and algorithm != "pdq":
            raise ValueError("An exact fingerprint matches at distance 0 or not at all.")
        return distance_bits


class MatchesForm(Strict):
    """Matches in the order in which they happened, or any other."""

    matches: Annotated[list[MatchForm], Field(min_length=1, max_length=MAX_MATCHES)]


class MatchesAnswer(Strict):
    """How many were new, and how many had been reported before."""

    accepted: int
    known: int


@router.post("/matches", auth=Key("filter"), response=answers(has_body=True, s200=MatchesAnswer))
def take_matches(request: HttpRequest, report: MatchesForm) -> MatchesAnswer:
    """Report matches, up to 1,000 at a time, all or nothing; what was reported before is known and counts once.

    Rows that name no entry of a list that the caller receives are all named: leave them out and send the rest again.
    """
    matches = [
        services.ReportedMatch(
            identifier=one.id,
            list=one.list,
            position=one.position,
            algorithm=one.algorithm,
            distance_bits=one.distance_bits,
            at=one.at,
            reference=one.reference or "",
        )
        for one in report.matches
    ]
    try:
        taken = services.take_matches(actor(request), reporter=reporter(request), matches=matches)
    except WrongRowsError as error:
        refuse_rows(request, error, of="matches")
    return MatchesAnswer(accepted=taken.accepted, known=taken.known)
