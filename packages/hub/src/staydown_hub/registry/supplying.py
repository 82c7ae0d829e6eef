"""Adding to a locked item what one organisation supplies: fingerprints, with who vouches for them, and sightings."""

import hashlib
from collections.abc import Collection
from typing import Final

from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.registry.errors import ConflictingFingerprintsError, TooManyFingerprintsError
from staydown_hub.registry.models import Fingerprint, FingerprintSource, Item, Sighting
from staydown_hub.registry.queries import named_by
from staydown_hub.rules import fingerprints as rules
from staydown_hub.rules.addresses import Address

# More than any one picture needs: keeps one member from making an item too heavy to decide on.
MAX_FINGERPRINTS_OF_ONE_SUPPLIER: Final = 256


def add_fingerprints(actor: Actor, *, item: Item, fingerprints: Collection[rules.Fingerprint]) -> None:
    """Add the fingerprints that the item lacks, and note that this organisation supplied all of them.

    Raises ConflictingFingerprintsError when another item has one of the exact ones, TooManyFingerprintsError.
    """
    given = _best_quality(fingerprints)
    Fingerprint.objects.bulk_create(
        [Fingerprint(item=item, algorithm=one.algorithm, value=one.value, quality=one.quality) for one in given],
        ignore_conflicts=True,
    )
    rows = list(Fingerprint.objects.filter(named_by(given)))
    if any(row.item_id != item.pk and row.algorithm in rules.EXACT_ALGORITHMS for row in rows):
        raise ConflictingFingerprintsError
    _note_sources(actor, rows=[row for row in rows if row.item_id == item.pk], given=given)
    supplied = FingerprintSource.objects.filter(fingerprint__item=item, organisation=actor.organisation).count()
    if supplied > MAX_FINGERPRINTS_OF_ONE_SUPPLIER:
        raise TooManyFingerprintsError(MAX_FINGERPRINTS_OF_ONE_SUPPLIER)


def _best_quality(fingerprints: Collection[rules.Fingerprint]) -> list[rules.Fingerprint]:
    """Return each value once, with its highest quality, in the one order in which all transactions take the rows."""
    by_name = {(one.algorithm, one.value): one for one in sorted(fingerprints, key=lambda one: one.quality or 0)}
    return [by_name[name] for name in sorted(by_name)]


def _note_sources(actor: Actor, *, rows: list[Fingerprint], given: list[rules.Fingerprint]) -> None:
    now = timezone.now()
    qualities = {(one.algorithm, one.value): one.quality for one in given}
    sources = []
    for row in rows:
        quality = qualities[row.algorithm, bytes(row.value)]  # type: ignore[index]  # the column holds known algorithms
        sources.append(
            FingerprintSource(fingerprint=row, organisation_id=actor.organisation, quality=quality, at=now),
        )
        if quality is not None and row.quality is not None and quality > row.quality:
            row.quality = quality
            row.save(update_fields=["quality"])
    FingerprintSource.objects.bulk_create(sources, ignore_conflicts=True)


def add_sightings(actor: Actor, *, item: Item, addresses: Collection[Address]) -> int:
    """Note where the item was seen; an address reported before is only dated anew. Return how many were new."""
    now = timezone.now()
    by_digest = {hashlib.sha256(one.url.encode()).digest(): one for one in addresses}
    known = Sighting.objects.filter(item=item, url_digest__in=by_digest).count()
    Sighting.objects.bulk_create(
        [
            Sighting(
                item=item,
                url=one.url,
                url_digest=digest,
                host=one.host,
                reported_by_id=actor.organisation,
                first_reported_at=now,
                last_reported_at=now,
            )
            for digest, one in by_digest.items()
        ],
        update_conflicts=True,
        unique_fields=["item", "url_digest"],
        update_fields=["last_reported_at"],
    )
    return len(by_digest) - known
