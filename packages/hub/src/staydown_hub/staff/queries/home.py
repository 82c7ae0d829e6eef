"""What waits for an organisation."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef

from staydown_hub.registry.models import Assessment, Item
from staydown_hub.staff.queries.standings import with_standing

SHOWN_AT_HOME: Final = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits, and the part of it that has waited longest."""

    count: int
    longest: list[Item]


def waiting_for(organisation: UUID) -> Waiting:
    """Return the items that are on no list and that this organisation has not assessed, oldest first."""
    own = Assessment.objects.filter(item=OuterRef("pk"), organisation=organisation, superseded_at=None)
    found = with_standing(Item.objects.filter(~Exists(own))).filter(standing__in=("open", "waiting"))
    return Waiting(count=found.count(), longest=list(found.select_related("opened_by").order_by("opened_at", "pk")[:SHOWN_AT_HOME]))
