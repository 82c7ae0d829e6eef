"""What people have to decide, as the pages show it: panels, what the gate stopped, and disputes."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from staydown_hub.enforcement import reviewing
from staydown_hub.enforcement.models import Dispute
from staydown_hub.lists import gate
from staydown_hub.lists.models import GateStop, Panel, SafeFingerprint
from staydown_hub.lists.panels import may_sit_on, open_panels
from staydown_hub.rules.gate import MINIMUM_OVERRULERS
from staydown_hub.staff.viewer import Viewer

SHOWN_TOGETHER = 50


@dataclass(frozen=True, slots=True)
class StopLine:
    """An admission that the gate stopped: why, and how many overrule that."""

    stop: GateStop
    sources: tuple[str, ...]
    overruled_by: int
    is_over: bool


def waiting_panels() -> QuerySet[Panel]:
    """Return the panels that have not decided, the longest waiting first, each with how many votes it has."""
    return open_panels().annotate(vote_count=Count("votes")).select_related("item")[:SHOWN_TOGETHER]


def waiting_stops() -> list[StopLine]:
    """Return what the gate stopped and too few overruled, the longest waiting first."""
    organisations = Count("overrules__organisation", distinct=True)
    waiting = GateStop.objects.annotate(said=organisations).filter(said__lt=MINIMUM_OVERRULERS)
    rows = gate.with_overrules(waiting.select_related("item")).order_by("opened_at", "pk")[:SHOWN_TOGETHER]
    return lines_of(list(rows))


def waiting_disputes() -> list[reviewing.Case]:
    """Return the disputes and appeals that wait for a reviewer, the longest waiting first."""
    rows = reviewing.disputes().filter(Q(rulings=None) | Q(appeal__isnull=False)).distinct().order_by("at", "pk")
    cases = [reviewing.case_of(one) for one in rows]
    return [one for one in cases if one.state in {"open", "appealed"}][:SHOWN_TOGETHER]


def lines_of(stops: list[GateStop]) -> list[StopLine]:
    """Return stops as lines, the sources of what they hit named."""
    hits = {hit for one in stops for hit in one.hits}
    sources = dict(SafeFingerprint.objects.filter(pk__in=hits).values_list("pk", "source"))
    return [
        StopLine(
            stop=one,
            sources=tuple(sorted({sources[hit] for hit in one.hits if hit in sources})),
            overruled_by=len(one.overrules.all()),
            is_over=gate.is_overruled(one),
        )
        for one in stops
    ]


def panel(panel_id: UUID) -> Panel | None:
    """Return one panel with its item and ruling."""
    return Panel.objects.select_related("item", "ruling").filter(pk=panel_id).first()


def may_vote(found: Panel, viewer: Viewer) -> bool:
    """Tell whether the person may take a seat of a panel that has not decided."""
    is_open = getattr(found, "ruling", None) is None
    return is_open and viewer.may_assess and may_sit_on(found, organisation=viewer.organisation, kind=viewer.kind)


def stop(stop_id: UUID) -> StopLine | None:
    """Return one stop."""
    rows = gate.with_overrules(GateStop.objects.filter(pk=stop_id).select_related("item"))
    return next(iter(lines_of(list(rows))), None)


def dispute(dispute_id: UUID, viewer: Viewer) -> Dispute | None:
    """Return one dispute, if the person may see it."""
    seen = reviewing.disputes() if viewer.sees_items else reviewing.disputes().filter(organisation=viewer.organisation)
    return seen.filter(pk=dispute_id).first()


def dispute_exists(dispute_id: UUID) -> bool:
    """Tell whether there is such a dispute, whoever may see it."""
    return Dispute.objects.filter(pk=dispute_id).exists()
