"""The people of one's own organisation: who there is, inviting somebody, and one of them."""

from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from staydown_hub.organisations import people as services
from staydown_hub.organisations import queries, training
from staydown_hub.organisations.errors import OrganisationError, UnknownPersonError
from staydown_hub.organisations.factors import has_second_factor
from staydown_hub.organisations.models import Person
from staydown_hub.rules.people import role_called
from staydown_hub.staff.access import page, refuse_another_s
from staydown_hub.staff.forms import CertificateForm, InvitationForm, RoleForm
from staydown_hub.staff.viewer import Viewer

_Forms = dict[str, RoleForm | CertificateForm]


@page(only_if=lambda viewer: viewer.may("manage people"), posts=True)
def people(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show who signs in for the organisation; a POST invites somebody."""
    form = InvitationForm(request.POST or None, initial={"role": "assessor"})
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            organisation = queries.organisation_of(viewer.organisation)
            made = services.invite(organisation, email=given["email"], role=role_called(given["role"]), by=viewer.actor)
            return redirect("staff:person", person_id=made.pk)
        except OrganisationError as error:
            form.add_error("email", str(error))
    now = timezone.now()
    rows = [(one, training.valid_until(one, at=now)) for one in services.people_of(viewer.organisation)]
    return render(request, "staff/people.html", {"rows": rows, "form": form})


@page(only_if=lambda viewer: viewer.may("manage people"), posts=True)
def person(request: HttpRequest, viewer: Viewer, person_id: UUID) -> HttpResponse:
    """Show one person; a POST changes their role or account, or records a certificate."""
    try:
        found = services.person_of(viewer.actor, person_id)
    except UnknownPersonError:
        if queries.people().filter(pk=person_id).exists():
            refuse_another_s(viewer, subject=f"person:{person_id}")
        raise Http404 from None
    forms: _Forms = {
        "role": RoleForm(initial={"role": found.role}),
        "certificate": CertificateForm(),
    }
    problem = ""
    if request.method == "POST":
        try:
            if _changed(request, viewer, found, forms):
                return redirect("staff:person", person_id=found.pk)
        except OrganisationError as error:
            problem = str(error)
    context = {
        "person": found,
        "forms": forms,
        "problem": problem,
        "is_self": found.pk == viewer.person,
        "has_factor": has_second_factor(found.pk),
        "certificates": found.certificates.order_by("-expires_on"),
    }
    return render(request, "staff/person.html", context, status=409 if problem else 200)


def _changed(request: HttpRequest, viewer: Viewer, found: Person, forms: _Forms) -> bool:
    """Do what the pressed button says, and tell whether it was done."""
    asked = request.POST.get("change", "")
    if asked in {"let go", "take back"}:
        services.set_active(viewer.actor, person_id=found.pk, is_active=asked == "take back")
        return True
    if asked == "role":
        forms["role"] = role = RoleForm(request.POST)
        if role.is_valid():
            services.change_role(viewer.actor, person_id=found.pk, role=role_called(role.cleaned_data["role"]))
        return role.is_valid()
    if asked == "certificate":
        forms["certificate"] = certificate = CertificateForm(request.POST)
        if certificate.is_valid():
            training.record_certificate(viewer.actor, person=found, **certificate.cleaned_data)
        return certificate.is_valid()
    if asked == "withdraw":
        one = found.certificates.filter(pk=request.POST.get("certificate") or 0).first()
        if one is None:
            raise BadRequest("certificate: press the button of a certificate on the page.")
        training.withdraw_certificate(viewer.actor, one)
        return True
    raise BadRequest("change: press one of the page's buttons.")
