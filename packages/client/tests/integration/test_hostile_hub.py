"""A hub that breaks the contract: refused, in bounded time and memory, and the list received before stays."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
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
    event,
    exact,
    withdraw,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from staydown_client.folder import Folder

ENTRIES = f"/feed/v1/lists/{LIST}/entries"
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


def page(*rows: Body, size: object = 2, name: object = LIST) -> Body:
    return {"list": name, "size": size, "entries": list(rows)}


def row(position: object, entry: object) -> Body:
    return {"position": position, "entry": entry}


BAD_PAGES: dict[str, tuple[Any, str]] = {
    "an array": ([], "must be an object"),
    "null": (None, "must be an object"),
    "no entries field": ({"list": LIST, "size": 1}, "entries"),
    "an unknown field": ({**page(size=1), "checkpoint": "x"}, "update staydown-client"),
    "another list": (page(name="other", size=1), "another list"),
    "a size that is text": (page(size="1"), "size"),
    "a size below what was received": (page(size=0), "never gets shorter"),
    "a size without the entries": (page(size=9), "missing"),
    "entries beyond the size": (page(row(1, admit(2)), row(2, admit(3)), size=2), "size"),
    "a missing position": (page(row(2, admit(2)), size=3), "entries.0.position"),
    "a repeated position": (page(row(0, admit(2))), "entries.0.position"),
    "positions out of order": (
        page(row(1, admit(2)), row(3, admit(3)), row(2, admit(4)), size=4),
        "entries.1.position",
    ),
    "a position that is text": (page(row("1", admit(2))), "entries.0.position"),
    "a withdrawal of what is not there": (page(row(1, withdraw(5))), "not in force"),
    "an admission of what is there": (page(row(1, admit(1))), "in force already"),
    "an unknown operation": (page(row(1, {**admit(2), "operation": "redact"})), "operation"),
    "a short hash": (page(row(1, admit(2, exact("ab")))), "entries.0.entry.fingerprints.0.value"),
    "a good entry before a bad one": (page(row(1, admit(2)), row(2, {}), size=3), "entries.1"),
    "more entries than asked for": (page(*(row(n, withdraw(1)) for n in range(1, 1002)), size=1002), "entries"),
}


@pytest.mark.parametrize("name", BAD_PAGES)
def test_a_bad_page_is_refused_whole_and_the_list_stays(name: str, synced: Folder, hub: LoopbackHub, cat: Path) -> None:
    answer, named = BAD_PAGES[name]
    hub.answers[ENTRIES] = lambda handler: handler.answer(answer)
    with pytest.raises(HubMisbehavedError, match=named):
        catch_up(synced)
    assert_the_cat_is_still_blocked(synced, cat.read_bytes())


def endless_json(handler: Handler) -> None:
    handler.begin_chunks("application/json")
    for _ in itertools.count():
        handler.chunk(b" " * 65536)


def compressed(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    data = gzip.compress(b" " * 50_000_000)
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
    "garbage": (lambda handler: handler.answer_bytes(b"\xff\x00{]"), HubMisbehavedError, "not well-formed"),
    "an empty answer": (lambda handler: handler.answer_bytes(b""), HubMisbehavedError, "not well-formed"),
    "deep nesting": (lambda handler: handler.answer_bytes(b"[" * 500_000), HubMisbehavedError, "not well-formed"),
    "an endless answer": (endless_json, HubMisbehavedError, "longer than"),
    "a compressed answer": (compressed, HubMisbehavedError, "compressed"),
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
    hub.answers[ENTRIES] = answer
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


BAD_STREAMS: dict[str, tuple[list[bytes], str]] = {
    "a gap": ([event(3, admit(4))], "where 1 comes next"),
    "a repetition": ([event(0, admit(4))], "where 1 comes next"),
    "another id": ([event(1, admit(4)).replace(b"id: 1", b"id: 2")], "event.id"),
    "no id": ([event(1, admit(4)).replace(b"id: 1\n", b"")], "event.id"),
    "garbage": ([b"event: entry\ndata: {{{\n\n"], "not well-formed"),
    "an oversized line": ([b"data: " + b"x" * 65536] + [b"x" * 65536] * 17, "line longer"),
    "an oversized event": ([b"data: " + b"x" * 65536 + b"\n"] * 18, "event longer"),
    "bytes that are not text": ([b"data: \xff\xff\n\n"], "UTF-8"),
    "a wrong type": ([b'id: 1\nevent: entry\ndata: {"position": 1, "entry": []}\n\n'], "event.entry"),
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
