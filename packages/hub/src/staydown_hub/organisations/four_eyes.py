"""Acts that take two people: proposed by one, approved by another, and carried out in the approving transaction.

An app registers what it can carry out as it starts, in ``AppConfig.ready``: ``register("export", Executor(...))``.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.organisations import hands
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import (
    AlreadyProposedError,
    MayNotProposeError,
    NotASecondHandError,
    NotOpenError,
    ProposerGoneError,
    UnknownProposalError,
)
from staydown_hub.organisations.models import Proposal
from staydown_hub.rules import four_eyes as rules

Payload = Mapping[str, Any]
Result = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Approved:
    """What two have agreed on: the payload, who proposed it, and who approved it just now."""

    proposal: UUID
    subject: str
    payload: Payload
    proposer: Actor | None
    approver: Actor


@dataclass(frozen=True, slots=True)
class Executor:
    """How an act is done. ``check`` raises the act's own errors while it is proposed, ``carry_out`` does it.

    What ``carry_out`` raises undoes the approval too. It returns what there is to tell, such as a position.
    """

    check: Callable[[Actor | None, Payload], None]
    carry_out: Callable[[Approved], Result]


_executors: Final[dict[str, Executor]] = {}


def register(act: rules.Act, executor: Executor) -> None:
    """Say how an act is carried out; safe to call again."""
    _executors[act] = executor


@transaction.atomic
def propose(actor: Actor, *, act: rules.Act, subject: str, payload: Payload) -> Proposal:
    """Propose an act for another to approve. ``payload`` is JSON, without addresses and fingerprints.

    Raises MayNotProposeError, AlreadyProposedError, and what the act's own check raises.
    """
    if not rules.may_propose(act, hands.hand_of(actor)):
        raise MayNotProposeError
    return _proposed(actor, act=act, subject=subject, payload=payload, source=actor.source)


@transaction.atomic
def propose_as_operator(*, act: rules.Act, subject: str, payload: Payload) -> Proposal:
    """Propose in the name of whoever runs the hub: a person of any organisation that may approves it."""
    return _proposed(None, act=act, subject=subject, payload=payload, source="command")


@transaction.atomic
def approve(actor: Actor, *, proposal_id: UUID) -> Proposal:
    """Approve what another proposed, and carry it out.

    Raises UnknownProposalError, NotOpenError, NotASecondHandError, ProposerGoneError, and what the act itself raises;
    nothing is done then.
    """
    proposal = _locked(actor, proposal_id)
    proposer = hands.proposer_of(proposal)
    if proposer is not None and not rules.may_propose(proposal.act, hands.hand_of(proposer)):
        raise ProposerGoneError
    if not rules.may_approve(proposed_of(proposal), hands.hand_of(actor), raised_by=hands.raised_by(actor)):
        raise NotASecondHandError
    result = _executors[proposal.act].carry_out(
        Approved(proposal.pk, proposal.subject, proposal.payload, proposer, actor)
    )
    return _decided(proposal, actor, state="approved", result=dict(result))


@transaction.atomic
def decline(actor: Actor, *, proposal_id: UUID, reason: str) -> Proposal:
    """Decline what another proposed, as whoever may approve it can; or take one's own proposal back.

    Raises UnknownProposalError, NotOpenError and NotASecondHandError.
    """
    proposal = _locked(actor, proposal_id)
    if is_own(proposal, actor):
        return _decided(proposal, actor, state="taken back", reason=reason)
    if not rules.may_approve(proposed_of(proposal), hands.hand_of(actor), raised_by=hands.raised_by(actor)):
        raise NotASecondHandError
    return _decided(proposal, actor, state="declined", reason=reason)


def expire_due() -> int:
    """Close what nobody decided in time, each on record; return how many. A job does this; time alone binds anyway."""
    closed = 0
    for proposal_id in Proposal.objects.filter(state="open", expires_at__lte=timezone.now()).values_list(
        "pk", flat=True
    ):
        with transaction.atomic():
            proposal = Proposal.objects.select_for_update().filter(pk=proposal_id, state="open").first()
            if proposal is not None:
                _decided(proposal, None, state="expired")
                closed += 1
    return closed


def is_own(proposal: Proposal, actor: Actor) -> bool:
    """Tell whether the actor made this proposal."""
    if proposal.proposed_by_key_id is not None:
        return proposal.proposed_by_key_id == actor.key
    return proposal.proposed_by_id is not None and actor.key is None and proposal.proposed_by_id == actor.person


def proposed_of(proposal: Proposal) -> rules.Proposed:
    """Return a proposal as the rule knows it."""
    return rules.Proposed(
        act=proposal.act,
        organisation=proposal.organisation_id,
        barred=frozenset(proposal.barred),
        is_holder_known=proposal.is_holder_known,
    )


def _proposed(actor: Actor | None, *, act: rules.Act, subject: str, payload: Payload, source: str) -> Proposal:
    organisation = actor.organisation if actor else None
    waiting = Proposal.objects.filter(act=act, subject=subject, organisation=organisation, state="open")
    now = timezone.now()
    if found := waiting.first():
        if found.expires_at > now:
            raise AlreadyProposedError(found.pk)
        _decided(found, None, state="expired")
    _executors[act].check(actor, payload)
    made = Proposal(
        act=act,
        subject=subject,
        payload=dict(payload),
        organisation_id=organisation,
        proposed_by_id=actor.person if actor else None,
        proposed_by_key_id=actor.key if actor else None,
        source=source,
        proposed_at=now,
        expires_at=now + rules.DEMANDS[act].open_for,
    )
    _save_new(made)
    _record(made, actor, word="proposed", source=source)
    return made


def _save_new(made: Proposal) -> None:
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        # Somebody of the organisation proposed the same in this instant.
        same = Proposal.objects.filter(act=made.act, subject=made.subject, organisation=made.organisation_id)
        raise AlreadyProposedError(same.get(state="open").pk) from None
    made.refresh_from_db()


def _locked(actor: Actor, proposal_id: UUID) -> Proposal:
    found = Proposal.objects.select_for_update().filter(pk=proposal_id).first()
    if found is None or not hands.has_to_do_with(actor, found):
        raise UnknownProposalError
    if found.state != "open" or found.expires_at <= timezone.now():
        raise NotOpenError
    return found


def _decided(
    proposal: Proposal, actor: Actor | None, *, state: rules.State, reason: str = "", result: Result | None = None
) -> Proposal:
    proposal.state, proposal.reason, proposal.decided_at = state, reason, timezone.now()
    proposal.result = None if result is None else dict(result)
    if actor is not None:
        proposal.decided_organisation_id, proposal.decided_by_id = actor.organisation, actor.person
        proposal.decided_by_key_id = actor.key
    proposal.save()
    _record(proposal, actor, word=state, source=actor.source if actor else "job")
    return proposal


def _record(proposal: Proposal, actor: Actor | None, *, word: str, source: str) -> None:
    """Put the step on record with the digest of what was proposed: what was approved is what was seen."""
    text = json.dumps(proposal.payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    record(
        act=f"proposal {word}",
        subject=f"proposal:{proposal.pk}",
        organisation=actor.organisation if actor else None,
        person=actor.person if actor else None,
        detail={
            "act": proposal.act,
            "on": proposal.subject,
            "payload": digest,
            "key": str(actor.key) if actor and actor.key else None,
        },
        source=source,
    )
