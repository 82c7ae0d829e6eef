"""Disputes: a platform holds that an entry should not be in force."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import Field

from staydown_hub.api.access import Key, actor, caller, note_refusal
from staydown_hub.api.errors import RefusedError, not_found, refuse_unknown_parameters
from staydown_hub.api.reporting import refuse_rows, reporter
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Position, Reason, Strict
from staydown_hub.enforcement import reviewing, services
from staydown_hub.enforcement.errors import NotYoursError, WrongRowsError
from staydown_hub.rules.disputes import State

router = Router(tags=["disputes"])


class DisputeForm(Strict):
    """The entry by its place, and why it should not be in force."""

    list: Annotated[str, Field(min_length=1, max_length=64)]
    position: Position
    reason: Reason


class DisputeAnswer(Strict):
    """The dispute as it is known from here on."""

    dispute: UUID


class RulingLine(Strict):
    """What a reviewer found; the second round is an appeal's."""

    round: int
    entry_is_right: bool
    organisation: str
    reason: str
    at: datetime


class DisputeLine(Strict):
    """A dispute and where it stands; `deadline_at` is until when it is reviewed, or can be appealed."""

    dispute: UUID
    list: str
    position: int
    organisation: str
    reason: str
    at: datetime
    state: State
    deadline_at: datetime | None
    overdue: bool
    rulings: tuple[RulingLine, ...]


class DisputesAnswer(Strict):
    """Disputes, newest first."""

    disputes: list[DisputeLine]


class AppealForm(Strict):
    """Why a ruling should be looked at once more."""

    reason: Reason


@router.get("/disputes", auth=Key("filter", "read"), response=answers(has_body=False, s200=DisputesAnswer))
def show_disputes(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
) -> DisputesAnswer:
    """Show disputes and what became of them: all to who reads items, else the caller's own."""
    refuse_unknown_parameters(request, known={"limit", "offset"})
    who = caller(request)
    kind = who.organisation.kind if "read" in who.scopes else ""
    rows = reviewing.disputes_seen_by(who.organisation.pk, kind=kind)[offset : offset + limit]
    return DisputesAnswer(disputes=[_line(reviewing.case_of(one)) for one in rows])


def _line(case: reviewing.Case) -> DisputeLine:
    dispute = case.dispute
    return DisputeLine(
        dispute=dispute.pk,
        list=dispute.shared_list.slug,
        position=dispute.position,
        organisation=dispute.organisation.slug,
        reason=dispute.reason,
        at=dispute.at,
        state=case.state,
        deadline_at=case.deadline_at,
        overdue=case.is_overdue,
        rulings=tuple(
            RulingLine(
                round=one.round,
                entry_is_right=one.qualifies,
                organisation=one.organisation.slug if one.organisation else "",
                reason=one.reason,
                at=one.at,
            )
            for one in sorted(dispute.rulings.all(), key=lambda one: one.round)
        ),
    )


@router.post(
    "/disputes/{uuid:dispute}/appeals",
    auth=Key("filter", "assess"),
    response=answers(has_body=True, s201=DisputeAnswer),
)
def make_appeal(request: HttpRequest, dispute: UUID, appeal: AppealForm) -> Status[DisputeAnswer]:
    """Have a ruling that went against the caller looked at once more, by another reviewer, within 14 days of it."""
    who = caller(request)
    if not reviewing.is_party(dispute, organisation=who.organisation.pk):
        note_refusal(who, route=request.path, status=HTTPStatus.NOT_FOUND)
        raise not_found()
    try:
        reviewing.appeal(actor(request), dispute_id=dispute, reason=appeal.reason)
    except NotYoursError as error:
        raise RefusedError(HTTPStatus.CONFLICT, "conflict", str(error)) from None
    return Status(HTTPStatus.CREATED, DisputeAnswer(dispute=dispute))


@router.post("/disputes", auth=Key("filter"), response=answers(has_body=True, s200=DisputeAnswer, s201=DisputeAnswer))
def open_dispute(request: HttpRequest, dispute: DisputeForm) -> Status[DisputeAnswer]:
    """Dispute an entry: 201, or 200 when the caller's organisation disputed it before; the first reason stands."""
    disputed = services.ReportedDispute(list=dispute.list, position=dispute.position)
    try:
        made, is_new = services.open_dispute(
            actor(request), reporter=reporter(request), disputed=disputed, reason=dispute.reason
        )
    except WrongRowsError as error:
        refuse_rows(request, error)
    return Status(HTTPStatus.CREATED if is_new else HTTPStatus.OK, DisputeAnswer(dispute=made.pk))
