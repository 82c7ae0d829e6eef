"""Requests for removal, and one request with every step it took and every check."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.rules.takedown import MEANING, STATES
from staydown_hub.staff import addresses, filters
from staydown_hub.staff.access import page, refuse_another_s, refuse_page
from staydown_hub.staff.addresses import ShownAddress
from staydown_hub.staff.paging import page_of
from staydown_hub.staff.queries import history
from staydown_hub.staff.queries import requests as queries
from staydown_hub.staff.viewer import Viewer

if TYPE_CHECKING:
    from staydown_hub.takedowns.models import Request


@page(only_if=lambda viewer: viewer.belongs)
def requests(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show requests newest first, in one state or in all."""
    state = filters.chosen(request, field="state", values=STATES)
    found = page_of(queries.in_state(queries.requests_for(viewer), state), request)
    addresses.note_hosts(viewer, subject="page:requests", sightings=[one.sighting_id for one in found])
    choices = filters.choices(field="state", values=STATES, current=state)
    return render(request, "staff/requests.html", {"page": found, "state": state, "choices": choices, "viewer": viewer})


@page(only_if=lambda viewer: viewer.belongs, posts=True)
def removal_request(request: HttpRequest, viewer: Viewer, request_id: UUID) -> HttpResponse:
    """Show one request and its history; a POST shows the address that it is about, this once."""
    found = queries.requests_for(viewer).filter(pk=request_id).first()
    if found is None:
        if queries.exists(request_id):
            refuse_another_s(viewer, subject=f"request:{request_id}")
        raise Http404
    if request.method != "POST":
        return _request_page(request, viewer, found, shown=None)
    if not _may_see_address(viewer, found):
        refuse_page(viewer, name="address")
    sighting = found.sighting
    if addresses.asked_for(request) != sighting.pk:
        raise Http404
    shown = addresses.show(viewer, item_id=sighting.item_id, sighting_id=sighting.pk, request_id=found.pk)
    return _request_page(request, viewer, found, shown=shown)


def _may_see_address(viewer: Viewer, found: "Request") -> bool:
    is_asked = found.recipient_id == viewer.organisation and found.state in queries.ASKED
    return viewer.sees_addresses or is_asked


def _request_page(
    request: HttpRequest, viewer: Viewer, found: "Request", *, shown: ShownAddress | None
) -> HttpResponse:
    addresses.note_hosts(viewer, subject=f"request:{found.pk}", sightings=[found.sighting_id])
    marks = page_of(history.marks_of_request(found.pk), request)
    context = {
        "found": found,
        "meaning": next(meaning for state, meaning in MEANING.items() if state == found.state),
        "marks": marks,
        "events": history.events_of(marks),
        "checks": page_of(queries.checks_of(found.pk), request, field="checks"),
        "shown": shown,
        "may_show": _may_see_address(viewer, found),
        "viewer": viewer,
    }
    return render(request, "staff/request.html", context)
