"""The API keys of one's own organisation: making, rotating and revoking them; a secret is shown this once."""

from datetime import timedelta
from typing import Final

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from staydown_hub.organisations import keys as services
from staydown_hub.organisations.errors import OrganisationError
from staydown_hub.organisations.models import Person
from staydown_hub.organisations.people import people_of
from staydown_hub.organisations.queries import keys_of, organisation_of
from staydown_hub.staff.access import page
from staydown_hub.staff.forms import KeyForm
from staydown_hub.staff.viewer import Viewer

_OVERLAP: Final = timedelta(days=1)


@page(only_if=lambda viewer: viewer.may("manage keys"), posts=True)
def keys(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show the organisation's keys; a POST makes, rotates or revokes one."""
    colleagues = people_of(viewer.organisation)
    asked = request.POST.get("change", "")
    data = request.POST if asked == "make" else None
    form = KeyForm(data, kind=viewer.kind, people=colleagues)
    problem, made = "", None
    if request.method == "POST":
        try:
            made = _changed(viewer, form, asked, request.POST.get("prefix", ""), colleagues)
            if asked == "revoke":
                return redirect("staff:keys")
        except OrganisationError as error:
            problem = str(error)
    rows = keys_of(viewer.organisation)
    context = {"rows": rows, "form": form, "problem": problem, "made": made, "now": timezone.now()}
    return render(request, "staff/keys.html", context, status=409 if problem else 200)


def _changed(
    viewer: Viewer, form: KeyForm, asked: str, prefix: str, colleagues: list[Person]
) -> services.NewApiKey | None:
    if asked == "make":
        return _made(viewer, form, colleagues) if form.is_valid() else None
    if asked == "rotate":
        return services.rotate_api_key(prefix=prefix, overlap=_OVERLAP, by=viewer.actor)
    if asked == "revoke":
        services.revoke_api_key(prefix=prefix, by=viewer.actor)
        return None
    raise BadRequest("change: press one of the page's buttons.")


def _made(viewer: Viewer, form: KeyForm, colleagues: list[Person]) -> services.NewApiKey:
    given = form.cleaned_data
    bounds = services.Bounds(
        person=next((one for one in colleagues if str(one.pk) == given["person"]), None),
        expires_at=timezone.now() + timedelta(days=given["days"]),
        networks=given["networks"],
        client_subject=given["client_subject"],
        requests_a_minute=given["requests_a_minute"],
    )
    organisation = organisation_of(viewer.organisation)
    return services.make_api_key(
        organisation, name=given["name"], scopes=given["scopes"], bounds=bounds, by=viewer.actor
    )
