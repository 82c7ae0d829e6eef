"""The feed's ASGI application: the lists' logs as files, their entries as live events, and whether it is well."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout

from staydown_hub.config import environment
from staydown_hub.feed.access import Asking, authenticated, list_for
from staydown_hub.feed.answers import RefusedError, Send, begin_events, send_content, send_json
from staydown_hub.feed.changes import Changes
from staydown_hub.feed.database import Database
from staydown_hub.feed.logged import ROUTES, check_serving, not_signing
from staydown_hub.feed.logs import Logs
from staydown_hub.feed.parameters import stream_position
from staydown_hub.feed.posts import POSTED, Posts
from staydown_hub.feed.served import Sealing
from staydown_hub.feed.streams import Stream
from staydown_hub.rules.callers import Network, origin_of
from staydown_hub.rules.keys import bearer_token, prefix_of
from staydown_hub.sealing import places
from staydown_hub.sealing.errors import SealingError
from staydown_hub.sealing.providers import key_store

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]

# What there is below a list; each is asked for its list and audience before anything else.
READ: Final = ("events", *ROUTES)
_ROUTE: Final = re.compile(
    r"/feed/v1/lists/([-a-zA-Z0-9_]{1,64})"
    r"/(events|checkpoint|keys|tail|receipts|cosignatures|(tile|bundle)/(.{1,80}))"
)
_PIECE_BYTES: Final = 64 * 1024
_log = logging.getLogger(__name__)


class Feed:
    """One process's feed; made when the server starts it, closed when the server stops it."""

    def __init__(self, conninfo: str, *, sealing: Sealing, heartbeat_s: float, trusted: Sequence[Network] = ()) -> None:
        self._conninfo = conninfo
        self._trusted = trusted
        self._sealing = sealing
        self._heartbeat_s = heartbeat_s
        self._resources = AsyncExitStack()
        self._changes = Changes()
        self._database: Database
        self._logs: Logs
        self._posts: Posts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection's request, or the server's own start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._database = await self._resources.enter_async_context(Database.opened(self._conninfo))
                await self._resources.enter_async_context(self._changes.listening(self._conninfo))
                # Its own connections, so that no rush of requests stands in its way; what fails is tried again.
                own = await self._resources.enter_async_context(Database.opened(self._conninfo, is_checked=False))
                self._logs = Logs(
                    own, self._changes, self._sealing, requests=self._database, heartbeat_s=self._heartbeat_s
                )
                await self._resources.enter_async_context(self._logs.running())
                self._posts = Posts(self._database, self._logs)
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self._logs.end_streams()
                await self._resources.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._route(scope, receive, send)
        except RefusedError as refusal:
            await send_json(send, refusal.body(), status=refusal.status)
        except SealingError as error:
            _log.error("%s", error)
            refused = not_signing()
            await send_json(send, refused.body(), status=refused.status)
        except (DatabaseError, PoolTimeout) as error:
            _log.error("The database did not answer (%s).", type(error).__name__)
            away = RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "The hub's database is away: try again.")
            await send_json(send, away.body(), status=away.status)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _ROUTE.fullmatch(scope["path"])
        is_posted = found is not None and found[2] in POSTED
        if scope["method"] != ("POST" if is_posted else "GET"):
            message = "This is only sent: use POST." if is_posted else "This is only read: use GET."
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", message)
        if scope["path"] == "/feed/v1/healthz":
            await self._send_health(send)
            return
        if found is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "not_found", "There is no such route.")
        asking = self._asking(scope)
        if is_posted:
            await self._posts.answer(scope, receive, send, asking=asking, slug=found[1], what=found[2])
            return
        key = await authenticated(self._database, asking)
        shared_list = await list_for(self._database, key, found[1])
        if found[2] == "events":
            prefix = prefix_of(bearer_token(asking.authorization) or "") or ""
            await self._send_events(scope, receive, send, slug=shared_list.slug, key_prefix=prefix)
        else:
            await self._send_logged(scope, send, slug=shared_list.slug, route=found[3] or found[2], rest=found[4] or "")

    def _asking(self, scope: Scope) -> Asking:
        peer, _ = scope.get("client") or ("", 0)
        chain = b", ".join(bytes(value) for name, value in scope["headers"] if name == b"x-forwarded-for")
        subject = _header(scope, b"x-client-subject") or ""
        origin = origin_of(str(peer), chain=chain.decode("latin-1"), subject=subject, trusted=self._trusted)
        return Asking(_header(scope, b"authorization"), origin)

    async def _send_health(self, send: Send) -> None:
        await self._database.is_well()
        if not self._logs.is_opened:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "opening", "The lists' logs are being opened.")
        # A hub that refuses to sign is up: filters go on, and taking it away would help nobody.
        await send_json(send, b'{"status":"%s"}' % (b"ok" if self._logs.is_signing else b"not_signing"))

    async def _send_logged(self, scope: Scope, send: Send, *, slug: str, route: str, rest: str) -> None:
        log = self._logs.called(slug)
        if log is None:
            log = check_serving(log)
        content = await ROUTES[route](log, rest, scope["query_string"], partial(_header, scope))
        await send_content(send, content, partial(_header, scope))

    async def _send_events(self, scope: Scope, receive: Receive, send: Send, *, slug: str, key_prefix: str) -> None:
        position = stream_position(scope["query_string"], _header(scope, b"last-event-id"))
        stream = Stream(check_serving(self._logs.called(slug)), key_prefix, position)
        self._logs.check_room(key_prefix)
        await begin_events(send)
        async with self._logs.following(stream):
            pushing = stream.pushing = asyncio.create_task(_push(stream, send))
            leaving = asyncio.create_task(_until_gone(receive))
            await asyncio.wait({pushing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            for task in (pushing, leaving):
                task.cancel()
            await asyncio.gather(pushing, leaving, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _push(stream: Stream, send: Send) -> None:
    async for chunk in stream.chunks():
        stream.sending_since = time.monotonic()
        # In pieces: the server holds a few for each follower, however large they are.
        for start in range(0, len(chunk), _PIECE_BYTES):
            piece = chunk[start : start + _PIECE_BYTES] if len(chunk) > _PIECE_BYTES else chunk
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        stream.sending_since = None


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _header(scope: Scope, name: bytes) -> str | None:
    for given, value in scope["headers"]:
        if given == name:
            return bytes(value).decode("latin-1")
    return None


def application() -> Feed:
    """Make the application from the environment; the server calls this in its worker process."""
    heartbeat_s = environment.seconds("STAYDOWN_FEED_HEARTBEAT_S", 10)
    trusted = environment.networks("STAYDOWN_TRUSTED_PROXY")
    origin, signing_folder = places.log_origin(), places.signing_folder()
    store = key_store(signing_folder, origin)
    sealing = Sealing(store, origin=origin, signing_folder=signing_folder, log_folder=places.log_folder())
    return Feed(environment.text("DATABASE_URL"), sealing=sealing, heartbeat_s=heartbeat_s, trusted=trusted)
