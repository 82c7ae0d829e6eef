"""A person's own account: the one page that is for everybody who can sign in."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.staff.access import page
from staydown_hub.staff.viewer import Viewer


@page(only_if=lambda viewer: True)  # noqa: ARG005 -- everybody's
def account(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show who is signed in, for which organisation, and what they can change."""
    return render(request, "staff/account.html", {"viewer": viewer})


def not_offered(_request: HttpRequest, **_: str) -> HttpResponse:
    """Answer 404 where the accounts library has a page that a hub with a closed circle of people does not offer."""
    raise Http404
