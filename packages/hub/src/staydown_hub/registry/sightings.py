"""Sightings of a locked item: noted, counted, and their sealed addresses opened for whoever must act on them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import kind_of
from staydown_hub.registry.errors import TooManySightingsError
from staydown_hub.registry.models import Item, Sighting
from staydown_hub.rules.access import scopes_of_kind
from staydown_hub.rules.addresses import Address
from staydown_hub.vault.services import ring

# Each can become a mail to its host: keeps one member from making the hub ask for the same item without end.
MAX_SIGHTINGS_OF_ONE_REPORTER: Final = 500


def digest_of(address: Address) -> bytes:
    """Return the 32 bytes by which an address is found; only the hub's ring can make them."""
    return ring().digest("sighting", f"{address.kind}\n{address.text}".encode())


def add_sightings(actor: Actor, *, item: Item, addresses: Collection[Address]) -> int:
    """Note where the item was seen, and return how many addresses were new; one reported before is dated anew.

    An address is confirmed as soon as an organisation of a kind that may assess reports it too.
    Raises TooManySightingsError.
    """
    now = timezone.now()
    by_digest = {digest_of(one): one for one in addresses}
    sightings = Sighting.objects.filter(item=item)
    named = sightings.filter(address_digest__in=by_digest)
    known = {bytes(digest) for digest in named.values_list("address_digest", flat=True)}
    named.update(last_reported_at=now)
    fresh = [_sighting(actor, item.pk, one, at=now) for digest, one in by_digest.items() if digest not in known]
    Sighting.objects.bulk_create(fresh)
    if sightings.filter(reported_by=actor.organisation).count() > MAX_SIGHTINGS_OF_ONE_REPORTER:
        raise TooManySightingsError(MAX_SIGHTINGS_OF_ONE_REPORTER)
    if "assess" in scopes_of_kind(kind_of(actor.organisation)):
        named.filter(confirmed_by=None).update(confirmed_by=actor.organisation)
    return len(fresh)


def first_sightings(actor: Actor, addresses_of: Mapping[UUID, Collection[Address]]) -> None:
    """Note where items were seen that this transaction opened: nothing was known of them, so nothing is looked up."""
    now = timezone.now()
    confirmed_by = actor.organisation if "assess" in scopes_of_kind(kind_of(actor.organisation)) else None
    rows = [
        _sighting(actor, item_id, one, at=now)
        for item_id, addresses in addresses_of.items()
        for one in {digest_of(one): one for one in addresses}.values()
    ]
    for row in rows:
        row.confirmed_by_id = confirmed_by
    Sighting.objects.bulk_create(rows)


def sighting_at(item_id: UUID, sighting_id: UUID) -> Sighting | None:
    """Return one of the item's sightings."""
    return Sighting.objects.filter(item=item_id, pk=sighting_id).first()


def address_of(sighting: Sighting) -> str:
    """Open a sighting's address, for whoever must act on it. Raises VaultError.

    Showing it to a person or sending it to a program is an act: the caller records it in the same transaction. What the
    worker does with it (a mail, a check) leaves rows of its own.
    """
    return sighting.unseal("address")


def _sighting(actor: Actor, item_id: UUID, address: Address, *, at: datetime) -> Sighting:
    made = Sighting(
        item_id=item_id,
        kind=address.kind,
        address_digest=digest_of(address),
        reported_by_id=actor.organisation,
        first_reported_at=at,
        last_reported_at=at,
    )
    made.seal(address=address.text, **({"host": address.host} if address.host else {}))
    return made
