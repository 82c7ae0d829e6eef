"""Writing organisations: making them and their people, and noting the use of keys (``keys`` makes these)."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import ApiKey, Organisation, Person
from staydown_hub.rules.people import Role

# A key's last use is noted at most this often, so that reading needs no write.
_LAST_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person just made; ``password`` is known here and now only."""

    person: Person
    password: str = field(repr=False)


@transaction.atomic
def make_organisation(
    *,
    slug: str,
    name: str,
    kind: str,
    domains: Collection[str] = (),
    abuse_mail: str = "",
    by: Actor | None = None,
) -> Organisation:
    """Make an organisation; the values must have been checked (see ``rules.roll``). ``by`` None is the operator."""
    made = Organisation.objects.create(
        slug=slug, name=name, kind=kind, domains=sorted({one.lower() for one in domains}), abuse_mail=abuse_mail
    )
    record(
        act="organisation made",
        organisation=made.pk,
        person=by.person if by else None,
        subject=f"organisation:{made.pk}",
        detail={"slug": slug, "kind": kind},
        source=by.source if by else "command",
    )
    return made


@transaction.atomic
def make_person(organisation: Organisation, *, email: str, role: Role, by: Actor | None = None) -> NewPerson:
    """Make an account for one of the organisation's people, with a password of 128 random bits."""
    password = secrets.token_urlsafe(16)
    person = Person(email=email.lower(), organisation=organisation, role=role)
    person.invited_by_id = person.role_given_by_id = by.person if by else None
    person.set_password(password)
    person.save()
    record(
        act="person made",
        organisation=organisation.pk,
        person=by.person if by else person.pk,
        subject=f"person:{person.pk}",
        detail={"role": role},
        source=by.source if by else "command",
    )
    return NewPerson(person, password)


def lock_organisation(organisation_id: UUID) -> None:
    """Hold the organisation until the transaction ends, so that what is counted for it is counted by one at a time."""
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation_id)


def note_use(key_id: UUID) -> None:
    """Note that a key was used just now."""
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _LAST_USE_EVERY)
    ApiKey.objects.filter(stale, pk=key_id).update(last_used_at=now)


def note_refusal(key: ApiKey, *, source: str, is_elsewhere: bool = False) -> None:
    """Write that a revoked or expired key was tried, or one from where it may not be used."""
    record(
        act="key refused",
        organisation=key.organisation_id,
        subject=f"api_key:{key.pk}",
        detail={"prefix": key.prefix, "revoked": key.revoked_at is not None, "elsewhere": is_elsewhere},
        source=source,
    )
