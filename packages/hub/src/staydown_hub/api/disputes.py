"""Disputes: a platform holds that an entry should not be in force."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from staydown_hub.api.access import Key, actor
from staydown_hub.api.reporting import refuse_rows, reporter
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Position, Reason, Strict
from staydown_hub.enforcement import services
from staydown_hub.enforcement.errors import WrongRowsError

router = Router(tags=["disputes"])


class DisputeForm(Strict):
    """The entry by its place, and why it should not be in force."""

    list: Annotated[str, Field(min_length=1, max_length=64)]
    position: Position
    reason: Reason


class DisputeAnswer(Strict):
    """The dispute as it is known from here on."""

    dispute: UUID


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
