"""Requests as the pages show them: everybody's to those who see items, their own to those who are asked."""

from typing import Final
from uuid import UUID

from django.db.models import F, Q, QuerySet

from staydown_hub.rules.takedown import FAILED_MAILS_UNTIL_STUCK, State
from staydown_hub.staff.viewer import Viewer
from staydown_hub.takedowns.models import Check, Request

# In these states the recipient must act, and so may see where.
ASKED: Final[tuple[State, ...]] = ("open", "sending", "sent", "overdue", "returned")
# In these people must: find somebody to ask, or go beyond the one who was asked. Also where mails fail again and again.
STUCK: Final[tuple[State, ...]] = ("unaddressed", "overdue")


def requests_for(viewer: Viewer) -> QuerySet[Request]:
    """Return the requests that this person may see, newest first, without their addresses."""
    rows = Request.objects.select_related("sighting", "recipient")
    rows = rows.defer("sighting__sealed_address", "sighting__address_digest")
    seen = rows if viewer.sees_items else rows.filter(recipient=viewer.organisation)
    return seen.order_by("-opened_at", "pk")


def in_state(requests: QuerySet[Request], state: State | None) -> QuerySet[Request]:
    """Return those in one state, or all."""
    return requests.filter(state=state) if state else requests


def waiting_on(viewer: Viewer) -> QuerySet[Request]:
    """Return the requests that wait for this person's organisation, the most pressing first."""
    stuck = Q(state__in=STUCK) | Q(failed_mails__gte=FAILED_MAILS_UNTIL_STUCK)
    waiting = requests_for(viewer).filter(stuck if viewer.sees_items else Q(state__in=ASKED))
    return waiting.order_by(F("deadline_at").asc(nulls_last=True), "opened_at", "pk")


def checks_of(request_id: UUID) -> QuerySet[Check]:
    """Return every look at a request's address, newest first."""
    return Check.objects.filter(request=request_id).order_by("-at", "-pk")


def exists(request_id: UUID) -> bool:
    """Tell whether there is such a request, whoever may see it."""
    return Request.objects.filter(pk=request_id).exists()
