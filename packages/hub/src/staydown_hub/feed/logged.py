"""The answers that are read from a list's log: checkpoint, keys, tiles, bundles and tails."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from staydown_hub.feed.answers import Content, RefusedError
from staydown_hub.feed.parameters import no_parameters, tail_parameters
from staydown_hub.feed.ranges import accepts
from staydown_hub.feed.served import ServedLog
from staydown_hub.sealing.bundles import Packed
from staydown_hub.sealing.paths import TILE_WIDTH, parse_index, parse_tile
from staydown_hub.sealing.rotation import public_keys

Header = Callable[[bytes], str | None]

_NO_CACHE: Final = b"no-cache"
_FOR_GOOD: Final = b"public, max-age=31536000, immutable"
# A partial tile is right for good too, but soon nobody asks for it any more.
_FOR_A_WHILE: Final = b"public, max-age=60"
_BYTES: Final = b"application/octet-stream"


async def checkpoint(log: ServedLog, _rest: str, query: bytes, _header: Header) -> Content:
    """Return the newest checkpoint, with the cosignatures of it that are known."""
    no_parameters(query)
    if log.signed is None:
        raise not_signing()
    body = log.cosigning.cosigned(log.signed).encode()
    return Content(body, b"text/plain; charset=utf-8", _NO_CACHE, etag=_etag(body))


async def keys(log: ServedLog, _rest: str, query: bytes, _header: Header) -> Content:
    """Return the keys that sign now, each with what the older ones say of it, and the witnesses' keys."""
    no_parameters(query)
    if log.sequencer is None:
        raise not_signing()
    told = await asyncio.to_thread(public_keys, log.signing_folder, log.sequencer.signer.verifiers)
    witnesses = [one.text for one in await log.cosigning.witnesses()]
    body = json.dumps({"origin": log.origin, "keys": told, "witnesses": witnesses}, ensure_ascii=False).encode()
    return Content(body, b"application/json", _NO_CACHE, etag=_etag(body))


async def tile(log: ServedLog, rest: str, query: bytes, _header: Header) -> Content:
    """Return a tile of the tree."""
    no_parameters(query)
    place = parse_tile(rest)
    found = log.tile(place) if place else None
    if place is None or found is None:
        raise _not_there(
            "There is no such tile: full ones look like tile/0/x001/234, partial ones like tile/0/001.p/5."
        )
    return Content(found, _BYTES, _FOR_GOOD if place.width == TILE_WIDTH else _FOR_A_WHILE, etag=_etag(found))


async def bundle(log: ServedLog, rest: str, query: bytes, header: Header) -> Content:
    """Return a full bundle of entries."""
    no_parameters(query)
    _check_serving(log)
    index = parse_index(rest)
    found = await log.bundle(index) if index is not None else None
    if found is None:
        raise _not_there(
            "There is no such bundle: they look like bundle/000 and bundle/x001/234, and hold 4096 entries each."
        )
    return _coded(found, header, is_ranged=True)


async def tail(log: ServedLog, _rest: str, query: bytes, header: Header) -> Content:
    """Return the entries that follow a position."""
    _check_serving(log)
    after, limit = tail_parameters(query)
    return _coded(await log.tail(after=after, limit=limit), header, is_ranged=False)


ROUTES: Final[dict[str, Callable[[ServedLog, str, bytes, Header], Awaitable[Content]]]] = {
    "checkpoint": checkpoint,
    "keys": keys,
    "tile": tile,
    "bundle": bundle,
    "tail": tail,
}


def check_serving(log: ServedLog | None) -> ServedLog:
    """Return the log if it goes on; refuse with 503 while it does not."""
    if log is None or log.state == "opening":
        raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "opening", "The list's log is being opened: try again.")
    _check_serving(log)
    return log


def _check_serving(log: ServedLog) -> None:
    if log.state != "serving":
        raise not_signing()


def _coded(found: Packed, header: Header, *, is_ranged: bool) -> Content:
    if accepts(header(b"accept-encoding"), "zstd"):
        coded = Content(found.compressed, _BYTES, _NO_CACHE, etag=f'"{found.digest}-zstd"', coding=b"zstd")
    else:
        coded = Content(found.plain(), _BYTES, _NO_CACHE, etag=f'"{found.digest}"')
    return replace(coded, is_ranged=is_ranged)


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _not_there(message: str) -> RefusedError:
    return RefusedError(HTTPStatus.NOT_FOUND, "not_found", message)


def not_signing() -> RefusedError:
    """Return the refusal of what cannot be served as signed."""
    message = "The hub does not sign this list at the moment: go on with what you have verified, and try again later."
    return RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "log_refused", message)
