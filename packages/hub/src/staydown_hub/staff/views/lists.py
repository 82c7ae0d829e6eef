"""The lists that an organisation is in the audience of, and the entries of one."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.staff.access import page, refuse_another_s
from staydown_hub.staff.paging import page_of
from staydown_hub.staff.queries import lists as queries
from staydown_hub.staff.viewer import Viewer
from staydown_hub.staff.views.proposals import PROPOSED_ON_ENTRIES


@page(only_if=lambda viewer: viewer.belongs)
def lists(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the lists that the person's organisation follows."""
    followed = [one for one in queries.lists() if viewer.follows(one.audience_kinds)]
    return render(request, "staff/lists.html", {"lists": followed})


@page(only_if=lambda viewer: viewer.belongs)
def shared_list(request: HttpRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Show one list with its entries by position, newest first."""
    found = queries.lists().filter(slug=slug).first()
    if found is None:
        raise Http404
    if not viewer.follows(found.audience_kinds):
        refuse_another_s(viewer, subject=f"list:{found.slug}")
    entries = page_of(queries.entries_of(found), request)
    context = {
        "list": found,
        "page": entries,
        "rows": queries.rows_of(entries),
        "sees_items": viewer.sees_items,
        "may_propose_rule": viewer.may("propose rule") and found.basis == "assessments",
        "proposes": [word for word, deed in PROPOSED_ON_ENTRIES.items() if viewer.may(deed)],
    }
    return render(request, "staff/list.html", context)
