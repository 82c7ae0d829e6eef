"""Reports of people about pictures of themselves, relayed by a support centre: fingerprints, nothing of the person."""

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status

from staydown_hub.api.access import Key, actor, caller, forbidden, note_refusal
from staydown_hub.api.errors import RefusedError, not_found
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import OneFile, Strict
from staydown_hub.lists import deciding
from staydown_hub.lists.errors import (
    NoSelfReportListError,
    NotASupportCentreError,
    NotYoursToDecideError,
    TooManySelfReportsError,
)
from staydown_hub.registry.relaying import relay_self_report

router = Router(tags=["self-reports"])


class SelfReportForm(OneFile):
    """The fingerprints of one file, made where the person has it."""


class SelfReportAnswer(Strict):
    """The self-report as it is known from here on, its item, and until when filters hold copies of it."""

    self_report: UUID
    item: UUID
    expires_at: datetime


class EndedAnswer(Strict):
    """A self-report that holds no longer."""

    self_report: UUID


@router.post("/self-reports", auth=Key("report"), response=answers(has_body=True, s201=SelfReportAnswer))
def relay(request: HttpRequest, report: SelfReportForm) -> Status[SelfReportAnswer]:
    """Relay what a person reported of themselves: filters hold copies until it is assessed, for 30 days at most.

    For support centres. It puts nothing on any list but the one of self-reports, which never blocks.
    """
    try:
        made = relay_self_report(actor(request), kind=report.kind, fingerprints=report.plain())
    except NotASupportCentreError as error:
        raise forbidden(caller(request), route=request.path, message=str(error)) from None
    except (NoSelfReportListError, TooManySelfReportsError) as error:
        raise RefusedError(HTTPStatus.CONFLICT, "conflict", str(error)) from None
    return Status(
        HTTPStatus.CREATED, SelfReportAnswer(self_report=made.identifier, item=made.item, expires_at=made.expires_at)
    )


class EndForm(Strict):
    """Nothing needs to be said to take a self-report back."""


@router.post("/self-reports/{uuid:report}/end", auth=Key("report"), response=answers(has_body=True, s200=EndedAnswer))
def end(request: HttpRequest, report: UUID, nothing: EndForm) -> EndedAnswer:  # noqa: ARG001 -- the body is empty
    """Take a self-report back, for the support centre that relayed it: filters hold copies no longer."""
    try:
        deciding.end_self_report(actor(request), report_id=report)
    except NotYoursToDecideError:
        note_refusal(caller(request), route=request.path, status=HTTPStatus.NOT_FOUND)
        raise not_found() from None
    return EndedAnswer(self_report=report)
