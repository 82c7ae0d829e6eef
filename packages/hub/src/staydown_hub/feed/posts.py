"""What filters and witnesses send to the feed: receipts and cosignatures. Everything else of it is only read."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from staydown_hub.feed.access import Asking
from staydown_hub.feed.answers import RefusedError, Send, send_nothing
from staydown_hub.feed.bodies import Receive, read_body
from staydown_hub.feed.database import Database, KeyRow, ListRow
from staydown_hub.feed.logged import check_serving
from staydown_hub.feed.logs import Logs
from staydown_hub.feed.parameters import no_parameters
from staydown_hub.feed.receipt_form import read_receipt
from staydown_hub.feed.receipts import Receipts
from staydown_hub.feed.reporters import Reporters

POSTED: Final = frozenset({"receipts", "cosignatures"})
_MAX_RECEIPT_BYTES: Final = 4096
_MAX_NOTE_BYTES: Final = 16 * 1024

_Taker = Callable[[dict[str, Any], Receive, KeyRow, ListRow], Awaitable[None]]


class Posts:
    """Takes what is posted to a list; made once a process."""

    def __init__(self, database: Database, logs: Logs) -> None:
        self._database = database
        self._logs = logs
        self._reporters = Reporters(database)
        self._receipts = Receipts(database)
        self._takers: Mapping[str, _Taker] = {
            "receipts": self._take_receipt,
            "cosignatures": self._take_cosignatures,
        }

    async def answer(
        self, scope: dict[str, Any], receive: Receive, send: Send, *, asking: Asking, slug: str, what: str
    ) -> None:
        """Take what was posted to a list and answer 204. Raises RefusedError."""
        key, shared_list = await self._reporters.admitted(asking, slug)
        no_parameters(scope["query_string"])
        await self._takers[what](scope, receive, key, shared_list)
        await send_nothing(send)

    async def _take_receipt(self, scope: dict[str, Any], receive: Receive, key: KeyRow, shared_list: ListRow) -> None:
        if "filter" not in key.scopes:
            message = "A receipt needs a key with the scope filter: ask the hub's operator for one."
            await self._database.record_refusal(key, act="request refused", detail={"route": "receipts", "status": 403})
            raise RefusedError(HTTPStatus.FORBIDDEN, "forbidden", message)
        body = await read_body(scope["headers"], receive, media_type="application/json", max_bytes=_MAX_RECEIPT_BYTES)
        await self._receipts.take(key, shared_list, read_receipt(body))

    async def _take_cosignatures(
        self, scope: dict[str, Any], receive: Receive, key: KeyRow, shared_list: ListRow
    ) -> None:
        log = check_serving(self._logs.called(shared_list.slug))
        body = await read_body(scope["headers"], receive, media_type="text/plain", max_bytes=_MAX_NOTE_BYTES)
        if await log.cosigning.take(key, body):
            log.wake()
