"""What two organisations agree on: that another joins."""

from staydown_hub.organisations import four_eyes, services
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import SlugTakenError
from staydown_hub.organisations.four_eyes import Approved, Executor, Payload, Result
from staydown_hub.organisations.models import Organisation, Proposal
from staydown_hub.organisations.people import invite
from staydown_hub.rules.roll import OrganisationLine, organisation_line


def propose_organisation(actor: Actor | None, line: OrganisationLine) -> Proposal:
    """Propose that an organisation joins; ``actor`` None is the hub's operator.

    Raises SlugTakenError and what ``four_eyes.propose`` raises.
    """
    payload = {
        "slug": line.slug,
        "name": line.name,
        "kind": line.kind,
        "domains": list(line.domains),
        "abuse_mail": line.abuse_mail,
        "people": [{"email": one.email, "role": one.role} for one in line.people],
    }
    subject = f"organisation:{line.slug}"
    if actor is None:
        return four_eyes.propose_as_operator(act="add organisation", subject=subject, payload=payload)
    return four_eyes.propose(actor, act="add organisation", subject=subject, payload=payload)


def register() -> None:
    """Say how this act is carried out."""
    four_eyes.register("add organisation", Executor(check=_check, carry_out=_add))


def _check(_actor: Actor | None, payload: Payload) -> None:
    line = organisation_line(payload)
    if Organisation.objects.filter(slug=line.slug).exists():
        raise SlugTakenError(line.slug)


def _add(agreed: Approved) -> Result:
    _check(None, agreed.payload)
    line = organisation_line(agreed.payload)
    made = services.make_organisation(
        slug=line.slug,
        name=line.name,
        kind=line.kind,
        domains=line.domains,
        abuse_mail=line.abuse_mail,
        by=agreed.approver,
    )
    for one in line.people:
        invite(made, email=one.email, role=one.role, by=agreed.proposer or agreed.approver)
    return {"organisation": str(made.pk), "slug": made.slug}
