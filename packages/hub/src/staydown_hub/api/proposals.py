"""Acts that take two: what waits, and agreeing to it with another organisation's key."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from staydown_hub.api.access import Key, actor, caller, forbidden
from staydown_hub.api.routing import answers
from staydown_hub.api.schemas import Reason, Strict
from staydown_hub.lists.errors import NotCarriedByError
from staydown_hub.organisations import four_eyes, waiting
from staydown_hub.organisations.errors import NotASecondHandError
from staydown_hub.rules.four_eyes import Act, State

if TYPE_CHECKING:
    from staydown_hub.organisations.models import Proposal

router = Router(tags=["proposals"])


class ProposalAnswer(Strict):
    """What was proposed, by which organisation (none: the hub's operator), and what became of it.

    ``result`` is there once it is approved: for a withdrawal the ``position`` of the withdrawal itself.
    """

    proposal: UUID
    act: Act
    on: str
    organisation: str | None
    state: State
    proposed_at: datetime
    expires_at: datetime
    payload: dict[str, Any]
    result: dict[str, Any] | None

    @classmethod
    def of(cls, one: "Proposal") -> "ProposalAnswer":
        """Return a proposal as it travels."""
        return cls(
            proposal=one.pk,
            act=one.act,
            on=one.subject,
            organisation=one.organisation.slug if one.organisation else None,
            state=one.state,
            proposed_at=one.proposed_at,
            expires_at=one.expires_at,
            payload=one.payload,
            result=one.result,
        )


class ProposalsAnswer(Strict):
    """What waits, the oldest first."""

    proposals: Annotated[list[ProposalAnswer], Field(max_length=waiting.MOST_AT_ONCE)]


class ApprovalForm(Strict):
    """Agreeing needs no words; the body is an empty object."""


class DeclineForm(Strict):
    """Why not; the reason stays with the members."""

    reason: Reason


@router.get("/proposals", auth=Key("withdraw"), response=answers(has_body=False, s200=ProposalsAnswer))
def show_proposals(request: HttpRequest) -> ProposalsAnswer:
    """Name what waits and the caller proposed or could agree to, the oldest first."""
    rows = waiting.open_for(actor(request))
    return ProposalsAnswer(proposals=[ProposalAnswer.of(one) for one in rows])


@router.get("/proposals/{uuid:proposal}", auth=Key("withdraw"), response=answers(has_body=False, s200=ProposalAnswer))
def show_proposal(request: HttpRequest, proposal: UUID) -> ProposalAnswer:
    """Tell what became of one proposal."""
    return ProposalAnswer.of(waiting.proposal_for(actor(request), proposal))


@router.post(
    "/proposals/{uuid:proposal}/approval", auth=Key("withdraw"), response=answers(has_body=True, s200=ProposalAnswer)
)
def approve(request: HttpRequest, proposal: UUID, approval: ApprovalForm) -> ProposalAnswer:  # noqa: ARG001 -- an empty body
    """Agree to what another organisation's proposed; it is carried out at once. Its own organisation's key cannot."""
    try:
        return ProposalAnswer.of(four_eyes.approve(actor(request), proposal_id=proposal))
    except (NotASecondHandError, NotCarriedByError) as error:
        raise forbidden(caller(request), route=request.path, message=str(error)) from None


@router.post(
    "/proposals/{uuid:proposal}/decline", auth=Key("withdraw"), response=answers(has_body=True, s200=ProposalAnswer)
)
def decline(request: HttpRequest, proposal: UUID, declined: DeclineForm) -> ProposalAnswer:
    """Decline what another organisation's proposed, or take back what this key proposed."""
    try:
        return ProposalAnswer.of(four_eyes.decline(actor(request), proposal_id=proposal, reason=declined.reason))
    except NotASecondHandError as error:
        raise forbidden(caller(request), route=request.path, message=str(error)) from None
