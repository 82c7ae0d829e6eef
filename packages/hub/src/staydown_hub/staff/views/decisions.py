"""What people decide: seats of panels, what the gate stopped, and disputes with their appeals."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from staydown_hub.enforcement import reviewing
from staydown_hub.enforcement.entries import Reporter
from staydown_hub.enforcement.errors import NotYoursError, WrongRowsError
from staydown_hub.enforcement.services import ReportedDispute, open_dispute
from staydown_hub.lists import deciding
from staydown_hub.lists import queries as lists
from staydown_hub.lists.errors import ListError
from staydown_hub.staff.access import page, refuse_another_s, refuse_page
from staydown_hub.staff.forms import DisputeForm, ReasonForm
from staydown_hub.staff.queries import decisions as queries
from staydown_hub.staff.viewer import Viewer

if TYPE_CHECKING:
    from staydown_hub.enforcement.models import Dispute

_ANSWERS = {"qualifies": True, "does not": False}


@page(only_if=lambda viewer: viewer.sees_items)
def decisions(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show what waits for people: panels, stopped admissions, disputes."""
    context = {
        "panels": queries.waiting_panels(),
        "stops": queries.waiting_stops(),
        "cases": queries.waiting_disputes(),
        "viewer": viewer,
    }
    return render(request, "staff/decisions.html", context)


@page(only_if=lambda viewer: viewer.sees_items, posts=True)
def panel(request: HttpRequest, viewer: Viewer, panel_id: UUID) -> HttpResponse:
    """Show one panel; a POST takes a seat of it and votes. Votes are told once it has decided."""
    found = queries.panel(panel_id)
    if found is None:
        raise Http404
    form = ReasonForm(request.POST or None)
    context = {
        "panel": found,
        "ruling": getattr(found, "ruling", None),
        "votes": found.votes.select_related("organisation", "person").order_by("pk"),
        "may_vote": queries.may_vote(found, viewer),
        "form": form,
    }
    if request.method == "POST" and not viewer.may_assess:
        refuse_page(viewer, name="panel")

    def act(reason: str) -> None:
        deciding.vote(viewer.actor, panel_id=panel_id, qualifies=_answer(request), reason=reason)

    done = _done(form, act)
    return redirect("staff:panel", panel_id=panel_id) if done else render(request, "staff/panel.html", context)


@page(only_if=lambda viewer: viewer.sees_items, posts=True)
def gate_stop(request: HttpRequest, viewer: Viewer, stop_id: UUID) -> HttpResponse:
    """Show why an admission was stopped; a POST overrules that for the person's organisation."""
    found = queries.stop(stop_id)
    if found is None:
        raise Http404
    form = ReasonForm(request.POST or None)
    has_said = any(one.organisation_id == viewer.organisation for one in found.stop.overrules.all())
    may_overrule = viewer.may_assess and not has_said and not found.is_over
    context = {"line": found, "form": form, "may_overrule": may_overrule, "has_said": has_said}
    if request.method == "POST" and not viewer.may_assess:
        refuse_page(viewer, name="gate_stop")

    def act(reason: str) -> None:
        deciding.overrule(viewer.actor, stop_id=stop_id, reason=reason)

    done = _done(form, act)
    return redirect("staff:gate_stop", stop_id=stop_id) if done else render(request, "staff/gate_stop.html", context)


@page(only_if=lambda viewer: viewer.belongs, posts=True)
def dispute(request: HttpRequest, viewer: Viewer, dispute_id: UUID) -> HttpResponse:
    """Show one dispute with its rulings; a POST rules on it, or appeals."""
    found = queries.dispute(dispute_id, viewer)
    if found is None:
        if queries.dispute_exists(dispute_id):
            refuse_another_s(viewer, subject=f"dispute:{dispute_id}")
        raise Http404
    form = ReasonForm(request.POST or None)

    def act(reason: str) -> None:
        if request.POST.get("act") == "appeal":
            reviewing.appeal(viewer.actor, dispute_id=dispute_id, reason=reason)
        elif viewer.may_assess:
            reviewing.review(viewer.actor, dispute_id=dispute_id, qualifies=_answer(request), reason=reason)
        else:
            refuse_page(viewer, name="dispute")

    if _done(form, act):
        return redirect("staff:dispute", dispute_id=dispute_id)
    return render(request, "staff/dispute.html", _dispute_context(viewer, found, form))


def _dispute_context(viewer: Viewer, found: "Dispute", form: ReasonForm) -> dict[str, object]:
    may_review = viewer.may_assess and reviewing.may_review(found, organisation=viewer.organisation, kind=viewer.kind)
    return {
        "case": reviewing.case_of(found),
        "dispute": found,
        "rulings": sorted(found.rulings.all(), key=lambda one: one.round),
        "appeal": getattr(found, "appeal", None),
        "may_review": may_review,
        "may_appeal": reviewing.may_appeal(found, organisation=viewer.organisation),
        "form": form,
        "viewer": viewer,
    }


@page(only_if=lambda viewer: viewer.belongs, posts=True)
def dispute_entry(request: HttpRequest, viewer: Viewer, slug: str) -> HttpResponse:
    """Ask which entry is wrong and why, and dispute it for the person's organisation."""
    found = lists.list_called(slug)
    if found is None:
        raise Http404
    if not viewer.follows(found.audience_kinds):
        refuse_another_s(viewer, subject=f"list:{found.slug}")
    form = DisputeForm(request.POST or None)
    made: list[UUID] = []

    def act(reason: str) -> None:
        reporter = Reporter(kind=viewer.kind, scopes=viewer.scopes)
        disputed = ReportedDispute(list=slug, position=form.cleaned_data["position"])
        made.append(open_dispute(viewer.actor, reporter=reporter, disputed=disputed, reason=reason)[0].pk)

    if _done(form, act):
        return redirect("staff:dispute", dispute_id=made[0])
    return render(request, "staff/dispute_entry.html", {"list": found, "form": form})


def _answer(request: HttpRequest) -> bool:
    """Return what the person says of the item. Raises BadRequest (400) for anything but the page's buttons."""
    try:
        return _ANSWERS[request.POST.get("answer", "")]
    except KeyError:
        raise BadRequest("answer: press one of the page's buttons.") from None


def _done(form: ReasonForm, act: Callable[[str], None]) -> bool:
    """Do it with the form's reason; False, with the form saying why, when that cannot be."""
    if not form.is_bound or not form.is_valid():
        return False
    try:
        act(form.cleaned_data["reason"])
    except (ListError, NotYoursError) as error:
        form.add_error(None, str(error))
        return False
    except WrongRowsError as error:
        form.add_error(None, error.rows[0].message)
        return False
    return True
