"""Whether the rows of every batch are those that its audit record speaks of: one record covers hundreds of reports."""

import json
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from staydown_hub.registry.batches import ACT, batch_digest

# One statement sees one state of both tables, also while batches are being written.
_BOTH: Final = """
    SELECT b.batch, r.detail, b.reference, b.item_id, b.known, b.content_digest
    FROM (SELECT subject, detail FROM audit_record WHERE act = %s) r
    FULL JOIN (SELECT *, 'batch:' || batch AS subject FROM batch_row WHERE batch IS NOT NULL) b USING (subject)
    ORDER BY b.batch
"""
_ROWS_A_FETCH: Final = 2000
_Row = tuple[str, UUID, bool, bytes]


def problems() -> tuple[str, ...]:
    """Compare every batch with its audit record; return one line a problem, nothing when all agree."""
    with transaction.atomic():
        return tuple(problem for batch, told, rows in _batches() if (problem := _problem(batch, told, rows)))


def _batches() -> Iterator[tuple[UUID | None, str | None, list[_Row]]]:
    """Yield each batch, what was recorded of it, and its rows; without a batch where a record has no rows."""
    batch: UUID | None = None
    told: str | None = None
    rows: list[_Row] = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(_BOTH, [ACT])
        while fetched := cursor.fetchmany(_ROWS_A_FETCH):
            for next_batch, detail, reference, item, known, digest in fetched:
                if next_batch is None:
                    yield None, detail, []
                    continue
                if next_batch != batch and batch is not None:
                    yield batch, told, rows
                    rows = []
                batch, told = next_batch, detail
                rows.append((reference, item, known, bytes(digest)))
    if batch is not None:
        yield batch, told, rows


def _problem(batch: UUID | None, told: str | None, rows: list[_Row]) -> str | None:
    if batch is None:
        return "a batch is recorded whose rows are gone"
    if told is None:
        return f"batch {batch}: its {len(rows)} rows were never recorded"
    try:
        is_same = json.loads(told)["digest"] == batch_digest(rows)
    except (ValueError, KeyError, TypeError):
        is_same = False
    return None if is_same else f"batch {batch}: its rows are not those that were recorded"
