"""The first page: what waits for the person's organisation, and a few figures."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.identification.queries import unread_notices
from staydown_hub.staff import addresses
from staydown_hub.staff.access import page
from staydown_hub.staff.queries import home as queries
from staydown_hub.staff.viewer import Viewer
from staydown_hub.statistics.queries import figures

_MATCHED_SHOWN: Final = 20


@page(only_if=lambda viewer: viewer.belongs)
def home(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what waits, then the figures that the organisation's kind may see."""
    asked = queries.requests_waiting_on(viewer)
    addresses.note_hosts(viewer, subject="page:home", sightings=[one.sighting_id for one in asked.first])
    context = {
        "viewer": viewer,
        "unjudged": queries.items_waiting_for(viewer.organisation) if viewer.may_assess else None,
        "figures": figures() if viewer.sees_figures else None,
        "asked": asked,
        "matched": unread_notices(viewer.organisation)[:_MATCHED_SHOWN] if viewer.sees_cases else None,
    }
    return render(request, "staff/home.html", context)
