"""Panels: opened where assessments disagree about an item that is on no list."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from staydown_hub.audit.services import record
from staydown_hub.lists import queries
from staydown_hub.lists.models import Panel
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry import queries as registry
from staydown_hub.rules.admission import Judgement, is_disputed
from staydown_hub.rules.panel import may_sit


def open_if_needed(actor: Actor, *, item_id: UUID) -> None:
    """Open a panel for a locked item about which judgements disagree, unless one is open or the item is on a list."""
    judgements = queries.heard(item_id, since=queries.ruled_out_at(item_id))
    if not _disagree(judgements) or queries.is_in_force(item_id) or open_panels().filter(item=item_id).exists():
        return
    panel = Panel.objects.create(item_id=item_id)
    record(
        act="panel opened",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item_id}",
        detail={"panel": str(panel.pk)},
        source=actor.source,
    )


def _disagree(judgements: Collection[Judgement]) -> bool:
    return is_disputed(judgements) and any(one.qualifies for one in judgements)


def open_panels() -> QuerySet[Panel]:
    """Return the panels that have not decided, oldest first."""
    return Panel.objects.filter(ruling=None).order_by("opened_at", "pk")


def may_sit_on(panel: Panel, *, organisation: UUID, kind: str) -> bool:
    """Tell whether an organisation may take a seat of a panel."""
    return may_sit(
        kind=kind,
        has_ever_assessed=registry.has_ever_assessed(panel.item_id, organisation),
        has_voted=panel.votes.filter(organisation=organisation).exists(),
    )
