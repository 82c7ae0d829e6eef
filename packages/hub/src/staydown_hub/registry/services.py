"""Writing to the registry: what organisations report about an item, and how they judge it.

Each act is one transaction. The item's row is locked before anything is decided about it, so two organisations acting
in the same instant are seen one after the other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from staydown_hub.audit.services import record
from staydown_hub.lists.services import reconsider
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry import queries, supplying
from staydown_hub.registry.errors import ConflictingFingerprintsError, UnknownItemError
from staydown_hub.registry.judging import judge, lock_item
from staydown_hub.registry.models import Item
from staydown_hub.registry.sightings import Seen, add_sightings
from staydown_hub.rules.addresses import Address
from staydown_hub.rules.fingerprints import Fingerprint

_OPENING_LOCK: Final = 7018002


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a report: the item, and whether it was known before."""

    item: Item
    known: bool


def report_item(
    actor: Actor,
    *,
    kind: str,
    fingerprints: Collection[Fingerprint],
    addresses: Collection[Address | Seen] = (),
    code: str | None = None,
    scheme: str | None = None,
) -> Reported:
    """Find the item or open it, add what this organisation supplies, its sightings and its judgement if it has one.

    Raises ConflictingFingerprintsError, TooManyFingerprintsError and TooManySightingsError; nothing is kept then.
    """
    try:
        return _report_item(actor, kind=kind, fingerprints=fingerprints, addresses=addresses, code=code, scheme=scheme)
    except ConflictingFingerprintsError:
        # Another organisation may have opened the item in between: looking again finds theirs. A true conflict stays.
        return _report_item(actor, kind=kind, fingerprints=fingerprints, addresses=addresses, code=code, scheme=scheme)


@transaction.atomic
def _report_item(
    actor: Actor,
    *,
    kind: str,
    fingerprints: Collection[Fingerprint],
    addresses: Collection[Address | Seen],
    code: str | None,
    scheme: str | None,
) -> Reported:
    found = queries.find_item(kind=kind, fingerprints=fingerprints)
    reported = Reported(found, known=True) if found else _open_item(actor, kind=kind, fingerprints=fingerprints)
    item = lock_item(reported.item.pk)
    fresh = add_sightings(actor, item=item, addresses=addresses)
    record(
        act="item reported",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"item:{item.pk}",
        detail={"known": reported.known, "sightings": len(addresses), "new_sightings": fresh},
        source=actor.source,
    )
    assessment = None if code is None else judge(actor, item=item, code=code, scheme=scheme)
    supplying.add_fingerprints(actor, item=item, fingerprints=fingerprints, assessment=assessment)
    reconsider(actor, item_id=item.pk, kind=item.kind)
    return Reported(item, known=reported.known)


@transaction.atomic
def assess_item(
    actor: Actor, *, kind: str, fingerprints: Collection[Fingerprint], code: str, scheme: str | None = None
) -> Item:
    """Find the item, add what this organisation supplies of it, and record its judgement.

    Raises UnknownItemError, ConflictingFingerprintsError and TooManyFingerprintsError; nothing is kept then.
    """
    found = queries.find_item(kind=kind, fingerprints=fingerprints)
    if found is None:
        raise UnknownItemError
    item = lock_item(found.pk)
    assessment = judge(actor, item=item, code=code, scheme=scheme)
    supplying.add_fingerprints(actor, item=item, fingerprints=fingerprints, assessment=assessment)
    reconsider(actor, item_id=item.pk, kind=item.kind)
    return item


def wait_to_open() -> None:
    """Wait until no other transaction opens items, and keep others from it until this one ends.

    Two near copies reported in one instant would else become two items. Taken before any item is locked.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_OPENING_LOCK])


def _open_item(actor: Actor, *, kind: str, fingerprints: Collection[Fingerprint]) -> Reported:
    """Open an item unless somebody just did; one transaction at a time, or two near copies would become two items."""
    wait_to_open()
    if found := queries.find_item(kind=kind, fingerprints=fingerprints):
        return Reported(found, known=True)
    return Reported(Item.objects.create(kind=kind, opened_by_id=actor.organisation), known=False)
