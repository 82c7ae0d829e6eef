"""Bringing in a roll of organisations: what is new is made, what exists stays as it is and says nothing.

Once somebody here may agree to a new organisation, the operator proposes it as anybody else does.
"""

from dataclasses import dataclass

from django.db import transaction

from staydown_hub.organisations import keys, services
from staydown_hub.organisations.errors import AlreadyProposedError
from staydown_hub.organisations.models import ApiKey, Organisation, Person, Proposal
from staydown_hub.organisations.proposed import propose_organisation
from staydown_hub.organisations.queries import people_called
from staydown_hub.organisations.training import record_certificate
from staydown_hub.rules.people import may
from staydown_hub.rules.roll import KeyLine, OrganisationLine, PersonLine


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import made; the secrets in it are known here and now only."""

    organisations: tuple[Organisation, ...]
    people: tuple[services.NewPerson, ...]
    keys: tuple[keys.NewApiKey, ...]
    proposed: tuple[Proposal, ...] = ()


@transaction.atomic
def import_roll(lines: tuple[OrganisationLine, ...]) -> Imported:
    """Make the organisations, people and keys that do not exist yet, all or nothing.

    Raises ScopeBeyondKindError when an organisation that exists is of a kind that may not hold a new key's scopes.
    """
    known = {one.slug: one for one in Organisation.objects.filter(slug__in=[line.slug for line in lines])}
    new = [line for line in lines if line.slug not in known]
    proposed = [_propose(line) for line in new] if new and has_approvers() else []
    fresh = {} if proposed else {line.slug: _make(line) for line in new}
    everyone = known | fresh
    here = [line for line in lines if line.slug in everyone]
    people = [made for line in here for one in line.people if (made := _person(everyone[line.slug], one))]
    made_keys = [key for line in here for one in line.keys if (key := _key(everyone[line.slug], one))]
    return Imported(tuple(fresh.values()), tuple(people), tuple(made_keys), tuple(proposed))


def has_approvers() -> bool:
    """Tell whether anybody here may agree to a new organisation: until then the hub is being set up."""
    active = Person.objects.filter(is_active=True).values_list("role", "organisation__kind").distinct()
    return any(may(role=role, kind=kind, deed="approve organisation") for role, kind in active)


def _propose(line: OrganisationLine) -> Proposal:
    try:
        return propose_organisation(None, line)
    except AlreadyProposedError as error:
        return Proposal.objects.get(pk=error.proposal)


def _make(line: OrganisationLine) -> Organisation:
    return services.make_organisation(
        slug=line.slug, name=line.name, kind=line.kind, domains=line.domains, abuse_mail=line.abuse_mail
    )


def _person(organisation: Organisation, line: PersonLine) -> services.NewPerson | None:
    if Person.objects.filter(email__iexact=line.email).exists():
        return None
    made = services.make_person(organisation, email=line.email, role=line.role)
    for one in line.certificates:
        record_certificate(None, person=made.person, course=one.course, issued_on=one.issued, expires_on=one.expires)
    return made


def _key(organisation: Organisation, line: KeyLine) -> keys.NewApiKey | None:
    if ApiKey.objects.filter(organisation=organisation, name=line.name).exists():
        return None
    person = people_called([line.person])[0] if line.person else None
    return keys.make_api_key(organisation, name=line.name, scopes=line.scopes, bounds=keys.Bounds(person=person))
