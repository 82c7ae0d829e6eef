"""Whether every entry is what the audit log says was written: nothing changed, taken out or slipped in."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection, transaction

ACTS: Final = {"admit": "entry admitted", "amend": "entry amended", "withdraw": "entry withdrawn"}

# One statement sees one state of both tables, also while entries are being written.
_BOTH: Final = """
    SELECT 1 AS turn, r.act, r.subject, r.detail, NULL AS slug, NULL AS position, r.id
    FROM audit_record r WHERE r.act = ANY(%s)
    UNION ALL
    SELECT 2, e.operation, 'item:' || e.item_id, e.body, s.slug, e.position, e.id
    FROM entry e JOIN shared_list s ON s.id = e.shared_list_id
    ORDER BY turn, slug, position, id
"""
_ROWS_A_FETCH: Final = 2000
_Place = tuple[str, int]


def body_sha256(body: str) -> str:
    """Return the SHA-256 of an entry's text in base64: the audit log refuses what is written like a fingerprint."""
    return base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()


@dataclass(slots=True)
class _Comparison:
    """What the records say of each place, until the entry that stands there is seen."""

    said: dict[_Place, bytes] = field(default_factory=dict)

    def take_record(self, act: str, subject: str, detail: str) -> Iterator[str]:
        try:
            told: dict[str, Any] = json.loads(detail)
            place, digest = (str(told["list"]), int(told["position"])), str(told["body_sha256"])
        except (ValueError, KeyError, TypeError):
            yield "a record of an entry does not say which"
            return
        if place in self.said:
            # A later record may not stand in for the one that was made with the entry.
            yield f"list {place[0]}: position {place[1]} is recorded more than once"
        else:
            self.said[place] = _told(act, subject, digest)

    def take_entry(self, place: _Place, told: bytes) -> Iterator[str]:
        recorded = self.said.pop(place, None)
        if recorded is None:
            yield f"list {place[0]}: the entry at position {place[1]} was never recorded"
        elif recorded != told:
            yield f"list {place[0]}: the entry at position {place[1]} was changed after it was written"

    def missing(self) -> Iterator[str]:
        for slug, position in sorted(self.said):
            yield f"list {slug}: the entry at position {position} is missing"


def problems() -> tuple[str, ...]:
    """Compare every entry with its audit record; return one line a problem, nothing when all agree.

    That the records themselves are whole is for ``audit.queries.verify`` to say.
    """
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_BOTH, [list(ACTS.values())])
        return tuple(_compared(cursor))


def _compared(cursor: Any) -> Iterator[str]:  # noqa: ANN401 -- Django's cursors have no common type
    comparison = _Comparison()
    while rows := cursor.fetchmany(_ROWS_A_FETCH):
        for turn, act, subject, text, slug, position, _ in rows:
            if turn == 1:
                yield from comparison.take_record(act, subject, text)
            else:
                told = _told(ACTS.get(act, act), subject, body_sha256(text))
                yield from comparison.take_entry((slug, position), told)
    yield from comparison.missing()


def _told(act: str, subject: str, digest: str) -> bytes:
    # Only its hash is kept: lists are long.
    return hashlib.sha256(f"{act}\n{subject}\n{digest}".encode()).digest()
