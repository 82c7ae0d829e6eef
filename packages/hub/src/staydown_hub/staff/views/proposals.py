"""Acts that take two: what waits, one of them with its decision, and the forms that propose."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from django import forms
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from staydown_hub.lists import proposed
from staydown_hub.lists import queries as lists
from staydown_hub.lists.errors import ListError
from staydown_hub.organisations import four_eyes, waiting
from staydown_hub.organisations.errors import OrganisationError
from staydown_hub.organisations.proposed import propose_organisation
from staydown_hub.rules.people import Deed
from staydown_hub.staff.access import page, refuse_another_s, refuse_page
from staydown_hub.staff.forms import OrganisationForm, ReasonForm, RuleForm
from staydown_hub.staff.paging import page_of
from staydown_hub.staff.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    from staydown_hub.organisations.models import Proposal

PROPOSED_ON_ENTRIES: Final[dict[str, Deed]] = {"withdraw": "propose withdrawal", "redact": "propose redaction"}


@page(only_if=lambda viewer: viewer.decides_proposals)
def proposals(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what waits and what was decided, newest first, as far as the person has to do with it."""
    rows = page_of(waiting.seen_by(viewer.actor).order_by("-proposed_at", "pk"), request)
    return render(request, "staff/proposals.html", {"page": rows, "viewer": viewer})


@page(only_if=lambda viewer: viewer.decides_proposals, posts=True)
def proposal(request: HttpRequest, viewer: Viewer, proposal_id: UUID) -> HttpResponse:
    """Show one proposal; a POST approves or declines it, or takes it back."""
    found = waiting.seen_by(viewer.actor).filter(pk=proposal_id).first()
    if found is None:
        if not waiting.exists(proposal_id):
            raise Http404
        refuse_another_s(viewer, subject=f"proposal:{proposal_id}")
    form = ReasonForm(request.POST if request.POST.get("decision") == "decline" else None)
    if request.method != "POST":
        return _proposal_page(request, viewer, found, form)
    return _decide(request, viewer, found, form)


@page(only_if=lambda viewer: viewer.decides_proposals, posts=True)
def propose_on_entry(request: HttpRequest, viewer: Viewer, slug: str, position: int, word: str) -> HttpResponse:
    """Ask why an entry shall be withdrawn or redacted, and propose it."""
    found = lists.list_called(slug)
    if found is None or word not in PROPOSED_ON_ENTRIES:
        raise Http404
    if not viewer.follows(found.audience_kinds):
        refuse_another_s(viewer, subject=f"list:{found.slug}")
    if not viewer.may(PROPOSED_ON_ENTRIES[word]):
        refuse_page(viewer, name="propose_on_entry")
    propose = proposed.propose_withdrawal if word == "withdraw" else proposed.propose_redaction
    form = ReasonForm(request.POST or None)

    def act() -> "Proposal":
        return propose(viewer.actor, shared_list=found, position=position, reason=form.cleaned_data["reason"])

    done = _proposed(form, act)
    context = {"form": form, "list": found, "position": position, "word": word}
    return done or render(request, "staff/propose_on_entry.html", context)


@page(only_if=lambda viewer: viewer.may("propose rule"), posts=True)
def propose_rule(request: HttpRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Ask what a list shall ask for from now on, and propose it."""
    found = lists.list_called(slug)
    if found is None:
        raise Http404
    if not viewer.follows(found.audience_kinds):
        refuse_another_s(viewer, subject=f"list:{found.slug}")
    now = {
        "minimum_organisations": found.minimum_organisations,
        "minimum_votes": found.minimum_votes,
        "required_kinds": found.required_kinds,
        "codes": " ".join(found.codes),
    }
    form = RuleForm(request.POST or None, initial=now)
    done = _proposed(form, lambda: proposed.propose_rule(viewer.actor, shared_list=found, rule=form.rule()))
    return done or render(request, "staff/propose_rule.html", {"form": form, "list": found})


@page(only_if=lambda viewer: viewer.may("propose organisation"), posts=True)
def propose_new_organisation(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Ask which organisation shall join, and propose it."""
    form = OrganisationForm(request.POST or None)
    done = _proposed(form, lambda: propose_organisation(viewer.actor, form.line()))
    return done or render(request, "staff/propose_organisation.html", {"form": form})


def _proposed(form: forms.Form, act: "Callable[[], Proposal]") -> HttpResponse | None:
    """Propose what a whole form says and lead to it; None, with the form saying why, when that cannot be."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return redirect("staff:proposal", proposal_id=act().pk)
    except (OrganisationError, ListError) as error:
        form.add_error(None, str(error))
        return None


def _decide(request: HttpRequest, viewer: Viewer, found: "Proposal", form: ReasonForm) -> HttpResponse:
    decision = request.POST.get("decision")
    if decision not in {"approve", "decline"}:
        raise BadRequest("decision: press one of the page's buttons.")
    if decision == "decline" and not form.is_valid():
        return _proposal_page(request, viewer, found, form)
    try:
        if decision == "approve":
            four_eyes.approve(viewer.actor, proposal_id=found.pk)
        else:
            four_eyes.decline(viewer.actor, proposal_id=found.pk, reason=form.cleaned_data["reason"])
    except (OrganisationError, ListError) as error:
        return _proposal_page(request, viewer, found, form, problem=str(error))
    return redirect("staff:proposal", proposal_id=found.pk)


def _proposal_page(
    request: HttpRequest, viewer: Viewer, found: "Proposal", form: ReasonForm, *, problem: str = ""
) -> HttpResponse:
    context = {
        "proposal": found,
        "form": form,
        "problem": problem,
        "is_own": four_eyes.is_own(found, viewer.actor),
        "is_open": waiting.is_open(found),
        "may_decide": waiting.may_decide(viewer.actor, found),
        "details": sorted((name, value) for name, value in found.payload.items() if value not in ("", [])),
    }
    return render(request, "staff/proposal.html", context, status=409 if problem else 200)
