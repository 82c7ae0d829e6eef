"""Receipts of filters, written in groups: hundreds of filters cost the database a few statements a second.

Each is answered after the commit that holds it. One that says that a list was refused is written by itself, with an
audit row when that is news.
"""

import asyncio
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from staydown_hub.feed.answers import RefusedError
from staydown_hub.feed.database import Database, KeyRow, ListRow
from staydown_hub.feed.receipt_form import ReceiptForm
from staydown_hub.feed.refusals import invalid
from staydown_hub.rules.enforcement import FORGOTTEN_AFTER, MAX_RECEIPTS_OF_AN_ORGANISATION

_GROUP_WITHIN_S: Final = 0.05
_GIVEN = """
    unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[])
    AS given(organisation_id, shared_list_id, filter, position, live_since, state, problem)
"""
# A filter's clock may be wrong: nothing took force later than now. A row that says nothing new is not worth a version
# of it more often than every few seconds, but that it spoke is news enough.
_UPDATE = f"""
    UPDATE receipt SET position = given.position, live_since = least(given.live_since, now()), state = given.state,
        problem = given.problem, reported_at = now(),
        state_since = CASE WHEN receipt.state = given.state THEN receipt.state_since ELSE now() END
    FROM {_GIVEN}
    WHERE receipt.organisation_id = given.organisation_id AND receipt.shared_list_id = given.shared_list_id
        AND receipt.filter = given.filter
    RETURNING receipt.organisation_id, receipt.shared_list_id, receipt.filter
"""  # noqa: S608 -- put together from constants
_INSERT = f"""
    INSERT INTO receipt (organisation_id, shared_list_id, filter, position, live_since, state, problem,
        reported_at, state_since)
    SELECT organisation_id, shared_list_id, filter, position, least(live_since, now()), state, problem, now(), now()
    FROM {_GIVEN} ON CONFLICT DO NOTHING
"""  # noqa: S608 -- the same
_SIZES = """
    SELECT asked.id, coalesce((SELECT max(position) + 1 FROM entry WHERE shared_list_id = asked.id), 0)
    FROM unnest(%s::uuid[]) AS asked(id)
"""
_ONE_AT_A_TIME = "SELECT FROM organisation WHERE id = %s FOR NO KEY UPDATE"
_COUNT = "SELECT count(*) FROM receipt WHERE organisation_id = %s"
_FORGET = "DELETE FROM receipt WHERE organisation_id = %s AND reported_at < now() - %s"
_WAS = """
    SELECT state, problem FROM receipt WHERE organisation_id = %s AND shared_list_id = %s AND filter = %s FOR UPDATE
"""
_RECORD = """
    INSERT INTO audit_record (at, act, organisation, person, subject, detail, source)
    VALUES (%s, 'list refused by filter', %s, NULL, %s, %s, 'feed')
"""

_Key = tuple[UUID, UUID, UUID]
_Connection = AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt with whose it is and of which list."""

    organisation: UUID
    shared_list: ListRow
    said: ReceiptForm

    @property
    def key(self) -> _Key:
        """Return what it is found by: no organisation can speak for another's filter."""
        return self.organisation, self.shared_list.id, self.said.filter


