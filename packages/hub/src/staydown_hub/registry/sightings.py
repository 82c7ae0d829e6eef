"""Sightings of locked items: noted one or a thousand at a time, and their sealed addresses opened for whoever acts."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.queries import kind_of
from staydown_hub.registry.errors import TooManySightingsError
from staydown_hub.registry.models import Item, PeerObservation, Sighting, SightingReport
from staydown_hub.rules.access import scopes_of_kind
from staydown_hub.rules.addresses import Address
from staydown_hub.rules.peers import Peer
from staydown_hub.rules.retention import RULES, expires_at
from staydown_hub.vault.services import ring

# Each can become a mail to its host: keeps one member from making the hub ask for the same item without end.
MAX_SIGHTINGS_OF_ONE_REPORTER: Final = 500
_AT_ONCE: Final = 1000
_DATE_ANEW: Final = """
    UPDATE sighting SET last_reported_at = %s,
        first_seen_at = least(first_seen_at, given.first_at), last_seen_at = greatest(last_seen_at, given.last_at),
        confirmed_by_id = coalesce(confirmed_by_id, %s::uuid)
    FROM (SELECT sighting, min(seen_at) AS first_at, max(seen_at) AS last_at
        FROM unnest(%s::uuid[], %s::timestamptz[]) AS one(sighting, seen_at) GROUP BY sighting) AS given
    WHERE id = given.sighting
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """An item was seen at an address: when (at the latest now, by default), and whose machines shared it there."""

    address: Address
    at: datetime | None = None
    peers: tuple[Peer, ...] = ()

    @property
    def said_at(self) -> str:
        """The time that was given, as text; empty where none was."""
        return self.at.isoformat() if self.at else ""


@dataclass(frozen=True, slots=True)
class Noted:
    """The sighting that a row of a report became, whether it is new, and whether this report confirmed it."""

    sighting: UUID
    is_new: bool
    is_confirmed_now: bool


@dataclass(frozen=True, slots=True)
class _Known:
    pk: UUID
    is_confirmed: bool
    is_erased: bool


def digest_of(address: Address) -> bytes:
    """Return the 32 bytes by which an address is found; only the hub's ring can make them."""
    return ring().digest("sighting", f"{address.kind}\n{address.text}".encode())


def add_sightings(actor: Actor, *, item: Item, addresses: Collection[Address | Seen]) -> int:
    """Note where a locked item was seen, and return how many addresses were new; one reported before is dated anew.

    An address is confirmed as soon as an organisation of a kind that may assess reports it too.
    Raises TooManySightingsError.
    """
    noted = note_seen(actor, [(item.pk, one if isinstance(one, Seen) else Seen(one)) for one in addresses])
    if counts_of_reporter(actor, items=[item.pk])[item.pk] > MAX_SIGHTINGS_OF_ONE_REPORTER:
        raise TooManySightingsError(MAX_SIGHTINGS_OF_ONE_REPORTER)
    return len({one.sighting for one in noted if one.is_new})


def first_sightings(actor: Actor, seen_of: Mapping[UUID, Collection[Seen]]) -> None:
    """Note where items were seen that this transaction opened: nothing was known of them, so nothing is looked up."""
    note_seen(actor, [(item, one) for item, seen in seen_of.items() for one in seen], is_first=True)


def note_seen(actor: Actor, seen: Sequence[tuple[UUID, Seen]], *, is_first: bool = False) -> list[Noted]:
    """Note sightings of locked items, and return what became of each, in the order in which they came.

    ``is_first`` says that the items were never seen before, so that nothing need be looked up.
    """
    if not seen:
        return []
    now = timezone.now()
    confirmed_by = actor.organisation if "assess" in scopes_of_kind(kind_of(actor.organisation)) else None
    named = [(item, digest_of(one.address)) for item, one in seen]
    known = {} if is_first else _known(named)
    fresh: dict[tuple[UUID, bytes], Sighting] = {}
    again: list[tuple[UUID, datetime]] = []
    noted: list[Noted] = []
    for (_, one), name in zip(seen, named, strict=True):
        found = known.get(name)
        if found is None and name not in fresh:
            fresh[name] = _sighting(actor, one, name, confirmed_by=confirmed_by, at=now)
            noted.append(Noted(fresh[name].pk, is_new=True, is_confirmed_now=confirmed_by is not None))
            continue
        if found and found.is_erased:
            _seal_anew(found.pk, one.address)
        pk = found.pk if found else fresh[name].pk
        again.append((pk, _seen_at(one, now)))
        is_confirmed_now = confirmed_by is not None and found is not None and not found.is_confirmed
        noted.append(Noted(pk, is_new=False, is_confirmed_now=is_confirmed_now))
    Sighting.objects.bulk_create(fresh.values(), batch_size=_AT_ONCE)
    _date_anew(again, confirmed_by=confirmed_by, now=now)
    said = [(one.sighting, each) for one, (_, each) in zip(noted, seen, strict=True)]
    _add_reports(actor, ((pk, _seen_at(each, now)) for pk, each in said), now=now)
    _add_peers(actor, ((pk, peer) for pk, each in said for peer in each.peers), now=now)
    return noted


def known_among(seen: Sequence[tuple[UUID, Seen]]) -> list[bool]:
    """Tell of each whether its item was seen at its address before, or stands among these already."""
    named = [(item, digest_of(one.address)) for item, one in seen]
    known = set(_known(named))
    found = []
    for name in named:
        found.append(name in known)
        known.add(name)
    return found


