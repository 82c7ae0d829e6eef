"""Who stands behind an act, as the database knows it now: what was true at sign-in may not be any more."""

from uuid import UUID

from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import ApiKey, Organisation, Person, Proposal
from staydown_hub.rules import four_eyes, people


def hand_of(actor: Actor) -> four_eyes.Hand:
    """Return the hand that acts; somebody inactive, and a key that is revoked or expired, has no rights."""
    kind = Organisation.objects.values_list("kind", flat=True).get(pk=actor.organisation)
    if actor.key is not None:
        return _hand_of_key(actor.key, actor.organisation, kind)
    found = Person.objects.filter(pk__in=_one(actor.person), organisation=actor.organisation, is_active=True).first()
    role = found.role if found else None
    scopes = people.scopes_of_person(role=role or "", kind=kind)
    return four_eyes.Hand(actor.organisation, kind, actor.person, role=role, is_key=False, scopes=scopes)


def _hand_of_key(key_id: UUID, organisation: UUID, kind: str) -> four_eyes.Hand:
    key = ApiKey.objects.select_related("person").filter(pk=key_id, organisation=organisation).first()
    if key is None or not key.is_usable(at=timezone.now()):
        return four_eyes.Hand(organisation, kind, None, role=None, is_key=True, scopes=frozenset())
    role = key.person.role if key.person else None
    scopes = people.scopes_of_key(kind=kind, granted=frozenset(key.scopes), role=role)
    return four_eyes.Hand(organisation, kind, key.person_id, role=None, is_key=True, scopes=scopes)


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
