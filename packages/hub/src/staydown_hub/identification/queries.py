"""Reading cases: an item's latest word counts. Opening one is an act, which ``services.read_case`` records."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from staydown_hub.identification.models import CaseAct, CaseNotice
from staydown_hub.rules.identification import STATUSES, Status


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of an item's victim: the status, the unit that holds the case, and its own name of it."""

    status: Status
    unit: UUID
    unit_slug: str
    unit_name: str
    reference: str
    at: datetime


def latest_act(item_id: UUID) -> CaseAct | None:
    """Return the word that counts; None where no unit said anything."""
    return CaseAct.objects.filter(item=item_id).select_related("unit").order_by("-at", "-pk").first()


def latest_acts(item_ids: Collection[UUID]) -> list[CaseAct]:
    """Return the words that count for these items, in the items' order."""
    rows = CaseAct.objects.filter(item__in=item_ids).select_related("unit")
    return list(rows.order_by("item", "-at", "-pk").distinct("item"))


def opened(act: CaseAct) -> Case:
    """Open a unit's word. Raises VaultError."""
    text = act.unseal("status")
    for status in STATUSES:
        if status == text:
            unit = act.unit
            return Case(status, unit.pk, unit.slug, unit.name, act.unseal("reference"), act.at)
    raise LookupError("A case has a status that this version does not know: update the hub.")


def unread_notices(unit: UUID) -> QuerySet[CaseNotice]:
    """Return what a unit is told of and has not looked at, the newest first."""
    return CaseNotice.objects.filter(unit=unit, read_at=None).order_by("-at", "-pk")
