"""Reporting an item by its fingerprints, with where it was seen."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from staydown_hub.api.access import Key, actor, caller, forbidden
from staydown_hub.api.places import MAX_SIGHTINGS, SightingForm
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import (
    JudgementForm,
    OneFile,
    StandingForm,
    Strict,
    standing_form,
)
from staydown_hub.registry import queries, services

router = Router(tags=["reports"])


class ReportForm(OneFile):
    """An item's fingerprints, where it was seen, and the reporter's assessment if it has one."""

    sightings: Annotated[list[SightingForm], Field(max_length=MAX_SIGHTINGS)]
    assessment: JudgementForm | None = None


class ReportAnswer(Strict):
    """The item; for a key with the scope `read` also whether it was known, how it stands, and at how many addresses."""

    item: UUID
    known: Annotated[bool | None, Field(exclude_if=lambda known: known is None)] = None
    standing: Annotated[StandingForm | None, Field(exclude_if=lambda standing: standing is None)] = None
    sightings: Annotated[int | None, Field(exclude_if=lambda sightings: sightings is None)] = None


@router.post("/reports", auth=Key("report"), response=answers(has_body=True, s200=ReportAnswer, s201=ReportAnswer))
def make_report(request: HttpRequest, report: ReportForm) -> Status[ReportAnswer]:
    """Report an item: 201 when it is new, 200 when it was known. An assessment needs the scope `assess` too.

    A key without the scope `read` always gets 200 and `item` alone: reporting is no way to ask what is in the register.
    """
    if report.assessment and "assess" not in caller(request).scopes:
        message = "An assessment needs a key with the scope assess: leave it out, or ask the hub's operator for one."
        raise forbidden(caller(request), route=request.path, message=message)
    reported = services.report_item(
        actor(request),
        kind=report.kind,
        fingerprints=report.plain(),
        addresses=[one.seen() for one in report.sightings],
        code=report.assessment.code if report.assessment else None,
        scheme=report.assessment.scheme if report.assessment else None,
    )
    if "read" not in caller(request).scopes:
        return Status(HTTPStatus.OK, ReportAnswer(item=reported.item.pk))
    answer = ReportAnswer(
        item=reported.item.pk,
        known=reported.known,
        standing=standing_form(reported.item.pk, who=caller(request)),
        sightings=queries.sightings_of(reported.item.pk).count(),
    )
    return Status(HTTPStatus.OK if reported.known else HTTPStatus.CREATED, answer)
