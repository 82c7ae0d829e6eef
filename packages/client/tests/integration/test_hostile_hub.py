"""A hub that breaks the contract: refused, in bounded time and memory, and the list received before stays."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
import zstandard
from staydown_client.errors import HubError, HubMisbehavedError, HubRefusedError, HubUnavailableError
from staydown_client.filter import Filter
from staydown_client.hub import Hub
from staydown_client.publish import Publication
from staydown_client.sync import CaughtUp, Trouble, opened
from staydown_client.transport import Transport

from packages.client.tests.conftest import (
    KEY,
    KEY_TEXT,
    LIST,
    Body,
    Handler,
    LoopbackHub,
    Told,
    admit,
)
from packages.client.tests.made_log import canonical

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from staydown_client.folder import Folder

TAIL = f"/feed/v1/lists/{LIST}/tail"
EVENTS = f"/feed/v1/lists/{LIST}/events"
NOTHING = Publication(kind="picture", fingerprints=[])


@pytest.fixture
def synced(folder: Folder, hub: LoopbackHub, cat_wire: list[Body]) -> Folder:
    """Make a folder whose list holds the cat at position 0."""
    hub.publish(admit(1, *cat_wire))
    catch_up(folder)
    return folder


def catch_up(folder: Folder) -> None:
    with opened(folder) as syncing:
        syncing.catch_up(Told())


def assert_the_cat_is_still_blocked(folder: Folder, cat: bytes) -> None:
    with Filter.open(folder.path) as filter_:
        verdict = filter_.check(cat)
    assert (verdict.action, verdict.list_position) == ("block", 0)


def endless(handler: Handler) -> None:
    handler.begin_chunks("application/octet-stream")
    for _ in itertools.count():
        handler.chunk(b" " * 4_000_000)


def compressed(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    data = gzip.compress(b" " * 50_000_000)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def not_zstd(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "zstd")
    handler.send_header("Content-Length", "9")
    handler.end_headers()
    handler.wfile.write(b"no frames")


def zstd_bomb(handler: Handler) -> None:
    packed = zstandard.ZstdCompressor()
    data = packed.compress(bytes(300 * 1024 * 1024))
    handler.send_response(200)
    handler.send_header("Content-Encoding", "zstd")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


def cut_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"list"')
    handler.close_connection = True


def redirected(handler: Handler) -> None:
    handler.send_response(307)
    handler.send_header("Location", f"{handler.server.url}/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def no_http(handler: Handler) -> None:
    handler.wfile.write(b"\x00\xff garbage\r\n" * 10)
    handler.close_connection = True


BAD_ANSWERS: dict[str, tuple[Callable[[Handler], None], type[HubError], str]] = {
    "garbage": (lambda handler: handler.answer_bytes(b"\xff\x00{]" * 9), HubMisbehavedError, "no form"),
    "an empty answer": (lambda handler: handler.answer_bytes(b""), HubMisbehavedError, "cut short"),
    "an endless answer": (endless, HubMisbehavedError, "longer than"),
    "an answer compressed in another way": (compressed, HubMisbehavedError, "compressed"),
    "an answer that is not as compressed": (not_zstd, HubMisbehavedError, "not compressed as it says"),
    "a little that unpacks to very much": (zstd_bomb, HubMisbehavedError, "longer than"),
    "a redirect": (redirected, HubMisbehavedError, "307"),
    "an answer cut off": (cut_off, HubUnavailableError, "broke off"),
    "no HTTP at all": (no_http, HubUnavailableError, "connection broke"),
    "trouble": (lambda handler: handler.answer({}, status=500), HubUnavailableError, "trouble"),
    "too many requests": (lambda handler: handler.answer({}, status=429), HubUnavailableError, "trouble"),
    "a refusal": (
        lambda handler: handler.answer({"error": "not_found", "message": "No such list.", "fields": []}, status=404),
        HubRefusedError,
        "No such list",
    ),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_bad_answer_is_an_error_of_its_kind_and_the_list_stays(
    name: str, synced: Folder, hub: LoopbackHub, cat: Path
) -> None:
    answer, kind, named = BAD_ANSWERS[name]
    hub.publish(admit(2))
    hub.answers[TAIL] = answer
    with pytest.raises(kind, match=named):
        catch_up(synced)
    assert "/elsewhere" not in hub.paths()
    assert_the_cat_is_still_blocked(synced, cat.read_bytes())


def test_an_answer_that_drips_is_given_up_in_time(hub: LoopbackHub) -> None:
    def drip(handler: Handler) -> None:
        handler.begin_chunks("application/json")
        for _ in range(1000):
            handler.chunk(b" ")
            time.sleep(0.01)

    hub.answers["/api/v1/me"] = drip
    began = time.monotonic()
    with Transport(hub.url, KEY, deadline_s=0.3) as transport, pytest.raises(HubUnavailableError, match="did not end"):
        transport.get("/api/v1/me")
    assert time.monotonic() - began < 5


def test_a_silent_hub_is_given_up_in_time(hub: LoopbackHub) -> None:
    hub.answers["/api/v1/me"] = lambda _handler: time.sleep(1.5)
    with Transport(hub.url, KEY, read_timeout_s=0.2) as transport, pytest.raises(HubUnavailableError, match="silent"):
        transport.get("/api/v1/me")


def news(first: object, records: object, checkpoint: object, *, event_id: object = None) -> bytes:
    start = "" if event_id is None else f"id: {event_id}\n"
    data = json.dumps({"first": first, "records": records, "checkpoint": checkpoint})
    return f"{start}event: entries\ndata: {data}\n\n".encode()


def record(**fields: object) -> Body:
    return {"salt": b64encode(bytes(32)).decode(), "entry": canonical(admit(4)).decode(), **fields}


BAD_STREAMS: dict[str, tuple[list[bytes], str]] = {
    "a gap": ([news(3, [record()], "x", event_id=3)], "where 1 comes next"),
    "a repetition": ([news(0, [record()], "x", event_id=0)], "where 1 comes next"),
    "another id": ([news(1, [record()], "x", event_id=2)], "event.id"),
    "no id": ([news(1, [record()], "x")], "event.id"),
    "no records": ([news(1, [], "x", event_id=0)], "event.data"),
    "too many records": ([news(1, [record()] * 4097, "x", event_id=4097)], "event.data"),
    "garbage": ([b"event: entries\ndata: {{{\n\n"], "event.data"),
    "a note that is none": ([news(1, [record()], "x", event_id=1)], "note"),
    "a record of both kinds": ([news(1, [record(leaf="")], "x", event_id=1)], "event.records"),
    "a short salt": ([news(1, [record(salt="AAAA")], "x", event_id=1)], "event.records"),
    "an oversized line": ([b"data: " + b"x" * 4_000_000] + [b"x" * 4_000_000] * 17, "line longer"),
    "an oversized event": ([b"data: " + b"x" * 4_000_000 + b"\n"] * 18, "event longer"),
    "bytes that are not text": ([b"data: \xff\xff\n\n"], "UTF-8"),
    "a checkpoint that is none": ([b"event: checkpoint\ndata: 7\n\n"], "event.data"),
    "behind each time": ([b'event: behind\ndata: {"size": 2}\n\n'], "caught up with"),
    "behind by nothing": ([b'event: behind\ndata: {"size": true}\n\n'], "event.data"),
}


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_a_bad_event_is_refused_and_following_goes_on(name: str, synced: Folder, hub: LoopbackHub, cat: Path) -> None:
    chunks, named = BAD_STREAMS[name]

    def misbehave(handler: Handler) -> None:
        handler.begin_chunks("text/event-stream")
        for chunk in chunks:
            handler.chunk(chunk)
        handler.chunk(b"")

    hub.answers[EVENTS] = misbehave
    told: list[object] = []
    with opened(synced) as syncing:

        def tell(progress: object) -> None:
            told.append(progress)
            if isinstance(progress, Trouble):
                syncing.stop()

        syncing.follow(tell)
    assert isinstance(told[0], CaughtUp)
    assert isinstance(told[-1], Trouble)
    assert named in told[-1].message
    assert_the_cat_is_still_blocked(synced, cat.read_bytes())


def test_a_stream_that_is_none_is_refused(synced: Folder, hub: LoopbackHub) -> None:
    hub.answers[EVENTS] = lambda handler: handler.answer({"hello": "there"})
    told: list[object] = []
    with opened(synced) as syncing:

        def tell(progress: object) -> None:
            told.append(progress)
            if isinstance(progress, Trouble):
                syncing.stop()

        syncing.follow(tell)
    assert isinstance(told[-1], Trouble)
    assert "not a stream of events" in told[-1].message


@pytest.mark.parametrize("feed", ["http://feed.example", "ftp://127.0.0.1", "http://127.0.0.1/\n", 7, "x" * 3000])
def test_a_feed_that_would_leak_the_key_is_refused(feed: object, folder: Folder, hub: LoopbackHub) -> None:
    organisation = {"slug": "platform", "name": "Platform", "kind": "platform"}
    hub.answers["/api/v1/me"] = lambda handler: handler.answer(
        {"organisation": organisation, "scopes": [], "feed_url": feed}
    )
    with pytest.raises(HubMisbehavedError, match="feed_url"):
        catch_up(folder)


def test_a_hubs_message_can_neither_move_the_cursor_nor_show_the_key(hub: LoopbackHub) -> None:
    message = f"\x1b[2J no\n{KEY_TEXT}" + "x" * 5000
    fields = [{"field": "fingerprints.0.value", "message": "too short"}, "junk"]
    hub.answers["/api/v1/me"] = lambda handler: handler.answer(
        {"error": "bad", "message": message, "fields": fields}, status=422
    )
    with Transport(hub.url, KEY) as transport, pytest.raises(HubRefusedError) as caught:
        Hub(transport).me()
    assert str(caught.value).isprintable()
    assert KEY_TEXT not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_the_field_that_the_hub_refused_is_named(hub: LoopbackHub) -> None:
    answer = {
        "error": "invalid",
        "message": "Mend it.",
        "fields": [{"field": "sightings.0.url", "message": "too long"}],
    }
    hub.answers["/api/v1/reports"] = lambda handler: handler.answer(answer, status=422)
    with Transport(hub.url, KEY) as transport, pytest.raises(HubRefusedError, match=r"sightings\.0\.url: too long"):
        Hub(transport).report(NOTHING, seen_at=["https://host.example"], code=None)


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"message": {}, "fields": 3, "error": []}', b""])
def test_a_refusal_without_the_agreed_form_is_still_one(body: bytes, hub: LoopbackHub) -> None:
    hub.answers["/api/v1/me"] = lambda handler: handler.answer_bytes(body, status=403)
    with Transport(hub.url, KEY) as transport, pytest.raises(HubRefusedError, match="403"):
        Hub(transport).me()


@pytest.mark.parametrize(
    "standing",
    [None, {"status": "new", "entries": []}, {"status": "open", "entries": [{"list": "a"}]}, {"status": "open"}],
)
def test_a_receipt_in_another_form_is_refused(standing: object, hub: LoopbackHub) -> None:
    good = {"item": "00000000-0000-0000-0000-000000000001", "known": True, "sightings": 1}
    hub.answers["/api/v1/reports"] = lambda handler: handler.answer({**good, "standing": standing})
    with Transport(hub.url, KEY) as transport, pytest.raises(HubMisbehavedError, match="standing"):
        Hub(transport).report(NOTHING, seen_at=[], code=None)
    assert json.loads(hub.requests[-1].body)["kind"] == "picture"
