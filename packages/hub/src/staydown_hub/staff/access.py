"""Every page's door: signed in, allowed, and each refusal on record."""

import functools
from collections.abc import Callable
from typing import Concatenate, NoReturn, ParamSpec

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from staydown_hub.audit.services import record
from staydown_hub.organisations.factors import has_second_factor
from staydown_hub.staff.viewer import Viewer, viewer_of

Arguments = ParamSpec("Arguments")
Page = Callable[Concatenate[HttpRequest, Viewer, Arguments], HttpResponse]
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponse]

REFUSED = "page refused"


def page(*, only_if: Callable[[Viewer], bool], posts: bool = False) -> Callable[[Page[Arguments]], View[Arguments]]:
    """Make a view of a page: asks to sign in, refuses whom ``only_if`` says no to, keeps it out of every cache.

    Somebody without a second factor is led to set one up, whatever they asked for.
    """

    def wrap(shown: Page[Arguments]) -> View[Arguments]:
        @never_cache
        @require_http_methods(["GET", "HEAD", "POST"] if posts else ["GET", "HEAD"])
        @functools.wraps(shown)
        def view(request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
            viewer = viewer_of(request.user)
            if viewer is None:
                return redirect_to_login(request.get_full_path() if request.method != "POST" else request.path)
            if settings.SECOND_FACTOR_REQUIRED and not has_second_factor(viewer.person):
                return redirect("mfa_index")
            if not only_if(viewer):
                refuse_page(viewer, name=shown.__name__)
            return shown(request, viewer, *args, **kwargs)

        return view

    return wrap


def refuse_page(viewer: Viewer, *, name: str) -> NoReturn:
    """Record that a person asked for a page that is not for their organisation, and answer 403."""
    _record(viewer, subject=f"page:{name}")
    raise PermissionDenied


def refuse_another_s(viewer: Viewer, *, subject: str) -> NoReturn:
    """Record that a person asked for what is another's, and answer as if it did not exist."""
    _record(viewer, subject=subject)
    raise Http404


def _record(viewer: Viewer, *, subject: str) -> None:
    record(act=REFUSED, subject=subject, organisation=viewer.organisation, person=viewer.person, source="staff")
