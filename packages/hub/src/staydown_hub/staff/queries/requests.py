"""Requests as the pages show them: everybody's to those who see items, their own to those who are asked."""

from typing import Final
from uuid import UUID

from django.db.models import F, QuerySet

from staydown_hub.rules.takedown import State
from staydown_hub.staff.viewer import Viewer
from staydown_hub.takedowns.models import Request

# In these states the recipient must act, and so may see where.
ASKED: Final[tuple[State, ...]] = ("open", "sending", "sent", "overdue", "returned")
# In these people must: find somebody to ask, or go beyond the one who was asked.
STUCK: Final[tuple[State, ...]] = ("unaddressed", "overdue")


def requests_for(viewer: Viewer) -> QuerySet[Request]:
    """Return the requests that this person may see, newest first, without their addresses."""
    rows = Request.objects.select_related("sighting", "recipient").defer("sighting__url", "sighting__url_digest")
    seen = rows if viewer.sees_items else rows.filter(recipient=viewer.organisation)
    return seen.order_by("-opened_at", "pk")


def in_state(requests: QuerySet[Request], state: State | None) -> QuerySet[Request]:
    """Return those in one state, or all."""
    return requests.filter(state=state) if state else requests


def waiting_on(viewer: Viewer) -> QuerySet[Request]:
    """Return the requests that wait for this person's organisation, the most pressing first."""
    states = STUCK if viewer.sees_items else ASKED
    return (
        requests_for(viewer).filter(state__in=states).order_by(F("deadline_at").asc(nulls_last=True), "opened_at", "pk")
    )


def exists(request_id: UUID) -> bool:
    """Tell whether there is such a request, whoever may see it."""
    return Request.objects.filter(pk=request_id).exists()
