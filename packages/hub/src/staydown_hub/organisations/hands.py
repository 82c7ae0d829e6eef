"""Who stands behind an act, as the database knows it now: what was true at sign-in may not be any more."""

from uuid import UUID

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import ApiKey, Organisation, Person, Proposal
from staydown_hub.rules import four_eyes, people
from staydown_hub.rules.access import effective_scopes


def hand_of(actor: Actor) -> four_eyes.Hand:
    """Return the hand that acts; somebody inactive, and a key that is revoked or expired, has no rights."""
    kind = Organisation.objects.values_list("kind", flat=True).get(pk=actor.organisation)
    if actor.key is not None:
        key = ApiKey.objects.filter(pk=actor.key, organisation=actor.organisation, revoked_at=None).first()
        scopes = effective_scopes(kind=kind, granted=frozenset(key.scopes if key else ()))
        person = key.person_id if key else None
        return four_eyes.Hand(actor.organisation, kind, person, role=None, is_key=True, scopes=scopes)
    found = Person.objects.filter(pk__in=_one(actor.person), organisation=actor.organisation, is_active=True).first()
    role = found.role if found else None
    scopes = people.scopes_of_person(role=role or "", kind=kind)
    return four_eyes.Hand(actor.organisation, kind, actor.person, role=role, is_key=False, scopes=scopes)


def raised_by(actor: Actor) -> frozenset[UUID]:
    """Return who invited the person behind the act, and who gave them their role."""
    found = Person.objects.filter(pk__in=_one(actor.person)).values_list("invited_by", "role_given_by").first()
    return frozenset(one for one in found or () if one is not None)


def proposer_of(proposal: Proposal) -> Actor | None:
    """Return who proposed, as services know an actor; None for the operator."""
    if proposal.organisation_id is None:
        return None
    return Actor(
        organisation=proposal.organisation_id,
        source=proposal.source,
        person=proposal.proposed_by_id,
        key=proposal.proposed_by_key_id,
    )


def has_to_do_with(actor: Actor, proposal: Proposal) -> bool:
    """Tell whether the actor's organisation is shown this proposal: it proposed it, decided it, or could decide it."""
    if actor.organisation in {proposal.organisation_id, proposal.decided_organisation_id}:
        return True
    return could_decide(proposal.act, hand_of(actor))


def could_decide(act: four_eyes.Act, hand: four_eyes.Hand) -> bool:
    """Tell whether this hand is one that may approve such acts at all, whoever proposed them."""
    demand = four_eyes.DEMANDS[act]
    if hand.is_key:
        return demand.key_scope is not None and demand.key_scope in hand.scopes
    return hand.role is not None and people.may(role=hand.role, kind=hand.kind, deed=demand.approve)


def _one(person: UUID | None) -> list[UUID]:
    return [] if person is None else [person]
