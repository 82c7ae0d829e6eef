"""The ring as the hub uses it, and what changes it: rotating, wrapping anew, retiring. Each leaves an audit row."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakSet

from django.db import connection, transaction
from psycopg import sql

from staydown_hub.audit.services import record
from staydown_hub.vault import queries
from staydown_hub.vault.envelopes import Place, rewrap
from staydown_hub.vault.errors import DoesNotOpenError, HasRingError, KeyInUseError, NoRingError
from staydown_hub.vault.providers import ring_folder, ring_store
from staydown_hub.vault.rings import RingStore

_AT_ONCE: Final = 1000
_WRAPPED_OTHERWISE: Final = sql.SQL("""
    SELECT id, sealed_key FROM {} WHERE sealed_key IS NOT NULL AND substr(sealed_key, 2, 4) <> %s
        AND (%s::uuid IS NULL OR id > %s::uuid) ORDER BY id LIMIT %s
""")
# Only where the key is still the one that was opened: a record that was erased or sealed anew meanwhile is left alone.
_PUT: Final = sql.SQL("""
    UPDATE {} AS held SET sealed_key = given.fresh
    FROM unnest(%s::uuid[], %s::bytea[], %s::bytea[]) AS given(id, former, fresh)
    WHERE held.id = given.id AND held.sealed_key = given.former
""")
_COUNT: Final = sql.SQL("SELECT count(*) FROM {} WHERE substr(sealed_key, 2, 4) = %s")
_SHUT: Final = sql.SQL("LOCK TABLE {} IN SHARE MODE")


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many records were wrapped anew, and which (``table:id``) do not open and stayed as they were."""

    count: int
    broken: tuple[str, ...]


_checked: WeakSet[RingStore] = WeakSet()


def ring() -> RingStore:
    """Return the hub's ring; where nothing was ever sealed, one is made. Raises VaultError and BadSettingError."""
    store = ring_store()
    if store in _checked:
        return store
    if not store.exists():
        if queries.has_sealed_records():
            raise NoRingError(str(ring_folder()))
        with suppress(HasRingError):  # another process was first
            store.make()
    _checked.add(store)
    return store


@transaction.atomic
def make(*, source: str) -> bytes:
    """Make the ring and return its key's id. Raises HasRingError, and NoRingError where sealed records wait for one."""
    store = ring_store()
    if store.exists():
        raise HasRingError
    made = ring().newest
    record(act="ring made", subject=f"ring_key:{made.hex()}", source=source)
    return made


@transaction.atomic
def rotate(*, source: str) -> bytes:
    """Make one more key, which wraps from now on, and return its id. Raises VaultError."""
    key_id = ring().rotate()
    record(act="ring rotated", subject=f"ring_key:{key_id.hex()}", source=source)
    return key_id


def rewrap_all(*, source: str) -> Rewrapped:
    """Wrap every record's key with the ring's newest; what is sealed is not touched. It may be run again."""
    newest = ring().newest
    count, broken = 0, list[str]()
    for table in queries.sealed_tables():
        for rows in _batches(table, newest):
            count += _rewrap(table, rows, broken)
    with transaction.atomic():
        record(
            act="records wrapped anew",
            subject=f"ring_key:{newest.hex()}",
            detail={"records": count, "broken": broken[:100]},
            source=source,
        )
    return Rewrapped(count, tuple(broken))


@transaction.atomic
def retire(key_id: bytes, *, source: str) -> None:
    """Take a key away for good, once it wraps nothing any more. Raises VaultError.

    Whoever writes sealed records is waited for, and waits, until it is gone.
    """
    with connection.cursor() as cursor:
        tables = [sql.Identifier(table) for table in queries.sealed_tables()]
        for table in tables:
            cursor.execute(_SHUT.format(table))
        in_use = 0
        for table in tables:
            cursor.execute(_COUNT.format(table), [key_id])
            in_use += cursor.fetchone()[0]
    if in_use:
        raise KeyInUseError(in_use)
    ring().retire(key_id)
    record(act="ring key retired", subject=f"ring_key:{key_id.hex()}", source=source)


def _batches(table: str, newest: bytes) -> Iterator[list[tuple[Any, bytes]]]:
    after = None
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_WRAPPED_OTHERWISE.format(sql.Identifier(table)), [newest, after, after, _AT_ONCE])
            rows = [(pk, bytes(key)) for pk, key in cursor.fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _rewrap(table: str, rows: list[tuple[Any, bytes]], broken: list[str]) -> int:
    fresh: list[tuple[Any, bytes, bytes]] = []
    for pk, key in rows:
        try:
            fresh.append((pk, key, rewrap(ring(), Place(table, str(pk)), key)))
        except DoesNotOpenError:
            broken.append(f"{table}:{pk}")
    if not fresh:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_PUT.format(sql.Identifier(table)), [list(column) for column in zip(*fresh, strict=True)])
        return int(cursor.rowcount)
