"""Items as the pages show them: how many fingerprints of which algorithm, never their values."""

from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Page
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from staydown_hub.registry.models import Assessment, Fingerprint, Item, Sighting
from staydown_hub.rules.admission import Status
from staydown_hub.staff.queries import standings
from staydown_hub.staff.viewer import Viewer


@dataclass(frozen=True, slots=True)
class AlgorithmCount:
    """How many fingerprints an item has of one algorithm."""

    algorithm: str
    count: int


def items(viewer: Viewer, *, standing: Status | None) -> QuerySet[Item]:
    """Return items newest first, of one standing or of all; ``rows_of`` fetches what a page shows of them."""
    hidden_from = standings.hidden_from(viewer)
    found = Item.objects.filter(standings.stands(standing, hidden_from=hidden_from)) if standing else Item.objects.all()
    return found.only("pk").order_by("-opened_at", "pk")


def rows_of(page: Page[Item], viewer: Viewer) -> QuerySet[Item]:
    """Return the items of one page, each with its standing and its counts of sightings and assessments."""
    # Worked out for these few only: the database would do it for every item that a far page skips.
    shown = Item.objects.filter(pk__in=[item.pk for item in page]).select_related("opened_by")
    return shown.annotate(
        standing=standings.standing(hidden_from=standings.hidden_from(viewer)),
        sighting_count=_count_of(Sighting.objects.all()),
        assessment_count=_count_of(_seen(Assessment.objects.filter(superseded_at=None), viewer)),
    ).order_by("-opened_at", "pk")


def _count_of(rows: QuerySet[Sighting] | QuerySet[Assessment]) -> Coalesce:
    counted = rows.filter(item=OuterRef("pk")).order_by().values("item").annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counted), 0)


def _seen(rows: QuerySet[Assessment], viewer: Viewer) -> QuerySet[Assessment]:
    """Keep the assessments that the person may see: of each item all, or only their own organisation's."""
    own = standings.hidden_from(viewer)
    if own is None:
        return rows
    given = Assessment.objects.filter(item=OuterRef("item"), organisation=own, superseded_at=None)
    return rows.filter(Q(organisation=own) | Exists(given))


def item(item_id: UUID, viewer: Viewer) -> Item | None:
    """Return one item with its standing."""
    standing = standings.standing(hidden_from=standings.hidden_from(viewer))
    rows = Item.objects.select_related("opened_by").annotate(standing=standing)
    return rows.filter(pk=item_id).first()


def algorithms_of(item_id: UUID) -> list[AlgorithmCount]:
    """Return how many fingerprints the item has of each algorithm."""
    rows = Fingerprint.objects.filter(item=item_id).values_list("algorithm").annotate(count=Count("pk"))
    return [AlgorithmCount(algorithm, count) for algorithm, count in rows.order_by("algorithm")]


def sightings_of(item_id: UUID) -> QuerySet[Sighting]:
    """Return where the item was seen and what was asked there, latest report first, without the addresses."""
    rows = Sighting.objects.filter(item=item_id).select_related("reported_by").defer("sealed_address", "address_digest")
    return rows.prefetch_related("requests").order_by("-last_reported_at", "pk")


def current_assessments_of(item_id: UUID, viewer: Viewer) -> QuerySet[Assessment]:
    """Return each organisation's current judgement of the item, as far as the person may see it, newest first."""
    rows = _seen(Assessment.objects.filter(item=item_id, superseded_at=None), viewer)
    return rows.select_related("organisation").order_by("-at", "-pk")
