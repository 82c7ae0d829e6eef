"""Whether an item's victim is identified: a page for police alone, each look at it on record."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from staydown_hub.identification import services
from staydown_hub.registry.queries import item as item_called
from staydown_hub.rules.identification import (
    MAX_REFERENCE_CHARACTERS,
    STATUSES,
    WORDS,
    BadReferenceError,
    Status,
    check_reference,
)
from staydown_hub.staff.access import page
from staydown_hub.staff.viewer import Viewer


@page(only_if=lambda viewer: viewer.sees_cases, posts=True)
def case(request: HttpRequest, viewer: Viewer, item_id: UUID) -> HttpResponse:
    """Show what is known of an item's victim; a POST says it anew for the person's unit."""
    if item_called(item_id) is None:
        raise Http404
    problem = ""
    if request.method == "POST":
        reference = request.POST.get("reference", "").strip()
        try:
            check_reference(reference)
        except BadReferenceError as error:
            problem = str(error)
        else:
            services.state_case(viewer.actor, item_id=item_id, status=_asked_for(request), reference=reference)
            return redirect("staff:case", item_id)
    services.mark_read(viewer.actor, item_id=item_id)
    found = services.read_case(viewer.actor, item_id=item_id)
    context = {
        "item_id": item_id,
        "case": found,
        "words": WORDS[found.status] if found else "",
        "choices": [(status, WORDS[status]) for status in STATUSES],
        "most": MAX_REFERENCE_CHARACTERS,
        "problem": problem,
        "viewer": viewer,
    }
    return render(request, "staff/case.html", context, status=400 if problem else 200)


def _asked_for(request: HttpRequest) -> Status:
    for status in STATUSES:
        if status == request.POST.get("status"):
            return status
    raise BadRequest("status: choose one of those on the page.")