class Receipts:
    """Takes receipts and writes those that came within a moment of each other together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Receipt, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, key: KeyRow, shared_list: ListRow, said: ReceiptForm) -> None:
        """Return once the receipt is committed. Raises RefusedError: 422 for the position, 429 for too many filters."""
        receipt = Receipt(key.organisation, shared_list, said)
        if said.state == "refused":
            await self._take_refusal(receipt)
            return
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((receipt, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        await answer

    async def _write_waiting(self) -> None:
        while self._waiting:
            await asyncio.sleep(_GROUP_WITHIN_S)
            group, self._waiting = self._waiting, []
            try:
                outcomes = await self._write([receipt for receipt, _ in group])
            except Exception as error:  # noqa: BLE001 -- each of those who wait answers for it in its own request
                outcomes = dict.fromkeys((receipt.key for receipt, _ in group), error)
            for receipt, answer in group:
                _settle(answer, outcomes.get(receipt.key))
        self._writing = None

    async def _write(self, group: Collection[Receipt]) -> dict[_Key, Exception]:
        """Write them, the last of each filter counting; return what is wrong with those that were not."""
        latest = {receipt.key: receipt for receipt in group}
        wrong: dict[_Key, Exception] = {}
        async with self._database.connection() as connection:
            sizes = await _sizes(connection, {receipt.shared_list.id for receipt in latest.values()})
            for key, receipt in list(latest.items()):
                if receipt.said.position >= sizes[receipt.shared_list.id]:
                    wrong[key] = invalid({"position": "The list has no such position yet: it ends before it."})
                    del latest[key]
            known = await _updated(connection, latest.values())
            fresh = [receipt for key, receipt in latest.items() if key not in known]
            for organisation in {receipt.organisation for receipt in fresh}:
                own = [receipt for receipt in fresh if receipt.organisation == organisation]
                wrong |= dict.fromkeys(await _inserted(connection, own), _too_many())
        return wrong

    async def _take_refusal(self, receipt: Receipt) -> None:
        async with self._database.connection() as connection:
            before = await (await connection.execute(_WAS, receipt.key)).fetchone()
            if not await _updated(connection, [receipt]) and await _inserted(connection, [receipt]):
                raise _too_many()
            if before is None or tuple(before) != ("refused", receipt.said.problem):
                await connection.execute(_RECORD, _as_record(receipt))


async def _sizes(connection: _Connection, lists: Collection[UUID]) -> dict[UUID, int]:
    return dict(await (await connection.execute(_SIZES, [list(lists)])).fetchall())


async def _updated(connection: _Connection, receipts: Collection[Receipt]) -> set[_Key]:
    """Rewrite the rows that are there; return which were."""
    if not receipts:
        return set()
    return {
        (row[0], row[1], row[2]) for row in await (await connection.execute(_UPDATE, _columns(receipts))).fetchall()
    }


async def _inserted(connection: _Connection, receipts: list[Receipt]) -> list[_Key]:
    """Write the first receipts of filters of one organisation; return those that are beyond its number of filters."""
    organisation = receipts[0].organisation
    await connection.execute(_ONE_AT_A_TIME, [organisation])
    room = MAX_RECEIPTS_OF_AN_ORGANISATION - await _count(connection, organisation)
    if room < len(receipts):
        await connection.execute(_FORGET, [organisation, FORGOTTEN_AFTER])
        room = MAX_RECEIPTS_OF_AN_ORGANISATION - await _count(connection, organisation)
    if let_in := receipts[: max(room, 0)]:
        await connection.execute(_INSERT, _columns(let_in))
    return [receipt.key for receipt in receipts[max(room, 0) :]]


async def _count(connection: _Connection, organisation: UUID) -> int:
    row = await (await connection.execute(_COUNT, [organisation])).fetchone()
    return int(row[0]) if row else 0


def _columns(receipts: Iterable[Receipt]) -> list[list[Any]]:
    rows = [(*one.key, one.said.position, one.said.live_since, one.said.state, one.said.problem) for one in receipts]
    return [list(column) for column in zip(*rows, strict=True)]


def _as_record(receipt: Receipt) -> tuple[object, ...]:
    detail = {
        "filter": str(receipt.said.filter),
        "list": receipt.shared_list.slug,
        "position": receipt.said.position,
        "problem": receipt.said.problem,
    }
    text = json.dumps(detail, sort_keys=True, separators=(",", ":"))
    return datetime.now(tz=UTC), receipt.organisation, f"list:{receipt.shared_list.slug}", text


def _settle(answer: "asyncio.Future[None]", error: Exception | None) -> None:
    if answer.done():  # whoever sent it is gone
        return
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error)


def _too_many() -> RefusedError:
    message = (
        f"Your organisation has {MAX_RECEIPTS_OF_AN_ORGANISATION:,} filters on record: let each filter keep its "
        "identifier when it starts again. One that is not heard of for 30 days is forgotten."
    )
    return RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too_many_filters", message)
