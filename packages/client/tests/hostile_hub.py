"""A hub that serves a made log over real HTTP, as agreed until it is told to misbehave.

`hub.spoil[endpoint]` takes an honest `Answer` and returns another (see `mischief.py`); `hub.spoil_event` does so for a
live event. To fork, shrink or replay, show it another log: `hub.show(log.fork(size=7))`, or an older checkpoint:
`hub.held_at = 7`. Endpoints: me, lists, keys, checkpoint, tile, bundle, tail, events, cosignatures, receipts, matches.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from staydown_client.log.notes import cosignature_line, parse_note, signature_line, verified_signatures

from packages.client.tests.made_log import MadeLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from staydown_client.log.keys import VerifierKey, WitnessKey

KEY_TEXT = "sdk_abcdefgh_0123456789abcdefghijklmnopqrstuv"
LIST = "national"
FEED = f"/feed/v1/lists/{LIST}/"
BUNDLE = 4096
HEARTBEAT_INTERVAL_S = 0.2

Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request as it came; `endpoint` is its name in the module's docstring, `rest` what follows it in the path."""

    method: str
    path: str
    endpoint: str
    rest: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes back. `body` may be an iterator: then it is sent as it comes, in chunks, perhaps without an end.

    `break_after`: hang up after so many bytes. `claims`: the Content-Length to state instead of the true one.
    """

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    break_after: int | None = None
    claims: int | None = None
    wait_s: float = 0.0


Mischief: TypeAlias = "Callable[[Asked, Answer], Answer]"


class HostileHub(ThreadingHTTPServer):
    """Serves `log`. What members sent is in `asked`, `receipts`, `matches` and `cosignatures`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, log: MadeLog | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.log = log or MadeLog()
        self.held_at: int | None = None
        self.endorsements: dict[str, str] = {}
        self.witnesses: list[VerifierKey] = []
        self.cosignatures: dict[tuple[str, str], str] = {}
        self.receipts: list[Body] = []
        self.matches: list[Body] = []
        self.asked: list[Asked] = []
        self.spoil: dict[str, Mischief] = {}
        self.spoil_event: Callable[[bytes], bytes] = bytes
        self.compress: tuple[str, Callable[[bytes], bytes]] | None = None
        self.news = threading.Condition()
        self.closing = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def shown(self) -> int:
        """The size that the hub shows: all of the log, unless it is held back."""
        return self.log.size if self.held_at is None else min(self.held_at, self.log.size)

    def publish(self, *bodies: Body) -> None:
        """Add entries and push them as one live event."""
        with self.news:
            self.log.append(*bodies)
            self.news.notify_all()

    def show(self, log: MadeLog) -> None:
        """Serve another log from now on, as if it had always been this one."""
        with self.news:
            self.log = log
            self.news.notify_all()

    def cosign(self, witness: WitnessKey, *, time_s: int) -> None:
        """Have a witness sign what is shown, as if it did so then."""
        with self.news:
            body = parse_note(self.log.checkpoint(self.shown)).body
            self.cosignatures[body, witness.public.name] = cosignature_line(body, witness, time_s=time_s)
            self.news.notify_all()

    def note(self, size: int | None = None) -> str:
        """Return the checkpoint with the cosignatures that came for it."""
        with self.news:
            text = self.log.checkpoint(self.shown if size is None else size)
            body = parse_note(text).body
            return text + "".join(line for (of, _), line in sorted(self.cosignatures.items()) if of == body)

    def wait_for_news(self, position: int, note: str) -> tuple[int, str]:
        """Return the size and the checkpoint that are shown, when they changed or a heartbeat is due."""
        with self.news:
            self.news.wait_for(lambda: self._is_news(position, note), HEARTBEAT_INTERVAL_S)
            return self.shown, self.note()

    def _is_news(self, position: int, note: str) -> bool:
        return self.closing or self.shown > position or self.note() != note

    def asked_for(self, endpoint: str) -> list[Asked]:
        return [each for each in self.asked if each.endpoint == endpoint]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is part of many tests."""


@contextmanager
def running(hub: HostileHub) -> Iterator[HostileHub]:
    """Serve until the context ends."""
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        with hub.news:
            hub.closing = True
            hub.news.notify_all()
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HostileHub

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        endpoint, rest = _endpoint(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        asked = Asked(self.command, self.path, endpoint, rest, query, dict(self.headers), body)
        self.server.asked.append(asked)
        if self.headers.get("Authorization") != f"Bearer {KEY_TEXT}":
            answer = refusal(401, "unauthorised", "Unknown key: ask for another.")
        else:
            answer = _ANSWERS.get(endpoint, _nothing_here)(self.server, asked)
        spoil = self.server.spoil.get(endpoint)
        self._send(spoil(asked, answer) if spoil else answer)

    def _send(self, answer: Answer) -> None:
        time.sleep(answer.wait_s)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(answer.body, bytes):
            length = len(answer.body) if answer.claims is None else answer.claims
            if answer.status != 204:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(answer.body[: answer.break_after])
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._send_chunks(answer.body, answer.break_after)
        if answer.break_after is not None or answer.claims is not None:
            self._hang_up()

    def _send_chunks(self, chunks: Iterator[bytes], break_after: int | None) -> None:
        sent = 0
        for chunk in chunks:
            if not chunk:
                continue
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.flush()
            sent += len(chunk)
            if self.server.closing or (break_after is not None and sent >= break_after):
                break
        else:
            self.wfile.write(b"0\r\n\r\n")
            return
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


def as_json(value: object, *, status: int = 200) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json"})


def refusal(status: int, code: str, message: str) -> Answer:
    return as_json({"error": code, "message": message, "fields": []}, status=status)


def _endpoint(path: str) -> tuple[str, str]:
    for start in (FEED, "/api/v1/"):
        if path.startswith(start):
            endpoint, _, rest = path.removeprefix(start).partition("/")
            return endpoint, rest
    return "", path


def _nothing_here(_hub: HostileHub, _asked: Asked) -> Answer:
    return refusal(404, "not_found", "There is nothing here.")


def _me(hub: HostileHub, _asked: Asked) -> Answer:
    organisation = {"slug": "platform", "name": "Platform", "kind": "platform"}
    return as_json({"organisation": organisation, "scopes": ["filter"], "feed_url": hub.url})


def _lists(hub: HostileHub, _asked: Asked) -> Answer:
    keys = [key.public.vkey for key in hub.log.keys]
    row = {"slug": LIST, "name": LIST, "size": hub.shown, "origin": hub.log.origin, "keys": keys}
    return as_json({"lists": [row]})


def _keys(hub: HostileHub, _asked: Asked) -> Answer:
    rows = [{"vkey": key.public.vkey, "endorsement": hub.endorsements.get(key.public.vkey)} for key in hub.log.keys]
    return as_json({"origin": hub.log.origin, "keys": rows, "witnesses": [key.vkey for key in hub.witnesses]})


def _checkpoint(hub: HostileHub, asked: Asked) -> Answer:
    return _tagged(
        asked, hub.note().encode(), {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache"}
    )


def _tile(hub: HostileHub, asked: Asked) -> Answer:
    found = re.fullmatch(r"([0-9]{1,2})/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?", asked.rest)
    if found is None:
        return _nothing_here(hub, asked)
    width = int(found[3] or 256)
    data = hub.log.tile(int(found[1]), _number(found[2]), width=width)
    return _nothing_here(hub, asked) if data is None else Answer(data, headers=_BINARY)


def _bundle(hub: HostileHub, asked: Asked) -> Answer:
    first = _number(asked.rest) * BUNDLE
    if first + BUNDLE > hub.shown:
        return _nothing_here(hub, asked)
    return _ranged(asked, _compressed(hub, asked, _tagged(asked, hub.log.bundle(first, BUNDLE), _BINARY)))


def _tail(hub: HostileHub, asked: Asked) -> Answer:
    first = int(asked.query["after"]) + 1
    limit = min(int(asked.query.get("limit", BUNDLE)), BUNDLE)
    data = hub.log.bundle(first, max(0, min(limit, hub.shown - first)))
    return _compressed(hub, asked, Answer(data, headers=_BINARY))


def _events(hub: HostileHub, asked: Asked) -> Answer:
    after = int(asked.headers.get("Last-Event-ID") or asked.query.get("after", "-1"))
    return Answer(_live(hub, after + 1), headers={"Content-Type": "text/event-stream"})


def _live(hub: HostileHub, position: int) -> Iterator[bytes]:
    note = hub.note()
    if hub.shown - position > BUNDLE:
        yield hub.spoil_event(event("behind", {"size": hub.shown}))
        return
    if position >= hub.shown:
        yield b": caught up\n\n"
    while not hub.closing:
        size, latest = hub.wait_for_news(position, note)
        if size > position:
            yield hub.spoil_event(entries_event(hub.log, position, size, latest))
            position = size
        elif latest != note:
            yield hub.spoil_event(event("checkpoint", {"checkpoint": latest}))
        else:
            yield b": alive\n\n"
        note = latest


def entries_event(log: MadeLog, first: int, size: int, note: str) -> bytes:
    """Return positions `first` to `size` - 1 as the feed pushes them."""
    records = [each.as_json() for each in log.records[first:size]]
    return event("entries", {"first": first, "records": records, "checkpoint": note}, event_id=size - 1)


def event(name: str, data: Body, *, event_id: int | None = None) -> bytes:
    start = "" if event_id is None else f"id: {event_id}\n"
    return f"{start}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _cosignatures(hub: HostileHub, asked: Asked) -> Answer:
    note = parse_note(asked.body.decode())
    size = int(note.body.split("\n")[1])
    if size > hub.log.size or note.body != parse_note(hub.log.checkpoint(size)).body:
        return refusal(409, "conflict", "This is not a checkpoint that this hub signed.")
    signed = verified_signatures(note, hub.witnesses)
    if not signed:
        return refusal(403, "unknown_witness", "No registered witness signed this.")
    lines = {(line.name, line.key_id): line.signature for line in note.signatures}
    with hub.news:
        for key in signed:
            hub.cosignatures[note.body, key.name] = signature_line(key, lines[key.name, key.key_id])
        hub.news.notify_all()
    return Answer(status=204)


def _receipts(hub: HostileHub, asked: Asked) -> Answer:
    hub.receipts.append(json.loads(asked.body))
    return Answer(status=204)


def _matches(hub: HostileHub, asked: Asked) -> Answer:
    rows = json.loads(asked.body)["matches"]
    known = {each["id"] for each in hub.matches}
    fresh = [row for row in rows if row["id"] not in known]
    hub.matches += fresh
    return as_json({"accepted": len(fresh), "known": len(rows) - len(fresh)})


def _tagged(asked: Asked, data: bytes, headers: dict[str, str]) -> Answer:
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    if asked.headers.get("If-None-Match") == tag:
        return Answer(status=304, headers={"ETag": tag})
    return Answer(data, headers={**headers, "ETag": tag})


def _compressed(hub: HostileHub, asked: Asked, answer: Answer) -> Answer:
    if hub.compress is None or answer.status != 200 or not isinstance(answer.body, bytes):
        return answer
    name, compress = hub.compress
    if name not in asked.headers.get("Accept-Encoding", ""):
        return answer
    return replace(answer, body=compress(answer.body), headers={**answer.headers, "Content-Encoding": name})


def _ranged(asked: Asked, answer: Answer) -> Answer:
    found = re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", asked.headers.get("Range", ""))
    if found is None or answer.status != 200 or not isinstance(answer.body, bytes):
        return answer
    start, end = int(found[1]), int(found[2] or len(answer.body) - 1) + 1
    headers = {**answer.headers, "Content-Range": f"bytes {start}-{end - 1}/{len(answer.body)}"}
    return replace(answer, status=206, body=answer.body[start:end], headers=headers)


def _number(path: str) -> int:
    return int(path.replace("x", "").replace("/", ""))


_BINARY = {"Content-Type": "application/octet-stream"}
_ANSWERS: dict[str, Callable[[HostileHub, Asked], Answer]] = {
    "me": _me,
    "lists": _lists,
    "keys": _keys,
    "checkpoint": _checkpoint,
    "tile": _tile,
    "bundle": _bundle,
    "tail": _tail,
    "events": _events,
    "cosignatures": _cosignatures,
    "receipts": _receipts,
    "matches": _matches,
}
