"""Writing requests: opened and cancelled as the lists change, and moved on as mails go out and checks come back.

Each function is one transaction (or part of the caller's): the row is locked, the rule asked, and the step written
together with its history, its audit row and its next job.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import organisation_answering_for
from staydown_hub.organisations.services import lock_organisation
from staydown_hub.registry.queries import sightings_of
from staydown_hub.rules import takedown as rules
from staydown_hub.rules.addresses import ACTED_ON
from staydown_hub.takedowns import queueing, steps
from staydown_hub.takedowns.models import Check, Request, Transition

_WITHDRAWN = ("cancelled", "retracting")
# How long a job may be late before it is taken for lost.
LOST_AFTER = timedelta(minutes=1)
# However much is listed at once, a recipient's mailbox stays one that people can read; the rest waits as ``open``.
MAX_NOTICES_AN_HOUR: Final = 100
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent: what to say of which request, and when sending began."""

    request: Request
    is_retraction: bool
    begun_at: datetime


@transaction.atomic
def open_requests(actor: Actor, *, item_id: UUID) -> int:
    """Ask for removal wherever the item was seen, now that it is listed; return how many requests are new or renewed.

    Called in the transaction that admits the item, and again when a sighting of an admitted item is added: a sighting
    that has a request keeps it. An address that only organisations reported that may not assess is not written to, and
    nobody is asked about hidden services and file-sharing.
    """
    at = timezone.now()
    asked = Request.objects.filter(sighting__item=item_id)
    renewed = asked.filter(state__in=_WITHDRAWN).order_by("pk").select_for_update(no_key=True, of=("self",))
    requests = list(renewed)
    for request in requests:
        steps.take_step(request, "readmitted", at=at, actor=actor)
    confirmed = sightings_of(item_id).exclude(confirmed_by=None).filter(kind__in=ACTED_ON)
    fresh = confirmed.exclude(pk__in=asked.values("sighting")).values_list("pk", flat=True)
    requests += [steps.open_request(actor, sighting_id=sighting_id, at=at) for sighting_id in fresh]
    for request in requests:
        _address(request, at=at, actor=actor)
    return len(requests)


@transaction.atomic
def cancel_requests(actor: Actor, *, item_id: UUID) -> int:
    """Ask for nothing any more, now that no list has the item; return how many requests that ended.

    Whoever may have a notice is sent a retraction. Called in the transaction that withdraws the item.
    """
    at = timezone.now()
    asked = Request.objects.filter(sighting__item=item_id).exclude(state__in=_WITHDRAWN)
    requests = list(asked.order_by("pk").select_for_update(no_key=True, of=("self",)))
    for request in requests:
        steps.take_step(request, "withdrawn", at=at, actor=actor)
    return len(requests)


@transaction.atomic
def begin_mail(request_id: UUID, *, due_at: str) -> Mail | None:
    """Note that a mail is about to be sent, and return which; None when the job is not the request's present one.

    A notice to somebody who got enough of them within the hour waits: None too, and the request stays as it is.
    What is noted is committed before the mail goes out: from then on it may have arrived.
    """
    request = steps.lock_request(request_id)
    if request is None or not queueing.is_for(request, due_at=due_at):
        return None
    at = timezone.now()
    if request.state in {"open", "returned"}:
        if free_at := _free_to_write_at(request, at=at):
            steps.postpone(request, due_at=free_at)
            return None
        steps.take_step(request, "sending_begun", at=at, notified_at=at, notices=request.notices + 1)
    else:
        steps.postpone(request, due_at=at + rules.SEND_WITHIN)
    return Mail(request=request, is_retraction=request.state == "retracting", begun_at=at)


