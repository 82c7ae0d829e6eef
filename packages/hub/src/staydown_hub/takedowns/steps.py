"""One step of one request: the rule is asked, the row changed, and history, audit and the next job written with it."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.rules import takedown as rules
from staydown_hub.takedowns import queueing
from staydown_hub.takedowns.models import Request, Transition

_ACTS: Final[dict[rules.Event, str]] = {
    "opened": "request opened",
    "addressed": "request addressed",
    "sending_begun": "notice begun",
    "notice_sent": "notice sent",
    "undeliverable": "notice refused",
    "deadline_passed": "deadline passed",
    "seen_gone": "removal seen",
    "seen_up": "return seen",
    "withdrawn": "request withdrawn",
    "readmitted": "request renewed",
    "retraction_sent": "retraction sent",
}


class OvertakenError(Exception):
    """The request changed although its row was locked: somebody writes past the services."""

    def __init__(self) -> None:
        super().__init__("This request was changed in the meantime, and not by the hub's services: look at it again.")


def lock_request(request_id: UUID) -> Request | None:
    """Return the request, locked until the transaction ends; every step is taken under this lock."""
    return Request.objects.select_for_update(no_key=True).filter(pk=request_id).first()


def open_request(actor: Actor, *, sighting_id: UUID, at: datetime) -> Request:
    """Make the request of a sighting, in the current transaction."""
    request = Request(sighting_id=sighting_id, state="", opened_at=at, changed_at=at)
    step = rules.next_state(state=None, event="opened", by="list", notified=False)
    request.state = step.next
    request.due_at = _due_at(request, at=at)
    request.save(force_insert=True)
    _write_history(request, step, by="list", actor=actor, at=at)
    queueing.enqueue(request)
    return request


def take_step(
    request: Request,
    event: rules.Event,
    *,
    at: datetime,
    actor: Actor | None = None,
    **changes: Any,  # noqa: ANN401 -- columns of the row
) -> None:
    """Take one step of a locked request, in the current transaction. ``actor`` is None for the hub's own jobs.

    Raises rules.ForbiddenStepError, and OvertakenError when the row is not as it was locked.
    """
    by: rules.Role = "list" if actor else "worker"
    notified = request.notified_at is not None
    step = rules.next_state(state=state_of(request), event=event, by=by, notified=notified)
    before = request.state
    request.state = step.next
    request.deadline_at = at + step.deadline if step.deadline else _kept_deadline(request)
    for name, value in changes.items():
        setattr(request, name, value)
    if not rules.notified_after(step, notified=notified):
        request.notified_at = None
    request.changed_at = at
    request.failed_mails = request.checks_since_change = 0
    request.due_at = _due_at(request, at=at)
    _save_guarded(request, before=before)
    _write_history(request, step, by=by, actor=actor, at=at)
    queueing.enqueue(request)


def postpone(request: Request, *, due_at: datetime) -> None:
    """Let a locked request wait: its state stays, the worker sees to it at ``due_at``."""
    request.due_at = due_at
    _save_guarded(request, before=request.state)
    queueing.enqueue(request)


def look_again_after(request: Request, *, at: datetime) -> None:
    """Let a locked request wait for its next check."""
    due_at = _due_at(request, at=at)
    if due_at:
        postpone(request, due_at=due_at)


def state_of(request: Request) -> rules.State:
    """Return the state as the rules know it."""
    for state in rules.STATES:
        if state == request.state:
            return state
    raise LookupError("A stored request has a state that this version does not know: update the hub.")


def _kept_deadline(request: Request) -> datetime | None:
    return request.deadline_at if request.state in {"sent", "overdue"} else None


def _due_at(request: Request, *, at: datetime) -> datetime | None:
    return rules.due_at(
        state=state_of(request),
        at=at,
        deadline_at=request.deadline_at,
        checks=request.checks_since_change,
        check_interval=timedelta(seconds=settings.CHECK_INTERVAL_S),
    )


def _save_guarded(request: Request, *, before: str) -> None:
    values = {field.attname: getattr(request, field.attname) for field in Request._meta.concrete_fields}  # noqa: SLF001 -- Django's documented API
    del values["id"]
    if Request.objects.filter(pk=request.pk, state=before).update(**values) != 1:
        raise OvertakenError


def _write_history(request: Request, step: rules.Step, *, by: rules.Role, actor: Actor | None, at: datetime) -> None:
    organisation = actor.organisation if actor else None
    Transition.objects.create(
        request=request,
        event=step.event,
        from_state=step.state or "",
        to_state=step.next,
        by=by,
        organisation_id=organisation,
        at=at,
    )
    record(
        act=_ACTS[step.event],
        organisation=organisation,
        person=actor.person if actor else None,
        subject=f"request:{request.pk}",
        detail={"from": step.state, "to": step.next, "sighting": str(request.sighting_id)},
        source=actor.source if actor else "job",
    )
