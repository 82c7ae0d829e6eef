"""Requests for removal: how each stands, what happened to it, and what the checks saw; never the address itself."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from staydown_hub.api.access import Key, caller, note_reading
from staydown_hub.api.errors import not_found, refuse_unknown_parameters
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Strict
from staydown_hub.takedowns import queries

if TYPE_CHECKING:
    from staydown_hub.takedowns.models import Request

router = Router(tags=["requests"])


class RequestForm(Strict):
    """A request as it stands; the recipient (by its slug) is null while nobody answers for the host."""

    request: UUID
    item: UUID
    state: str
    recipient: str | None
    at: datetime
    deadline_at: datetime | None


class RequestsAnswer(Strict):
    """Requests, newest first."""

    requests: list[RequestForm]


class TransitionLine(Strict):
    """One step of a request; `from` is empty for its first."""

    event: str
    from_state: Annotated[str, Field(serialization_alias="from")]
    to_state: Annotated[str, Field(serialization_alias="to")]
    at: datetime


class CheckLine(Strict):
    """What one look at the address saw."""

    outcome: str
    at: datetime


class RequestDetail(RequestForm):
    """A request with its history."""

    transitions: list[TransitionLine]
    checks: list[CheckLine]


@router.get("/requests", auth=Key("read"), response=answers(has_body=False, s200=RequestsAnswer))
def show_requests(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> RequestsAnswer:
    """Show the requests from the newest on, `limit` of them after the first `offset`."""
    refuse_unknown_parameters(request, known={"limit", "offset"})
    rows = queries.requests()[offset : offset + limit]
    return RequestsAnswer(requests=[_form(row) for row in rows])


@router.get(
    "/requests/{uuid:request_id}", auth=Key("read"), response=answers(has_body=False, s200=RequestDetail), by_alias=True
)
def show_request(request: HttpRequest, request_id: UUID) -> RequestDetail:
    """Show one request with its steps and checks."""
    found = queries.request(request_id)
    if found is None:
        raise not_found()
    note_reading(caller(request), act="request read", subject=f"request:{found.pk}")
    return RequestDetail(
        **_form(found).model_dump(),
        transitions=[
            TransitionLine(event=row.event, from_state=row.from_state, to_state=row.to_state, at=row.at)
            for row in found.transitions.all()
        ],
        checks=[CheckLine(outcome=row.outcome, at=row.at) for row in found.checks.all()],
    )


def _form(row: "Request") -> RequestForm:
    return RequestForm(
        request=row.pk,
        item=row.sighting.item_id,
        state=row.state,
        recipient=row.recipient.slug if row.recipient else None,
        at=row.opened_at,
        deadline_at=row.deadline_at,
    )