@transaction.atomic
def note_mail_sent(mail: Mail) -> None:
    """Note that the mail server took the mail. The deadline counts from when sending began, as the notice says."""
    request = steps.lock_request(mail.request.pk)
    event: rules.Event = "retraction_sent" if mail.is_retraction else "notice_sent"
    if request is None or not _takes(request, event):
        return
    if mail.is_retraction:
        steps.take_step(request, event, at=timezone.now())
    else:
        steps.take_step(request, event, at=mail.begun_at, notified_at=mail.begun_at)


@transaction.atomic
def note_mail_refused(mail: Mail) -> None:
    """Note that the recipient's contact refuses mail for good: people must find another."""
    request = steps.lock_request(mail.request.pk)
    if request is None or not _takes(request, "undeliverable"):
        return
    at = timezone.now()
    steps.take_step(request, "undeliverable", at=at, refused_contact=mail.request.contact)
    _address(request, at=at)


@transaction.atomic
def note_mail_failed(mail: Mail) -> None:
    """Note that the mail could not be sent just now, and when it is tried again."""
    request = steps.lock_request(mail.request.pk)
    if request is None or not rules.takes_mail(steps.state_of(request)):
        return
    request.failed_mails += 1
    steps.postpone(request, due_at=timezone.now() + rules.retry_after(request.failed_mails))


@transaction.atomic
def note_check(request_id: UUID, *, outcome: rules.Outcome, status: int | None) -> None:
    """Keep what a check saw, and take the steps that follow from it and from the time that has passed."""
    request = steps.lock_request(request_id)
    if request is None:
        return
    at = timezone.now()
    Check.objects.create(request=request, outcome=outcome, status=status, at=at)
    state = steps.state_of(request)
    if not rules.takes_checks(state):
        return  # it was cancelled, or a notice goes out, while the check was under way
    request.checks_since_change += 1
    if event := rules.event_of_check(state=state, outcome=outcome):
        steps.take_step(request, event, at=at)
    elif state == "sent" and request.deadline_at and request.deadline_at <= at:
        steps.take_step(request, "deadline_passed", at=at)
    elif not rules.takes_mail(state):  # else its mail says when it is due
        steps.look_again_after(request, at=at)
    _address(request, at=at)


@transaction.atomic
def find_lost(*, now: datetime) -> int:
    """Write the jobs of requests anew that nobody saw to in time; return how many requests that were."""
    late = Request.objects.filter(due_at__lt=now - LOST_AFTER).order_by("due_at")
    lost = list(late.select_for_update(no_key=True, skip_locked=True)[:1000])
    for request in lost:
        queueing.enqueue(request)
    return len(lost)


def _free_to_write_at(request: Request, *, at: datetime) -> datetime | None:
    """Return when the recipient may get another notice, or None when it may now.

    The recipient's row is locked until the transaction ends, so that two workers do not both take the last place.
    """
    if request.recipient_id is None:
        return None
    lock_organisation(request.recipient_id)
    begun = Transition.objects.filter(event="sending_begun", at__gt=at - _HOUR, request__recipient=request.recipient_id)
    latest = list(begun.order_by("-at").values_list("at", flat=True)[:MAX_NOTICES_AN_HOUR])
    return None if len(latest) < MAX_NOTICES_AN_HOUR else latest[-1] + _HOUR


def _address(request: Request, *, at: datetime, actor: Actor | None = None) -> None:
    """Look an unaddressed request's host up in the directory; it stays as it is while nobody has a contact for it."""
    if request.state != "unaddressed":
        return
    recipient = organisation_answering_for(request.sighting.host)
    if recipient and _takes_mail(recipient.abuse_mail) and recipient.abuse_mail != request.refused_contact:
        steps.take_step(
            request, "addressed", at=at, actor=actor, recipient_id=recipient.pk, contact=recipient.abuse_mail
        )


def _takes_mail(contact: str) -> bool:
    try:
        validate_email(contact)
    except ValidationError:
        return False
    return True


def _takes(request: Request, event: rules.Event) -> bool:
    return rules.may_happen(state=steps.state_of(request), event=event)