def counts_of_reporter(actor: Actor, *, items: Collection[UUID]) -> Counter[UUID]:
    """Return at how many addresses this organisation was the first to report each of the items."""
    rows = Sighting.objects.filter(item__in=items, reported_by=actor.organisation).values_list("item")
    return Counter(dict(rows.annotate(count=Count("pk")).order_by()))


def sighting_at(item_id: UUID, sighting_id: UUID) -> Sighting | None:
    """Return one of the item's sightings."""
    return Sighting.objects.filter(item=item_id, pk=sighting_id).first()


def sighting(sighting_id: UUID) -> Sighting | None:
    """Return the sighting with this identifier, with who reported it first."""
    return Sighting.objects.select_related("reported_by").filter(pk=sighting_id).first()


def reports_of(sighting_id: UUID) -> QuerySet[SightingReport]:
    """Return who said when that it was seen there, the latest first."""
    rows = SightingReport.objects.filter(sighting=sighting_id).select_related("organisation")
    return rows.order_by("-seen_at", "-pk")


def items_seen_at(address: Address) -> list[UUID]:
    """Return the items that were seen at an address, the first seen first."""
    rows = Sighting.objects.filter(address_digest=digest_of(address)).order_by("first_seen_at", "item")
    return list(rows.values_list("item", flat=True))


def address_of(sighting: Sighting) -> str:
    """Open a sighting's address, for whoever must act on it. Raises VaultError.

    Showing it to a person or sending it to a program is an act: the caller records it in the same transaction. What the
    worker does with it (a mail, a check) leaves rows of its own.
    """
    return sighting.unseal("address")


def count_peers(sighting_id: UUID) -> int:
    """Return how many observations of peers there are."""
    return PeerObservation.objects.filter(sighting=sighting_id).count()


def peers_of(sighting_id: UUID, *, at_most: int) -> list[str]:
    """Open the observations of peers, the latest first, for police; the caller records it. Raises VaultError."""
    rows = PeerObservation.objects.filter(sighting=sighting_id).order_by("-received_at", "pk")
    return [one.unseal("peer") for one in rows[:at_most]]


def _known(named: Sequence[tuple[UUID, bytes]]) -> dict[tuple[UUID, bytes], _Known]:
    rows = Sighting.objects.filter(
        item__in={item for item, _ in named}, address_digest__in={digest for _, digest in named}
    ).values_list("item", "address_digest", "pk", "confirmed_by", "sealed_key")
    return {
        (item, bytes(digest)): _Known(pk, is_confirmed=confirmed_by is not None, is_erased=key is None)
        for item, digest, pk, confirmed_by, key in rows
    }


def _seen_at(seen: Seen, now: datetime) -> datetime:
    return min(seen.at or now, now)


def _sighting(
    actor: Actor, seen: Seen, name: tuple[UUID, bytes], *, confirmed_by: UUID | None, at: datetime
) -> Sighting:
    made = Sighting(
        item_id=name[0],
        kind=seen.address.kind,
        address_digest=name[1],
        reported_by_id=actor.organisation,
        confirmed_by_id=confirmed_by,
        first_reported_at=at,
        last_reported_at=at,
        first_seen_at=_seen_at(seen, at),
        last_seen_at=_seen_at(seen, at),
    )
    _seal(made, seen.address)
    return made


def _seal(sighting: Sighting, address: Address) -> None:
    sighting.seal(address=address.text, **({"host": address.host} if address.host else {}))


def _seal_anew(pk: UUID, address: Address) -> None:
    """Seal an address again that was erased when its time was up: somebody saw the item there once more."""
    erased = Sighting.objects.get(pk=pk)
    _seal(erased, address)
    erased.save(update_fields=["sealed_key", "sealed_address", "sealed_host"])


def _date_anew(again: Sequence[tuple[UUID, datetime]], *, confirmed_by: UUID | None, now: datetime) -> None:
    if again:
        with connection.cursor() as cursor:
            ids, times = [pk for pk, _ in again], [at for _, at in again]
            cursor.execute(_DATE_ANEW, [now, confirmed_by, ids, times])


def _add_reports(actor: Actor, said: Iterable[tuple[UUID, datetime]], *, now: datetime) -> None:
    SightingReport.objects.bulk_create(
        [
            SightingReport(sighting_id=pk, organisation_id=actor.organisation, seen_at=at, reported_at=now)
            for pk, at in said
        ],
        ignore_conflicts=True,
        batch_size=_AT_ONCE,
    )


def _add_peers(actor: Actor, observed: Iterable[tuple[UUID, Peer]], *, now: datetime) -> None:
    rule = RULES["peer_observation"]
    rows = [_observation(actor, pk, peer, now=now, expires=expires_at(rule, since=now)) for pk, peer in observed]
    PeerObservation.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_AT_ONCE)


def _observation(actor: Actor, sighting_id: UUID, peer: Peer, *, now: datetime, expires: datetime) -> PeerObservation:
    made = PeerObservation(
        sighting_id=sighting_id,
        organisation_id=actor.organisation,
        peer_digest=ring().digest("peer", peer.text.encode()),
        received_at=now,
        expires_at=expires,
    )
    made.seal(peer=peer.text)
    return made
