"""Administering people: invited, given a role, let go and taken back, always by somebody else of their organisation."""

import secrets
from uuid import UUID

from django.conf import settings
from django.db import transaction

from staydown_hub.audit.services import record
from staydown_hub.organisations import services
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import EmailTakenError, NotYourselfError, UnknownPersonError
from staydown_hub.organisations.models import Organisation, Person
from staydown_hub.rules.people import Role


@transaction.atomic
def invite(organisation: Organisation, *, email: str, role: Role, by: Actor) -> Person:
    """Make an account and have the worker mail its link, which works once. Raises EmailTakenError."""
    from staydown_hub.organisations.jobs import send_invitation  # noqa: PLC0415 -- the worker's, made later

    if Person.objects.filter(email__iexact=email).exists():
        raise EmailTakenError
    person = services.make_person(organisation, email=email, role=role, by=by).person
    if settings.SMTP_URL:
        send_invitation.defer(person_id=str(person.pk))
    return person


@transaction.atomic
def change_role(by: Actor, *, person_id: UUID, role: Role) -> Person:
    """Give somebody another role; it counts from their next click on. Raises UnknownPersonError, NotYourselfError."""
    person = _another(by, person_id)
    before, person.role, person.role_given_by_id = person.role, role, by.person
    person.save(update_fields=["role", "role_given_by"])
    _record("role changed", person, by, before=before, role=role)
    return person


@transaction.atomic
def set_active(by: Actor, *, person_id: UUID, is_active: bool) -> Person:
    """Let somebody go, or take them back; with them end their sessions and the keys that act for them, at once.

    Raises UnknownPersonError and NotYourselfError.
    """
    person = _another(by, person_id)
    person.is_active = is_active
    if not is_active:
        # Sessions are bound to the password: none of theirs comes back with them.
        person.set_password(secrets.token_urlsafe(32))
    person.save(update_fields=["is_active", "password"])
    _record("person taken back" if is_active else "person let go", person, by)
    return person


def people_of(organisation: UUID) -> list[Person]:
    """Return an organisation's people by e-mail, with their certificates."""
    return list(Person.objects.filter(organisation=organisation).prefetch_related("certificates").order_by("email"))


def person_of(by: Actor, person_id: UUID) -> Person:
    """Return somebody of the actor's organisation. Raises UnknownPersonError."""
    found = Person.objects.filter(pk=person_id, organisation=by.organisation).first()
    if found is None:
        raise UnknownPersonError
    return found


def _another(by: Actor, person_id: UUID) -> Person:
    """Return a colleague, locked: nobody changes what they may do themselves."""
    found = Person.objects.select_for_update(no_key=True).filter(pk=person_id, organisation=by.organisation).first()
    if found is None:
        raise UnknownPersonError
    if found.pk == by.person:
        raise NotYourselfError
    return found


def _record(act: str, person: Person, by: Actor, **detail: str) -> None:
    record(
        act=act,
        subject=f"person:{person.pk}",
        organisation=person.organisation_id,
        person=by.person,
        detail=detail,
        source=by.source,
    )
