"""Reading requests: for the API, the pages, the figures and the worker."""

from uuid import UUID

from django.db import connection
from django.db.models import Count, Prefetch, QuerySet

from staydown_hub.registry.sightings import address_of
from staydown_hub.rules.takedown import is_mail_stuck, takes_checks
from staydown_hub.takedowns import queueing
from staydown_hub.takedowns.models import Check, Request, Transition

_MEDIAN_SECONDS = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM removed_at - notified_at)) FROM (
        SELECT min(at) FILTER (WHERE event = 'notice_sent') AS notified_at,
            min(at) FILTER (WHERE event = 'seen_gone') AS removed_at
        FROM takedown_transition GROUP BY request_id
    ) AS steps WHERE removed_at >= notified_at  -- what was gone before anybody asked is no removal of ours
"""


def requests() -> QuerySet[Request]:
    """Return all requests with recipient and sighting, newest first. The sighting's address is not for everybody."""
    return Request.objects.select_related("recipient", "sighting").order_by("-opened_at", "pk")


def requests_of_item(item_id: UUID) -> QuerySet[Request]:
    """Return the item's requests, oldest first."""
    rows = Request.objects.filter(sighting__item=item_id).select_related("recipient", "sighting")
    return rows.order_by("opened_at", "pk")


def request(request_id: UUID) -> Request | None:
    """Return one request with its transitions and checks in the order in which they happened."""
    transitions = Prefetch("transitions", Transition.objects.select_related("organisation").order_by("pk"))
    checks = Prefetch("checks", Check.objects.order_by("pk"))
    return requests().filter(pk=request_id).prefetch_related(transitions, checks).first()


def counts_by_state() -> dict[str, int]:
    """Return how many requests are in which state; a state that none is in is left out."""
    rows = Request.objects.values_list("state").annotate(count=Count("pk")).order_by("state")
    return dict(rows)


def notices_sent() -> int:
    """Return how many notices were sent."""
    return Transition.objects.filter(event="notice_sent").count()


def removed() -> int:
    """Return how many requests ended with the item seen gone, and not seen again since."""
    return Request.objects.filter(state="gone").count()


def median_seconds_to_removal() -> float | None:
    """Return the median time from a request's first notice until the item was first seen gone after it, or None."""
    with connection.cursor() as cursor:
        cursor.execute(_MEDIAN_SECONDS)
        row = cursor.fetchone()
    return None if row is None or row[0] is None else float(row[0])


def url_to_check_meanwhile(request_id: UUID) -> str | None:
    """Return the address to look at although a notice is still to be sent; None unless that is stuck."""
    found = Request.objects.select_related("sighting").filter(pk=request_id, state="sending").first()
    return address_of(found.sighting) if found and is_mail_stuck(found.failed_mails) else None


def url_to_check(request_id: UUID, *, due_at: str) -> str | None:
    """Return the address to look at; None when the job is not the request's present one, or nothing is to be seen."""
    found = Request.objects.select_related("sighting").filter(pk=request_id).first()
    if found is None or not queueing.is_for(found, due_at=due_at) or not takes_checks(found.state):  # type: ignore[arg-type]  # the column holds the rule's states only
        return None
    return address_of(found.sighting)
