"""Adding to a locked item the fingerprints that one organisation supplies, with who vouches for them."""

from collections.abc import Collection
from typing import Final

from django.utils import timezone

from staydown_hub.audit.services import record
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry.errors import ConflictingFingerprintsError, TooManyFingerprintsError
from staydown_hub.registry.models import Assessment, Fingerprint, FingerprintSource, Item
from staydown_hub.registry.queries import named_by
from staydown_hub.rules import fingerprints as rules

# Two copies of a long video, more than any picture needs: keeps one member from making an item too heavy to decide on.
MAX_FINGERPRINTS_OF_ONE_SUPPLIER: Final = 512


def add_fingerprints(
    actor: Actor, *, item: Item, fingerprints: Collection[rules.Fingerprint], assessment: Assessment | None
) -> None:
    """Add the fingerprints that the item lacks, and note that this organisation supplied them, with which assessment.

    An exact one that another item has is left with that item, if a stronger one names this item; an audit row says so.
    Raises ConflictingFingerprintsError when none does, and TooManyFingerprintsError.
    """
    given = best_quality(fingerprints)
    Fingerprint.objects.bulk_create(
        [Fingerprint(item=item, algorithm=one.algorithm, value=one.value, quality=one.quality) for one in given],
        ignore_conflicts=True,
    )
    own = list(Fingerprint.objects.filter(named_by(given), item=item))
    # Only exact values are looked for among all items: no index names a PDQ, and one may be near many.
    exact = [one for one in given if one.is_exact]
    foreign = list(Fingerprint.objects.filter(named_by(exact)).exclude(item=item))
    if foreign and _strength(foreign) <= _strength(own):
        raise ConflictingFingerprintsError
    _note_sources(actor, rows=own, given=given, assessment=assessment)
    _note_left_out(actor, item=item, foreign=foreign)
    sources = FingerprintSource.objects.filter(fingerprint__item=item, organisation=actor.organisation)
    if sources.values("fingerprint").distinct().count() > MAX_FINGERPRINTS_OF_ONE_SUPPLIER:
        raise TooManyFingerprintsError(MAX_FINGERPRINTS_OF_ONE_SUPPLIER)


def _strength(rows: Collection[Fingerprint]) -> int:
    """Return the place of the strongest exact algorithm among these, 0 the strongest of all."""
    order: dict[str, int] = {name: place for place, name in enumerate(rules.EXACT_ALGORITHMS)}
    return min((order.get(row.algorithm, len(order)) for row in rows), default=len(order))


def _note_left_out(actor: Actor, *, item: Item, foreign: Collection[Fingerprint]) -> None:
    if not foreign:
        return
    record(
        act="fingerprints left out",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item.pk}",
        detail={
            "algorithms": sorted({row.algorithm for row in foreign}),
            "of_items": sorted({str(row.item_id) for row in foreign}),
        },
        source=actor.source,
    )


def best_quality(fingerprints: Collection[rules.Fingerprint]) -> list[rules.Fingerprint]:
    """Return each value once, with its highest quality, in the one order in which all transactions take the rows."""
    by_name = {(one.algorithm, one.value): one for one in sorted(fingerprints, key=lambda one: one.quality or 0)}
    return [by_name[name] for name in sorted(by_name)]


def _note_sources(
    actor: Actor, *, rows: list[Fingerprint], given: list[rules.Fingerprint], assessment: Assessment | None
) -> None:
    now = timezone.now()
    qualities = {(one.algorithm, one.value): one.quality for one in given}
    sources = []
    for row in rows:
        quality = qualities[row.algorithm, bytes(row.value)]  # type: ignore[index]  # the column holds known algorithms
        sources.append(
            FingerprintSource(
                fingerprint=row, organisation_id=actor.organisation, assessment=assessment, quality=quality, at=now
            ),
        )
        if quality is not None and row.quality is not None and quality > row.quality:
            row.quality = quality
            row.save(update_fields=["quality"])
    FingerprintSource.objects.bulk_create(sources, ignore_conflicts=True)
