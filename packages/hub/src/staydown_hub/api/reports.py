"""Reporting an item by its fingerprints, with where it was seen."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from staydown_hub.api.access import Key, actor, caller, forbidden
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import (
    MAX_SIGHTINGS,
    Fingerprints,
    Kind,
    SightingForm,
    StandingForm,
    Strict,
    standing_form,
)
from staydown_hub.registry import queries, services
from staydown_hub.rules.addresses import parse_address
from staydown_hub.rules.classification import Code

router = Router(tags=["reports"])


class JudgementForm(Strict):
    """The reporter's own assessment."""

    code: Code


class ReportForm(Strict):
    """An item's fingerprints, where it was seen, and the reporter's assessment if it has one."""

    kind: Kind
    fingerprints: Fingerprints
    sightings: Annotated[list[SightingForm], Field(max_length=MAX_SIGHTINGS)]
    assessment: JudgementForm | None = None


class ReportAnswer(Strict):
    """The item, whether it was known before, how it stands, and at how many addresses it has been seen."""

    item: UUID
    known: bool
    standing: StandingForm
    sightings: int


@router.post("/reports", auth=Key("report"), response=answers(has_body=True, s200=ReportAnswer, s201=ReportAnswer))
def make_report(request: HttpRequest, report: ReportForm) -> Status[ReportAnswer]:
    """Report an item: 201 when it is new, 200 when it was known. An assessment needs the scope `assess` too."""
    if report.assessment and "assess" not in caller(request).scopes:
        message = "An assessment needs a key with the scope assess: leave it out, or ask the hub's operator for one."
        raise forbidden(caller(request), route=request.path, message=message)
    reported = services.report_item(
        actor(request),
        kind=report.kind,
        fingerprints=[one.plain() for one in report.fingerprints],
        addresses=[parse_address(one.url) for one in report.sightings],
        code=report.assessment.code if report.assessment else None,
    )
    answer = ReportAnswer(
        item=reported.item.pk,
        known=reported.known,
        standing=standing_form(reported.item.pk),
        sightings=queries.sightings_of(reported.item.pk).count(),
    )
    return Status(HTTPStatus.OK if reported.known else HTTPStatus.CREATED, answer)
