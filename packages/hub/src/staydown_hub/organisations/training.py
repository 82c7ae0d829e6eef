"""Certificates: who may assess today, and recording what somebody was trained for."""

from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.errors import NotTrainedError, WrongDaysError
from staydown_hub.organisations.models import Certificate, Person
from staydown_hub.rules.people import Training, is_trained, may

# Acts that no program and nobody on a page asked for: the operator's commands, measurements.
_OWN_SOURCES = frozenset({"command", "job", "test"})


def check_may_assess(actor: Actor) -> None:
    """Raise NotTrainedError unless a person stands behind the act who may assess and is trained, by the day in UTC."""
    if actor.person is None:
        if actor.key is None and actor.source in _OWN_SOURCES:
            return
        raise NotTrainedError
    if not may_assess_now(actor.person, organisation=actor.organisation):
        raise NotTrainedError


def may_assess_now(person: UUID, *, organisation: UUID) -> bool:
    """Tell whether this person of this organisation may assess at this moment."""
    rows = Certificate.objects.filter(
        person=person, person__organisation=organisation, person__is_active=True, withdrawn_at=None
    ).values_list("person__role", "person__organisation__kind", "issued_on", "expires_on")
    now = timezone.now()
    return any(
        may(role=role, kind=kind, deed="assess") and is_trained([Training(issued_on, expires_on)], at=now)
        for role, kind, issued_on, expires_on in rows
    )


def decides_in_person(actor: Actor) -> bool:
    """Tell whether this is a person, at a page and through no key, who may assess and is trained."""
    in_person = actor.person if actor.key is None else None
    return in_person is not None and may_assess_now(in_person, organisation=actor.organisation)


@transaction.atomic
def record_certificate(
    by: Actor | None, *, person: Person, course: str, issued_on: date, expires_on: date
) -> Certificate:
    """Record that somebody was trained. ``expires_on`` is the first day without the right. Raises WrongDaysError."""
    if issued_on >= expires_on:
        raise WrongDaysError
    made = Certificate.objects.create(
        person=person,
        course=course,
        issued_on=issued_on,
        expires_on=expires_on,
        recorded_by_id=by.person if by else None,
    )
    _record("certificate recorded", made, by)
    return made


@transaction.atomic
def withdraw_certificate(by: Actor | None, certificate: Certificate) -> None:
    """End a certificate at once, for good; the same again changes nothing."""
    locked = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if locked.withdrawn_at is None:
        locked.withdrawn_at = timezone.now()
        locked.save(update_fields=["withdrawn_at"])
        _record("certificate withdrawn", locked, by)


def valid_until(person: Person, *, at: datetime) -> date | None:
    """Return the day on which the person loses the right to assess, None when they have none."""
    rows = Certificate.objects.filter(person=person, withdrawn_at=None)
    valid = [one.expires_on for one in rows if is_trained([Training(one.issued_on, one.expires_on)], at=at)]
    return max(valid, default=None)


def _record(act: str, certificate: Certificate, by: Actor | None) -> None:
    record(
        act=act,
        subject=f"person:{certificate.person_id}",
        organisation=certificate.person.organisation_id,
        person=by.person if by else None,
        detail={
            "certificate": certificate.pk,
            "issued_on": certificate.issued_on.isoformat(),
            "expires_on": certificate.expires_on.isoformat(),
        },
        source=by.source if by else "command",
    )
