"""How the pages write times, identifiers and states, and the header that all of them share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django import template
from django.core.paginator import Page
from django.template.context import RequestContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from staydown_hub.organisations.models import Proposal
from staydown_hub.rules.enforcement import Problem
from staydown_hub.rules.takedown import Event, Outcome
from staydown_hub.staff.viewer import Viewer, viewer_of

register = template.Library()

# A word that is not here keeps the neutral look.
_LOOKS: Final = {
    "open": "active",
    "waiting": "wait",
    "admitted": "good",
    "disputed": "bad",
    "admit": "good",
    "amend": "active",
    "unaddressed": "bad",
    "sending": "active",
    "sent": "wait",
    "overdue": "bad",
    "gone": "good",
    "returned": "bad",
    "retracting": "active",
    "live": "good",
    "behind": "wait",
    "refused": "bad",
    "silent": "bad",
    "redact": "bad",
    "approved": "good",
    "declined": "bad",
    "held": "wait",
    "upheld": "bad",
    "upheld_finally": "bad",
    "rejected": "good",
    "rejected_finally": "good",
    "appealed": "active",
    "single": "wait",
    "confirmed": "active",
    "trusted": "good",
}
_EVENTS: Final[dict[Event, str]] = {
    "opened": "Opened",
    "addressed": "Recipient found",
    "sending_begun": "Sending the notice",
    "notice_sent": "Notice sent",
    "undeliverable": "Notice not deliverable",
    "deadline_passed": "Deadline passed",
    "seen_gone": "Seen gone",
    "seen_up": "Seen up again",
    "withdrawn": "Withdrawn",
    "readmitted": "Renewed",
    "retraction_sent": "Retraction sent",
}
_OUTCOMES: Final[dict[Outcome, str]] = {
    "up": "still there",
    "gone": "gone",
    "moved": "moved elsewhere, which was not followed",
    "unclear": "unclear",
    "unreachable": "unreachable",
    "refused": "not looked at, as the hub does not reach into this network",
}
_PROBLEMS: Final[dict[Problem, str]] = {
    "fork": "the list that came is another than the one before",
    "shrunk": "the list that came is shorter than before",
    "signature": "no signature that it trusts",
    "garbage": "what came could not be read",
    "witnesses": "too few witnesses signed",
    "redaction": "an entry was missing without a redaction",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One link of the header; ``is_here`` is what ``aria-current`` says of it: page, true or nothing."""

    name: str
    url: str
    is_here: str


@register.filter
def utc(at: datetime) -> SafeString:
    """Write a time as people read it, in UTC and saying so, with the exact instant for machines."""
    instant = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{}</time>',
        instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        instant.strftime("%Y-%m-%d %H:%M:%S UTC"),
    )


@register.filter
def short(identifier: UUID) -> str:
    """Write the first part of an identifier, enough to tell rows apart."""
    return str(identifier)[:8]


@register.filter
def followed_by(audience_kinds: list[str], viewer: Viewer) -> bool:
    """Tell whether a list with this audience may be opened by this person."""
    return viewer.follows(audience_kinds)


@register.filter
def duration(seconds: float) -> str:
    """Write a time span in its two largest units."""
    left, parts = round(seconds), []
    for unit, unit_s in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, unit_s)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "under 1 s"


@register.filter
def words(name: str) -> str:
    """Write a name of the code, such as ``support_centre``, as words."""
    return name.replace("_", " ")


@register.filter
def told_event(event: Event) -> str:
    """Write a step of a request as a person would name it."""
    return _EVENTS[event]


@register.filter
def told_outcome(outcome: Outcome) -> str:
    """Write what a check saw."""
    return _OUTCOMES[outcome]


@register.filter
def told_problem(problem: Problem) -> str:
    """Write why a filter refused a list."""
    return _PROBLEMS[problem]


@register.filter
def proposal_state(proposal: Proposal) -> SafeString:
    """Write a proposal's state; one whose time is over is expired, also before a job says so."""
    is_over = proposal.state == "open" and proposal.expires_at <= timezone.now()
    return state("expired" if is_over else proposal.state)


@register.filter
def may_propose_organisation(viewer: Viewer) -> bool:
    """Tell whether this person may propose that an organisation joins."""
    return viewer.may("propose organisation")


@register.filter
def payload_text(value: Any) -> str:  # noqa: ANN401 -- what is in a proposal is any JSON
    """Write one part of what was proposed in plain words."""
    if isinstance(value, list):
        return ", ".join(payload_text(one) for one in value)
    if isinstance(value, dict):
        return " ".join(payload_text(one) for _, one in sorted(value.items()))
    return str(value)


@register.filter
def state_of(name: str, count: int) -> SafeString:
    """Write how many are in a state, on its colour."""
    return format_html('<span class="sd-state sd-state-{}">{} {}</span>', _LOOKS.get(name, "neutral"), count, name)


@register.filter
def state(name: str) -> SafeString:
    """Write a state as a word on a colour; the word alone says it all."""
    return format_html('<span class="sd-state sd-state-{}">{}</span>', _LOOKS.get(name, "neutral"), words(name))


@register.inclusion_tag("staff/parts/header.html", takes_context=True)
def page_header(context: RequestContext) -> dict[str, Any]:
    """Show the header with the places that this person may go to."""
    request = context["request"]
    viewer = viewer_of(request.user) if hasattr(request, "user") else None
    return {
        "viewer": viewer,
        "places": _places(viewer, request.path) if viewer else [],
        "is_account": request.path == reverse("staff:account"),
        "csrf_token": context.get("csrf_token"),
    }


def _places(viewer: Viewer, path: str) -> list[Place]:
    open_to = [
        ("Home", "staff:home", viewer.belongs),
        ("Items", "staff:items", viewer.sees_items),
        ("Lists", "staff:lists", viewer.belongs),
        ("Decisions", "staff:decisions", viewer.sees_items),
        ("Schemes", "staff:schemes", viewer.belongs),
        ("Enforcement", "staff:enforcement", viewer.sees_items),
        ("Requests", "staff:requests", viewer.belongs),
        ("Proposals", "staff:proposals", viewer.decides_proposals),
        ("People", "staff:people", viewer.may("manage people")),
        ("Keys", "staff:keys", viewer.may("manage keys")),
    ]
    return [_place(name, reverse(view), path) for name, view, is_open in open_to if is_open]


def _place(name: str, url: str, path: str) -> Place:
    if path == url:
        return Place(name, url, "page")
    return Place(name, url, "true" if url != reverse("staff:home") and path.startswith(url) else "")


@register.inclusion_tag("staff/parts/pages.html", takes_context=True)
def page_links(context: RequestContext, page: Page[Any], what: str, field: str = "page") -> dict[str, Any]:
    """Show where in a long table this page is, with links to its neighbours that keep all else that was chosen."""
    request = context["request"]
    query = request.GET.copy()
    query.pop(field, None)
    return {"page": page, "what": what, "query": f"{query.urlencode()}&{field}=" if query else f"{field}="}
