"""The registry's writes for many reports at once: a statement for each table, whatever the number of rows."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from django.db import connection
from django.utils import timezone

from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.training import check_may_assess
from staydown_hub.registry.models import Assessment, BatchRow, Item
from staydown_hub.rules.fingerprints import EXACT_ALGORITHMS, Fingerprint
from staydown_hub.rules.schemes import Named

Name = tuple[str, bytes]

# One statement an algorithm: the index over exact values holds these only, and the planner sees it from the constant.
_NAMED: Final = "SELECT value, item_id FROM fingerprint WHERE algorithm = '{}' AND value = ANY (%b::bytea[])"
_LOCK: Final = "SELECT id FROM item WHERE id = ANY (%b) ORDER BY id FOR NO KEY UPDATE"
_SUPPLIED: Final = """
    SELECT f.item_id, count(DISTINCT f.id) FROM fingerprint f JOIN fingerprint_source s ON s.fingerprint_id = f.id
    WHERE f.item_id = ANY (%b) AND s.organisation_id = %b GROUP BY f.item_id
"""
# In one order of the values in every transaction, so that two cannot wait for one another.
_FINGERPRINTS: Final = """
    INSERT INTO fingerprint (item_id, algorithm, value, quality)
    SELECT * FROM unnest(%b::uuid[], %b::text[], %b::bytea[], %b::smallint[])
        AS given(item_id, algorithm, value, quality)
    ORDER BY algorithm COLLATE "C", value ON CONFLICT DO NOTHING
"""
_RISING: Final = """
    UPDATE fingerprint f SET quality = given.quality
    FROM unnest(%b::uuid[], %b::text[], %b::bytea[], %b::smallint[]) AS given(item_id, algorithm, value, quality)
    WHERE (f.item_id, f.algorithm, f.value) = (given.item_id, given.algorithm, given.value)
        AND f.quality < given.quality
"""
_SOURCES: Final = """
    INSERT INTO fingerprint_source (fingerprint_id, organisation_id, assessment_id, quality, at)
    SELECT f.id, %b, given.assessment_id, given.quality, %b
    FROM unnest(%b::uuid[], %b::text[], %b::bytea[], %b::smallint[], %b::bigint[])
        AS given(item_id, algorithm, value, quality, assessment_id)
    JOIN fingerprint f ON (f.item_id, f.algorithm, f.value) = (given.item_id, given.algorithm, given.value)
    ON CONFLICT DO NOTHING
"""
_OWNED: Final = """
    SELECT count(DISTINCT f.id) FROM unnest(%b::uuid[], %b::text[], %b::bytea[]) AS given(item_id, algorithm, value)
    JOIN fingerprint f ON (f.item_id, f.algorithm, f.value) = (given.item_id, given.algorithm, given.value)
"""
_ROWS: Final = """
    INSERT INTO batch_row (organisation_id, reference, content_digest, item_id, known, batch)
    SELECT %b::uuid, given.*, %b::uuid
    FROM unnest(%b::text[], %b::bytea[], %b::uuid[], %b::bool[]) AS given(reference, content_digest, item_id, known)
    ON CONFLICT DO NOTHING
"""


@contextmanager
def _cursor() -> Iterator[psycopg.Cursor[Any]]:
    """Give a cursor in Django's transaction that sends values as they are: as text they cost most of the time."""
    connection.ensure_connection()
    made: psycopg.Cursor[Any] = psycopg.Cursor(connection.connection)
    with made, connection.wrap_database_errors:
        yield made


class OvertakenError(Exception):
    """Another transaction wrote the same in between: what was decided no longer holds, and is decided again."""


