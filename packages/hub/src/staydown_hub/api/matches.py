"""Matches that platforms report: which entry an upload hit, never the upload."""

from typing import Annotated, Final

from django.http import HttpRequest
from ninja import Router
from pydantic import Field, ValidationInfo, field_validator

from staydown_hub.api.access import Key, actor
from staydown_hub.api.reporting import refuse_rows, reporter
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Position, Reference, Strict
from staydown_hub.api.values import Identifier, Instant
from staydown_hub.enforcement import services
from staydown_hub.enforcement.errors import WrongRowsError
from staydown_hub.rules.fingerprints import MAX_DISTANCE_BITS, Algorithm

router = Router(tags=["matches"])

MAX_MATCHES: Final = 1000


class MatchForm(Strict):
    """One upload that hit an entry. `id` is the platform's own: sent again, it is the same match."""

    id: Identifier
    list: Annotated[str, Field(min_length=1, max_length=64)]
    position: Position
    algorithm: Algorithm
    distance_bits: Annotated[int, Field(ge=0, le=MAX_DISTANCE_BITS, description="0 for all but pdq.")]
    at: Instant
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
