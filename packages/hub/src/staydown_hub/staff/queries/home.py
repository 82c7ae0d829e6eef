"""What waits for a person's organisation: how much, and the part that has waited longest."""

from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, QuerySet

from staydown_hub.registry.models import Assessment, Item
from staydown_hub.staff.queries import requests
from staydown_hub.staff.queries.standings import standing, undecided
from staydown_hub.staff.viewer import Viewer
from staydown_hub.takedowns.models import Request

SHOWN_AT_HOME: Final = 5

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Row]):
    """How many wait, and the few that come first."""

    count: int
    first: list[Row]


def items_waiting_for(organisation: UUID) -> Waiting[Item]:
    """Return the items that are on no list, undisputed, and not assessed by this organisation, oldest first."""
    own = Assessment.objects.filter(item=OuterRef("pk"), organisation=organisation, superseded_at=None)
    found = Item.objects.filter(undecided(), ~Exists(own)).order_by("opened_at", "pk")
    return _waiting(found.select_related("opened_by").annotate(standing=standing(hidden_from=organisation)))


def requests_waiting_on(viewer: Viewer) -> Waiting[Request]:
    """Return the requests that wait for the person's organisation, the most pressing first."""
    return _waiting(requests.waiting_on(viewer))


def _waiting(rows: QuerySet[Any, Row]) -> Waiting[Row]:
    return Waiting(count=rows.count(), first=list(rows[:SHOWN_AT_HOME]))