@dataclass(frozen=True, slots=True)
class Supplied:
    """What a report supplies of one item: each fingerprint once, and the assessment that it comes with."""

    item: UUID
    fingerprints: Sequence[Fingerprint]
    assessment: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of a batch as it is kept."""

    reference: str
    content_digest: bytes
    item: UUID
    known: bool


def items_named(fingerprints: Iterable[Fingerprint]) -> dict[Name, UUID]:
    """Return which item each of these exact fingerprints names, as far as any does."""
    asked: dict[str, set[bytes]] = {algorithm: set() for algorithm in EXACT_ALGORITHMS}
    for one in fingerprints:
        if one.is_exact:
            asked[one.algorithm].add(one.value)
    found: dict[Name, UUID] = {}
    with _cursor() as cursor:
        for algorithm, values in asked.items():
            if values:
                cursor.execute(_NAMED.format(algorithm), [list(values)])
                found |= {(algorithm, bytes(value)): item for value, item in cursor}
    return found


def rows_called(organisation: UUID, references: Collection[str]) -> dict[str, BatchRow]:
    """Return the organisation's rows under these references."""
    rows = BatchRow.objects.filter(organisation=organisation, reference__in=references)
    return {row.reference: row for row in rows}


def lock_items(item_ids: Collection[UUID]) -> None:
    """Lock these items until the transaction ends, in the one order in which all transactions take several."""
    if item_ids:
        with _cursor() as cursor:
            cursor.execute(_LOCK, [list(item_ids)])


def count_supplied(actor: Actor, item_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how many fingerprints of each of these items the organisation has supplied."""
    with _cursor() as cursor:
        cursor.execute(_SUPPLIED, [list(item_ids), actor.organisation])
        return dict(cursor.fetchall())


def open_items(actor: Actor, kinds: Sequence[tuple[UUID, str]]) -> None:
    """Open these items."""
    now = timezone.now()
    Item.objects.bulk_create(
        Item(pk=item, kind=kind, opened_at=now, opened_by_id=actor.organisation) for item, kind in kinds
    )


def judge_first(actor: Actor, codes: Mapping[UUID, Named]) -> dict[UUID, int]:
    """Record the organisation's judgements of items that this transaction opened; return the assessments' keys.

    Raises NotTrainedError, as for a single judgement.
    """
    if not codes:
        return {}
    check_may_assess(actor)
    now = timezone.now()
    made = Assessment.objects.bulk_create(
        Assessment(
            item_id=item,
            organisation_id=actor.organisation,
            person_id=actor.person,
            scheme=one.scheme,
            code=one.code,
            qualifies=one.qualifies,
            independent=True,  # nobody else knew of the item
            at=now,
        )
        for item, one in codes.items()
    )
    return {one.item_id: one.pk for one in made}


def add_fingerprints(actor: Actor, supplied: Collection[Supplied]) -> None:
    """Add what the items lack, and note who supplied it. Raises OvertakenError when another item just got one of it."""
    rows = [
        (one.item, each.algorithm, each.value, each.quality, one.assessment)
        for one in supplied
        for each in one.fingerprints
    ]
    if not rows:
        return
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    named, with_quality = columns[:3], columns[:4]
    with _cursor() as cursor:
        cursor.execute(_FINGERPRINTS, with_quality)
        if cursor.rowcount != len(rows):
            cursor.execute(_OWNED, named)
            owned = cursor.fetchone()
            if owned is None or owned[0] != len({row[:3] for row in rows}):
                raise OvertakenError
            cursor.execute(_RISING, with_quality)
        cursor.execute(_SOURCES, [actor.organisation, timezone.now(), *columns])


def keep_rows(actor: Actor, rows: Sequence[Kept], *, batch: UUID | None) -> None:
    """Keep these rows under their references. Raises OvertakenError when one of these was just taken."""
    columns: list[list[Any]] = [
        [one.reference for one in rows],
        [one.content_digest for one in rows],
        [one.item for one in rows],
        [one.known for one in rows],
    ]
    with _cursor() as cursor:
        cursor.execute(_ROWS, [actor.organisation, batch, *columns])
        if cursor.rowcount != len(rows):
            raise OvertakenError
