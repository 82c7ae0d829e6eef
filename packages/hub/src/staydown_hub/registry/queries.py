"""Reading the registry: which item has these fingerprints, who supplied them, and who judged it how."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from staydown_hub.registry import near
from staydown_hub.registry.errors import ConflictingFingerprintsError
from staydown_hub.registry.models import Assessment, Fingerprint, FingerprintSource, Item, Sighting
from staydown_hub.rules import fingerprints as rules
from staydown_hub.rules.admission import Judgement, Supply
from staydown_hub.rules.independence import sees_others


def named_by(fingerprints: Iterable[rules.Fingerprint]) -> Q:
    """Return the condition of the stored fingerprints equal to any of these."""
    condition = Q(pk__in=())
    for one in fingerprints:
        condition |= Q(algorithm=one.algorithm, value=one.value)
    return condition


def find_item(*, kind: str, fingerprints: Collection[rules.Fingerprint]) -> Item | None:
    """Return the item that has the strongest of the exact fingerprints, else the one with the nearest PDQ, else None.

    A video is near an item when at least half of its frames are. An exact fingerprint weaker than the one that counts
    may name another item: whoever reported that one alone must not stand in everybody's way.
    Raises ConflictingFingerprintsError when fingerprints of the one strongest algorithm name different items, and
    NearMatchAwayError when nobody can look for near ones.
    """
    for algorithm in rules.EXACT_ALGORITHMS:
        asked = [one for one in fingerprints if one.algorithm == algorithm]
        found = list(Item.objects.filter(fingerprints__in=Fingerprint.objects.filter(named_by(asked))).distinct()[:2])
        if len(found) > 1:
            raise ConflictingFingerprintsError
        if found:
            return found[0]
    return _nearest(kind, fingerprints)


def _nearest(kind: str, fingerprints: Collection[rules.Fingerprint]) -> Item | None:
    found = near.nearest([near.Sought(kind, rules.asked_near(kind, fingerprints))])[0]
    return Item.objects.get(pk=found) if found else None


def item(item_id: UUID) -> Item | None:
    """Return the item with this identifier."""
    return Item.objects.filter(pk=item_id).first()


def judgements_of(item_ids: Collection[UUID]) -> dict[UUID, list[Judgement]]:
    """Return each organisation's current assessment of each of these items that has any."""
    found: dict[UUID, list[Judgement]] = {}
    for row in _current(item_ids):
        found.setdefault(row.item_id, []).append(_judgement(row))
    return found


def current_judgements(item_id: UUID, *, since: datetime | None = None) -> list[Judgement]:
    """Return each organisation's current assessment of the item, of those that speak for it only later ones.

    That it does not qualify is heard whenever it was said.
    """
    rows = _current([item_id])
    if since is not None:
        rows = rows.filter(Q(at__gt=since) | Q(qualifies=False))
    return [_judgement(row) for row in rows]


def _current(item_ids: Collection[UUID]) -> QuerySet[Assessment]:
    rows = Assessment.objects.filter(item__in=item_ids, superseded_at=None)
    return rows.select_related("organisation").order_by("pk")


def _judgement(row: Assessment) -> Judgement:
    return Judgement(
        assessment_id=row.pk,
        organisation=row.organisation_id,
        kind=row.organisation.kind,
        code=row.code,
        qualifies=row.qualifies,
        independent=row.independent,
    )


def has_assessed(item_id: UUID, organisation: UUID) -> bool:
    """Tell whether the organisation holds a judgement of the item now."""
    return Assessment.objects.filter(item=item_id, organisation=organisation, superseded_at=None).exists()


def assessments_seen(item_id: UUID, *, organisation: UUID, kind: str) -> QuerySet[Assessment]:
    """Return the assessments of the item that an organisation may see: its own, and the others' once it has one."""
    rows = assessments_of(item_id)
    sees_all = sees_assessments(item_id, organisation=organisation, kind=kind)
    return rows if sees_all else rows.filter(organisation=organisation)


def sees_assessments(item_id: UUID, *, organisation: UUID, kind: str) -> bool:
    """Tell whether an organisation sees the others' assessments of the item."""
    return sees_others(kind=kind, has_assessed=has_assessed(item_id, organisation))


def has_ever_assessed(item_id: UUID, organisation: UUID) -> bool:
    """Tell whether the organisation judged the item at any time."""
    return Assessment.objects.filter(item=item_id, organisation=organisation).exists()


def organisations_against(item_id: UUID, *, until: datetime) -> set[UUID]:
    """Return the organisations that had judged by this time that the item does not qualify."""
    rows = Assessment.objects.filter(item=item_id, qualifies=False, at__lte=until)
    return set(rows.values_list("organisation_id", flat=True))


def keys_of(item_id: UUID, fingerprints: Iterable[rules.Fingerprint]) -> dict[tuple[str, bytes], int]:
    """Return the primary keys of those of the item's fingerprints that are named, by algorithm and value."""
    rows = Fingerprint.objects.filter(named_by(fingerprints), item=item_id)
    return {(row.algorithm, bytes(row.value)): row.pk for row in rows}


def organisations_behind(assessment_ids: Collection[int]) -> set[UUID]:
    """Return the organisations that made these assessments."""
    return set(Assessment.objects.filter(pk__in=assessment_ids).values_list("organisation_id", flat=True))


def supplies(item_id: UUID) -> list[Supply]:
    """Return who supplied which fingerprint of the item with which assessment, oldest first."""
    rows = FingerprintSource.objects.filter(fingerprint__item=item_id).select_related("fingerprint", "organisation")
    return [
        Supply(
            assessment_id=row.assessment_id,
            organisation=row.organisation_id,
            kind=row.organisation.kind,
            fingerprint=plain(row.fingerprint, quality=row.quality),
        )
        for row in rows.order_by("pk")
    ]


def fingerprints_of(item_id: UUID) -> list[rules.Fingerprint]:
    """Return the item's fingerprints, sorted by algorithm and value."""
    rows = Fingerprint.objects.filter(item=item_id)
    return sorted(plain(row, quality=row.quality) for row in rows)


def plain(row: Fingerprint, *, quality: int | None) -> rules.Fingerprint:
    """Return a stored fingerprint as the rules know it."""
    for algorithm in rules.ALGORITHMS:
        if algorithm == row.algorithm:
            return rules.Fingerprint(algorithm, bytes(row.value), quality)
    raise LookupError("A stored fingerprint has an algorithm that this version does not know: update the hub.")


def assessments_of(item_id: UUID) -> QuerySet[Assessment]:
    """Return all assessments of the item with their organisations, superseded ones too, oldest first."""
    return Assessment.objects.filter(item=item_id).select_related("organisation").order_by("pk")


def sightings_of(item_id: UUID) -> QuerySet[Sighting]:
    """Return where the item was seen, oldest first."""
    return Sighting.objects.filter(item=item_id).order_by("first_reported_at", "pk")


def count_sightings(item_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return at how many addresses each of these items was seen; one that was seen nowhere is left out."""
    rows = Sighting.objects.filter(item__in=item_ids).order_by().values_list("item").annotate(Count("pk"))
    return dict(rows)


def count_items() -> int:
    """Return how many items there are."""
    return Item.objects.count()


def count_assessments() -> int:
    """Return how many assessments were made, superseded ones too."""
    return Assessment.objects.count()
