"""Telling the worker when a request is due: a job written in the same transaction as the request's own change.

A job carries the due time it was made for. Whoever finds another due time on the row leaves it alone: the row has
moved on and has a job of its own. So jobs may be lost or doubled without harm; ``jobs.sweep`` makes lost ones again.
"""

from datetime import datetime
from functools import cache
from typing import Final

from django.db import transaction
from django.utils import timezone
from procrastinate import App, exceptions
from procrastinate.contrib.django.django_connector import DjangoConnector

from staydown_hub.rules.takedown import takes_mail
from staydown_hub.takedowns.models import Request

SEND: Final = "staydown_hub.takedowns.jobs.send_request_mail"
RECHECK: Final = "staydown_hub.takedowns.jobs.recheck_request"
# A notice must not wait behind a hundred slow hosts.
_MAIL_FIRST: Final = 10


def enqueue(request: Request) -> None:
    """Write the job of a request that was just saved; nothing when it is not due any more, or has that job already."""
    if request.due_at is None:
        return
    is_mail = takes_mail(request.state)  # type: ignore[arg-type]  # the column holds the rule's states only
    due_at = request.due_at.isoformat()
    job = _on_this_connection().configure_task(
        SEND if is_mail else RECHECK,
        priority=_MAIL_FIRST if is_mail else 0,
        queueing_lock=f"{request.pk} {due_at}",
        schedule_at=request.due_at if request.due_at > timezone.now() else None,
    )
    try:
        with transaction.atomic():
            job.defer(request_id=str(request.pk), due_at=due_at)
    except exceptions.AlreadyEnqueued:
        pass


def is_for(request: Request, *, due_at: str) -> bool:
    """Tell whether a job with this due time is the request's present one."""
    return request.due_at == datetime.fromisoformat(due_at)


@cache
def _on_this_connection() -> App:
    """Return an app that writes jobs over Django's own connection, in the worker too, and so in our transaction."""
    return App(connector=DjangoConnector())
