"""Reading proposals: what waits for an actor, and what became of one."""

from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from staydown_hub.organisations import hands
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import UnknownProposalError
from staydown_hub.organisations.four_eyes import is_own, proposed_of
from staydown_hub.organisations.models import Proposal
from staydown_hub.rules import four_eyes as rules

MOST_AT_ONCE: Final = 200


def seen_by(actor: Actor) -> QuerySet[Proposal]:
    """Return the proposals that the actor's organisation made or decided, and those that the actor could decide."""
    hand = hands.hand_of(actor)
    acts = [act for act in rules.ACTS if hands.could_decide(act, hand)]
    own = Q(organisation=actor.organisation) | Q(decided_organisation=actor.organisation)
    rows = Proposal.objects.filter(own | Q(act__in=acts))
    return rows.select_related("organisation", "proposed_by", "decided_organisation", "decided_by")


def open_for(actor: Actor) -> list[Proposal]:
    """Return what waits and the actor sees, the oldest first."""
    rows = seen_by(actor).filter(state="open", expires_at__gt=timezone.now())
    return list(rows.order_by("proposed_at", "pk")[:MOST_AT_ONCE])


def proposal_for(actor: Actor, proposal_id: UUID) -> Proposal:
    """Return one proposal that the actor sees. Raises UnknownProposalError."""
    found = seen_by(actor).filter(pk=proposal_id).first()
    if found is None:
        raise UnknownProposalError
    return found


def exists(proposal_id: UUID) -> bool:
    """Tell whether there is such a proposal, whoever sees it."""
    return Proposal.objects.filter(pk=proposal_id).exists()


def may_decide(actor: Actor, proposal: Proposal) -> bool:
    """Tell whether the actor is a second hand for this proposal, and it is still open."""
    if not is_open(proposal) or is_own(proposal, actor):
        return False
    return rules.may_approve(proposed_of(proposal), hands.hand_of(actor), raised_by=hands.raised_by(actor))


def is_open(proposal: Proposal) -> bool:
    """Tell whether the proposal still waits."""
    return proposal.state == "open" and proposal.expires_at > timezone.now()


def count_waiting_on(actor: Actor) -> int:
    """Return how many proposals wait for this actor's word."""
    return sum(may_decide(actor, one) for one in open_for(actor))
