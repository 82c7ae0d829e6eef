"""A person's own account: the one page that is for everybody who can sign in."""

from allauth.account.views import password_reset
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from staydown_hub.staff.access import page
from staydown_hub.staff.viewer import Viewer


@page(only_if=lambda viewer: True)  # noqa: ARG005 -- everybody's
def account(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show who is signed in, for which organisation, and what they can change."""
    return render(request, "staff/account.html", {"viewer": viewer})


def forgotten_password(request: HttpRequest) -> HttpResponseBase:
    """Let somebody ask for a mail that sets their password anew; 404 on a hub that has no mail server."""
    if not settings.SMTP_URL:
        raise Http404
    answer: HttpResponseBase = password_reset(request)
    return answer


def not_offered(_request: HttpRequest, **_: str) -> HttpResponse:
    """Answer 404 where the accounts library has a page that a hub with a closed circle of people does not offer."""
    raise Http404
