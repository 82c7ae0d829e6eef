"""Reading the audit log: its latest records, and whether its chain is whole."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet

from staydown_hub.audit.chain import Head, Sealed, problems_in, record_fields
from staydown_hub.audit.models import AuditRecord, AuditSeal

_SEALS = """
    SELECT s.position, s.previous_hash, s.hash,
        r.id, r.at, r.act, r.organisation, r.person, r.subject, r.detail, r.source
    FROM audit_seal s LEFT JOIN audit_record r ON r.id = s.record_id ORDER BY s.position
"""
_ROWS_A_FETCH = 2000


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of a check of the whole chain: how many seals, the newest one, and what is wrong."""

    seals: int
    head: Head | None
    problems: tuple[str, ...]


def records_about(subject: str) -> QuerySet[AuditRecord]:
    """Return the records about one subject such as ``item:<uuid>``, newest first."""
    return AuditRecord.objects.filter(subject=subject).order_by("-id")


def verify(*, known_head: Head | None = None) -> Verification:
    """Read the whole chain and return what was found.

    With ``known_head``, a head noted earlier, a chain whose end was cut off or rewritten is found too.
    """
    walk = _Walk()
    with transaction.atomic():
        problems = (*problems_in(walk.along(_seals())), *_unsealed(), *_missing_head(known_head))
    return Verification(seals=walk.seals, head=walk.head, problems=problems)


@dataclass(slots=True)
class _Walk:
    """Remembers how far a single pass over the chain came."""

    seals: int = 0
    head: Head | None = None

    def along(self, seals: Iterable[Sealed]) -> Iterator[Sealed]:
        for seal in seals:
            self.seals += 1
            self.head = Head(position=seal.position, hash=seal.hash)
            yield seal


def _seals() -> Iterator[Sealed]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SEALS)
        while rows := cursor.fetchmany(_ROWS_A_FETCH):
            for position, previous, sealed, record_id, *columns in rows:
                fields = None if record_id is None else _fields(record_id, columns)
                yield Sealed(position=position, previous_hash=bytes(previous), hash=bytes(sealed), fields=fields)


def _fields(record_id: int, columns: list[object]) -> tuple[str | None, ...]:
    names = ("at", "act", "organisation", "person", "subject", "detail", "source")
    return record_fields(record_id=record_id, **dict(zip(names, columns, strict=True)))  # type: ignore[arg-type]  # untyped rows


def _unsealed() -> Iterator[str]:
    count = AuditRecord.objects.filter(seal=None).count()
    if count:
        yield f"{count} records were never sealed"


def _missing_head(known: Head | None) -> Iterator[str]:
    if known and not AuditSeal.objects.filter(position=known.position, hash=known.hash).exists():
        yield f"the noted head at position {known.position} is not in the log: its end was cut off or rewritten"
