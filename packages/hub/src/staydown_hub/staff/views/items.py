"""Items, and one item with its history."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from staydown_hub.registry.queries import current_judgements, sees_assessments
from staydown_hub.rules.confidence import confidence_of
from staydown_hub.staff import addresses, filters
from staydown_hub.staff.access import page, refuse_page
from staydown_hub.staff.addresses import ShownAddress
from staydown_hub.staff.paging import page_of
from staydown_hub.staff.queries import enforcement, history, standings
from staydown_hub.staff.queries import items as queries
from staydown_hub.staff.viewer import Viewer

if TYPE_CHECKING:
    from staydown_hub.registry.models import Item


@page(only_if=lambda viewer: viewer.sees_items)
def items(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """Show items newest first, of one standing or of all."""
    standing = filters.chosen(request, field="standing", values=standings.STATUSES)
    choices = filters.choices(field="standing", values=standings.STATUSES, current=standing)
    found = page_of(queries.items(viewer, standing=standing), request)
    context = {"page": found, "rows": queries.rows_of(found, viewer), "standing": standing, "choices": choices}
    return render(request, "staff/items.html", context)


@page(only_if=lambda viewer: viewer.sees_items, posts=True)
def item(request: HttpRequest, viewer: Viewer, item_id: UUID) -> HttpResponse:
    """Show one item and its history; a POST shows the address of one of its sightings, this once."""
    found = queries.item(item_id, viewer)
    if found is None:
        raise Http404
    if request.method != "POST":
        return _item_page(request, viewer, found, shown=None)
    if not viewer.sees_addresses:
        refuse_page(viewer, name="address")
    shown = addresses.show(viewer, item_id=item_id, sighting_id=addresses.asked_for(request))
    return _item_page(request, viewer, found, shown=shown)


def _item_page(request: HttpRequest, viewer: Viewer, item: "Item", *, shown: ShownAddress | None) -> HttpResponse:
    sees_others = sees_assessments(item.pk, organisation=viewer.organisation, kind=viewer.kind)
    judged_by = None if sees_others else viewer.organisation
    marks = page_of(history.marks_of_item(item.pk, judged_by=judged_by), request)
    sightings = page_of(queries.sightings_of(item.pk), request, field="seen")
    events = history.events_of(marks)
    shown_hosts = [*(one.pk for one in sightings), *history.sightings_in(events)]
    addresses.note_hosts(viewer, subject=f"item:{item.pk}", sightings=shown_hosts)
    context = {
        "item": item,
        "algorithms": queries.algorithms_of(item.pk),
        "assessments": queries.current_assessments_of(item.pk, viewer),
        "confidence": confidence_of(current_judgements(item.pk)) if sees_others else None,
        "sightings": sightings,
        "enforced": enforcement.of_item(item.pk, viewer),
        "matches": page_of(enforcement.matches_of(item.pk), request, field="matches"),
        "disputes": page_of(enforcement.disputes_of_item(item.pk), request, field="disputes"),
        "marks": marks,
        "events": events,
        "shown": shown,
        "viewer": viewer,
    }
    return render(request, "staff/item.html", context)
