"""Which platforms enforce the lists, who lags behind, and what is disputed."""

from typing import TYPE_CHECKING

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.enforcement.queries import enforcement_of
from staydown_hub.staff.access import page, refuse_another_s
from staydown_hub.staff.paging import page_of
from staydown_hub.staff.queries import enforcement as queries
from staydown_hub.staff.viewer import Viewer

if TYPE_CHECKING:
    from staydown_hub.lists.models import SharedList


@page(only_if=lambda viewer: viewer.sees_items)
def enforcement(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show how each list is enforced, in one line."""
    return render(request, "staff/enforcement.html", {"lists": queries.lists_overseen_by(viewer)})


@page(only_if=lambda viewer: viewer.sees_items)
def list_enforcement(request: HttpRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Show who enforces one list, laggards first, and who never reported."""
    found = _overseen(viewer, slug)
    context = {"list": found, "enforcement": enforcement_of(found)}
    return render(request, "staff/list_enforcement.html", context)


@page(only_if=lambda viewer: viewer.sees_items)
def disputes(request: HttpRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Show what platforms dispute of one list, newest first."""
    found = _overseen(viewer, slug)
    context = {"list": found, "page": page_of(queries.disputes_of_list(found), request)}
    return render(request, "staff/disputes.html", context)


def _overseen(viewer: Viewer, slug: str) -> "SharedList":
    found = queries.list_called(slug)
    if found is None:
        raise Http404
    if not viewer.oversees(found.audience_kinds):
        refuse_another_s(viewer, subject=f"list:{found.slug}")
    return found
