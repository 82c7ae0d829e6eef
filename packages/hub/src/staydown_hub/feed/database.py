"""What the feed reads and writes in PostgreSQL: keys, lists, entries, and an audit row for each refusal."""

import json
import math
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from staydown_hub.rules.access import Scope
from staydown_hub.rules.people import scopes_of_key
from staydown_hub.sealing.errors import MissingEntryError
from staydown_hub.sealing.records import Record
from staydown_hub.sealing.sequencer import Leaf, redacted_by

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_POOL_SIZE: Final = 4
_WAIT_S: Final = 10.0
_NOTED_EVERY_S: Final = 60.0
_KEY = """
    SELECT k.id, k.token_hash, k.scopes, k.revoked_at IS NOT NULL OR NOT coalesce(p.is_active, true),
        coalesce(k.expires_at <= now(), false), o.id, o.kind, p.role, k.networks, k.client_subject
    FROM api_key k JOIN organisation o ON o.id = k.organisation_id LEFT JOIN person p ON p.id = k.person_id
    WHERE k.prefix = %s
"""
_NOTE_USE = """
    UPDATE api_key SET last_used_at = now()
    WHERE id = %s AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""
_KEYS = _KEY.replace("= %s", "= ANY (%s)").replace("SELECT", "SELECT k.prefix,", 1)
_LIST = "SELECT id, slug, audience_kinds FROM shared_list WHERE slug = %s"
_LISTS = "SELECT id, slug, audience_kinds FROM shared_list ORDER BY slug"
_RECORDS = """
    SELECT position, leaf_hash, salt, body FROM entry
    WHERE shared_list_id = %s AND position >= %s ORDER BY position LIMIT %s
"""
_LEAVES = """
    SELECT position, leaf_hash, CASE WHEN operation = 'redact' THEN body END FROM entry
    WHERE shared_list_id = %s AND position >= %s ORDER BY position LIMIT %s
"""
_SIZE = "SELECT coalesce(max(position) + 1, 0) FROM entry WHERE shared_list_id = %s"
_TELL_KEYS = """
    UPDATE shared_list SET log_origin = %(origin)s, log_keys = %(keys)s
    WHERE id = %(list)s AND (log_origin <> %(origin)s OR log_keys <> %(keys)s)
"""
_RECORD = """
    INSERT INTO audit_record (at, act, organisation, person, subject, detail, source)
    VALUES (%s, %s, %s, NULL, %s, %s, 'feed')
