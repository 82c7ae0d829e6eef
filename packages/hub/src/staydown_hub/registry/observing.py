"""Batches of sightings of known items, as monitors post them: what can be kept is kept, the rest is answered by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import transaction

from staydown_hub.audit.services import record
from staydown_hub.lists.queries import in_force_among
from staydown_hub.lists.services import follow_up
from staydown_hub.organisations.actors import Actor
from staydown_hub.registry import sightings
from staydown_hub.registry.models import Fingerprint, Item
from staydown_hub.registry.sightings import Noted, Seen
from staydown_hub.rules import fingerprints as rules
from staydown_hub.rules.addresses import is_acted_on

Outcome = Literal["new", "known", "unknown_item", "too_many"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch: an item, named by its identifier or an exact fingerprint, was seen at an address."""

    item: UUID | rules.Fingerprint
    seen: Seen


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row; the sighting where there is one."""

    outcome: Outcome
    item: UUID | None = None
    sighting: UUID | None = None


@transaction.atomic
def take_sightings(actor: Actor, rows: Sequence[Row]) -> list[Answer]:
    """Note the sightings of all rows whose item is known, and answer each row, in the order in which they came.

    Removal is asked for where an address of an item in force is new and confirmed. All of it is one transaction: what
    is answered is kept.
    """
    named = _items_of(rows)
    locked = Item.objects.filter(pk__in={item for item in named if item}).order_by("pk")
    known = set(locked.select_for_update(no_key=True).values_list("pk", flat=True))
    of_items = {
        number: (item, row.seen) for number, (item, row) in enumerate(zip(named, rows, strict=True)) if item in known
    }
    kept = _with_room(actor, of_items)
    noted = dict(zip(kept, sightings.note_seen(actor, list(kept.values())), strict=True))
    answers = [_answer(item if item in known else None, noted.get(number)) for number, item in enumerate(named)]
    _record(actor, answers, peers=sum(len(seen.peers) for _, seen in kept.values()))
    acted_on = {
        kept[number][0]
        for number, one in noted.items()
        if one.is_confirmed_now and is_acted_on(kept[number][1].address.kind)
    }
    for item in sorted(in_force_among(acted_on)):
        follow_up(actor, item_id=item)
    return answers


def _items_of(rows: Sequence[Row]) -> list[UUID | None]:
    """Return each row's item, None where no item has the fingerprint."""
    values = {row.item.value for row in rows if isinstance(row.item, rules.Fingerprint)}
    found = Fingerprint.objects.filter(value__in=values, algorithm__in=rules.EXACT_ALGORITHMS)
    items = {(one.algorithm, bytes(one.value)): one.item_id for one in found}
    return [
        items.get((row.item.algorithm, row.item.value)) if isinstance(row.item, rules.Fingerprint) else row.item
        for row in rows
    ]


def _with_room(actor: Actor, seen: dict[int, tuple[UUID, Seen]]) -> dict[int, tuple[UUID, Seen]]:
    """Leave out new addresses beyond what one organisation may report of one item."""
    counts = sightings.counts_of_reporter(actor, items={item for item, _ in seen.values()})
    kept: dict[int, tuple[UUID, Seen]] = {}
    for (number, one), is_known in zip(seen.items(), sightings.known_among(list(seen.values())), strict=True):
        counts[one[0]] += not is_known
        if is_known or counts[one[0]] <= sightings.MAX_SIGHTINGS_OF_ONE_REPORTER:
            kept[number] = one
    return kept


def _answer(item: UUID | None, noted: Noted | None) -> Answer:
    if item is None:
        return Answer("unknown_item")
    if noted is None:
        return Answer("too_many", item)
    return Answer("new" if noted.is_new else "known", item, noted.sighting)


def _record(actor: Actor, answers: Sequence[Answer], *, peers: int) -> None:
    counts = {outcome: sum(one.outcome == outcome for one in answers) for outcome in ("new", "known")}
    record(
        act="sightings reported",
        organisation=actor.organisation,
        person=actor.person,
        subject=f"organisation:{actor.organisation}",
        detail={**counts, "refused": len(answers) - sum(counts.values()), "peers": peers},
        source=actor.source,
    )