"""

Detail = dict[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it stands at this moment."""

    id: UUID
    token_hash: bytes
    is_revoked: bool
    is_expired: bool
    organisation: UUID
    kind: str
    scopes: frozenset[Scope]
    networks: tuple[str, ...]
    client_subject: str


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list and the kinds of organisation that receive it."""

    id: UUID
    slug: str
    audience_kinds: tuple[str, ...]


class Database:
    """A few pooled connections; safe to use from any task of one event loop."""

    def __init__(self, conninfo: str, *, is_checked: bool) -> None:
        self.conninfo = conninfo
        # When this process noted the use of each key: hundreds of filters ask every few seconds.
        self._noted_at_s: dict[UUID, float] = {}
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=_POOL_SIZE,
            timeout=_WAIT_S,
            open=False,
            check=AsyncConnectionPool.check_connection if is_checked else None,
        )

    @classmethod
    @asynccontextmanager
    async def opened(cls, conninfo: str, *, is_checked: bool = True) -> AsyncIterator[Self]:
        """Open the pool; connections are made as they are needed, so a database that is still starting is no error.

        A checked connection is known to be alive when it is used, at the cost of asking it first.
        """
        made = cls(conninfo, is_checked=is_checked)
        await made._pool.open(wait=False)
        try:
            yield made
        finally:
            await made._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["AsyncConnection[TupleRow]"]:
        """Lend a connection for one transaction: committed when the block ends, rolled back when it raises."""
        async with self._pool.connection() as connection:
            yield connection

    async def is_well(self) -> None:
        """Ask the database anything; raise psycopg's error when it does not answer."""
        await self._one("SELECT 1")

    async def key(self, prefix: str) -> KeyRow | None:
        """Return the key with this prefix."""
        row = await self._one(_KEY, prefix)
        return None if row is None else _key(row)

    async def keys(self, prefixes: Collection[str]) -> dict[str, KeyRow]:
        """Return those of these keys that there are, by their prefixes."""
        rows = await self._all(_KEYS, list(prefixes))
        return {row[0]: _key(row[1:]) for row in rows}

    async def note_use(self, key: KeyRow) -> None:
        """Note that the key was used just now, at most once a minute."""
        now_s = time.monotonic()
        if now_s - self._noted_at_s.get(key.id, -math.inf) < _NOTED_EVERY_S:
            return
        self._noted_at_s[key.id] = now_s
        async with self._pool.connection() as connection:
            await connection.execute(_NOTE_USE, (key.id,))

    async def list_called(self, slug: str) -> ListRow | None:
        """Return the list with this slug."""
        row = await self._one(_LIST, slug)
        return None if row is None else _list(row)

    async def lists(self) -> list[ListRow]:
        """Return all lists."""
        return [_list(row) for row in await self._all(_LISTS)]

    async def size_of(self, shared_list: ListRow) -> int:
        """Return the list's next position."""
        row = await self._one(_SIZE, shared_list.id)
        size: int = row[0] if row else 0
        return size

    async def records(self, shared_list: ListRow, *, start: int, limit: int) -> list[Record]:
        """Return entries from a position on, with their texts as far as they have any. Raises MissingEntryError."""
        rows = await self._all(_RECORDS, shared_list.id, start, limit)
        _check_gapless(shared_list, rows, start=start)
        return [Record(leaf=leaf, salt=salt, body=body) for _, leaf, salt, body in rows]

    async def leaves(self, shared_list: ListRow, *, start: int, limit: int) -> list[Leaf]:
        """Return entries from a position on, without their texts. Raises MissingEntryError."""
        rows = await self._all(_LEAVES, shared_list.id, start, limit)
        _check_gapless(shared_list, rows, start=start)
        return [Leaf(leaf=leaf, redacted=redacted_by(body)) for _, leaf, body in rows]

    async def tell_keys(self, shared_list: ListRow, *, origin: str, keys: list[str]) -> None:
        """Write what the list's log is called and by which keys it is verified, for those who ask the API."""
        async with self._pool.connection() as connection:
            await connection.execute(_TELL_KEYS, {"list": shared_list.id, "origin": origin, "keys": keys})

    async def record_refusal(self, key: KeyRow, *, act: str, detail: Detail) -> None:
        """Write a refusal to the audit log; the database seals it into the chain as this commits."""
        text = json.dumps(detail, sort_keys=True, separators=(",", ":"))
        row = (datetime.now(tz=UTC), act, key.organisation, f"api_key:{key.id}", text)
        async with self._pool.connection() as connection:
            await connection.execute(_RECORD, row)

    async def _all(self, query: str, *values: object) -> list[TupleRow]:
        async with self._pool.connection() as connection, connection.cursor(binary=True) as cursor:
            return await (await cursor.execute(query.encode(), values)).fetchall()

    async def _one(self, query: str, *values: object) -> TupleRow | None:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query.encode(), values)).fetchone()


def _key(row: TupleRow) -> KeyRow:
    key_id, token_hash, scopes, is_revoked, is_expired, organisation, kind, role, networks, client_subject = row
    return KeyRow(
        id=key_id,
        token_hash=bytes(token_hash),
        is_revoked=is_revoked,
        is_expired=is_expired,
        organisation=organisation,
        kind=kind,
        scopes=scopes_of_key(kind=kind, granted=frozenset(scopes), role=role),
        networks=tuple(networks),
        client_subject=client_subject,
    )


def _list(row: TupleRow) -> ListRow:
    return ListRow(id=row[0], slug=row[1], audience_kinds=tuple(row[2]))


def _check_gapless(shared_list: ListRow, rows: list[TupleRow], *, start: int) -> None:
    # An entry would else be signed at another's position. Rows come in order, so the first gap shows at the end too.
    if rows and rows[-1][0] != start + len(rows) - 1:
        missing = next(position for position, row in enumerate(rows, start) if row[0] != position)
        raise MissingEntryError(shared_list.slug, missing)
