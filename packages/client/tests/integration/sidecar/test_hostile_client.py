"""Clients that stall, lie, flood and send garbage: each costs itself, and lookups go on."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from packages.client.tests.conftest import near, photograph
from packages.client.tests.integration.sidecar.running import until
from packages.client.tests.integration.sidecar.test_answers import form

if TYPE_CHECKING:
    from packages.client.tests.integration.sidecar.running import RunningSidecar

HEAD = b"POST /v1/check HTTP/1.1\r\nhost: 127.0.0.1\r\n"


def answer_to(sidecar: RunningSidecar, *parts: bytes, timeout_s: float = 30.0) -> bytes:
    """Send raw bytes and return what comes back until the sidecar has said all, or hangs up."""
    with sidecar.connect() as connection:
        connection.settimeout(timeout_s)
        try:
            for part in parts:
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it hung up: what it said is still there to be read
        return drained(connection)


def drained(connection: socket.socket) -> bytes:
    found = b""
    try:
        while data := connection.recv(65536):
            found += data
    except OSError:
        pass
    return found


def assert_serves(sidecar: RunningSidecar) -> None:
    began = time.monotonic()
    assert sidecar.look_up(near("0f" * 32)).json["actions"] == ["allow"]
    assert time.monotonic() - began < 5


def test_a_body_that_is_shorter_than_it_says_is_never_judged(sidecar: RunningSidecar, cat_bytes: bytes) -> None:
    checked = sidecar.metric("staydown_check_seconds_count")
    told = answer_to(sidecar, HEAD + b"content-length: 300000\r\n\r\n", cat_bytes[:1000])
    assert b"200 OK" not in told
    chunked = HEAD + b"transfer-encoding: chunked\r\n"
    told = answer_to(sidecar, chunked + b"\r\n", b"3e8\r\n" + cat_bytes[:1000] + b"\r\n")
    assert told.startswith(b"HTTP/1.1 411")
    body, headers = form(('name="f"; filename="a"', cat_bytes[:1000]))
    chunked += b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n"
    told = answer_to(sidecar, chunked, b"%x\r\n" % (len(body) - 50) + body[:-50] + b"\r\n")
    assert b"200 OK" not in told
    assert_serves(sidecar)
    assert sidecar.metric("staydown_check_seconds_count") == checked


def test_a_body_that_is_longer_than_it_says_is_cut_where_it_said(sidecar: RunningSidecar) -> None:
    told = answer_to(sidecar, HEAD + b"content-length: 5\r\n\r\nhello", b"world " * 100)
    assert told.startswith(b"HTTP/1.1 200")
    assert b'"unchecked"' in told
    assert_serves(sidecar)


@pytest.mark.parametrize("length", [b"-1", b"many", b"5, 6", b"99999999999999999999999"])
def test_a_length_that_is_none_is_refused(sidecar: RunningSidecar, length: bytes) -> None:
    assert b" 200 " not in answer_to(sidecar, HEAD + b"content-length: " + length + b"\r\n\r\nhello")[:15]
    assert_serves(sidecar)


def test_a_body_over_the_limit_is_refused_before_it_is_read(sidecar: RunningSidecar) -> None:
    told = answer_to(sidecar, HEAD + b"content-length: 5000000\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 413")


def test_a_body_without_an_end_is_cut_at_the_limit(sidecar: RunningSidecar) -> None:
    sent = 0
    with sidecar.connect() as connection:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n")
        connection.sendall(b"content-type: multipart/form-data; boundary=limit\r\n\r\n")
        opening = b'--limit\r\ncontent-disposition: form-data; filename="a"\r\n\r\n'
        connection.sendall(b"%x\r\n" % len(opening) + opening + b"\r\n")
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        try:
            while sent < 200 * 0x10000:
                connection.sendall(chunk)
                sent += 0x10000
        except OSError:
            pass
        told = drained(connection)
    assert b" 200 " not in told[:15]
    assert sent < 200 * 0x10000
    assert_serves(sidecar)


def test_a_lookup_over_a_megabyte_is_refused(sidecar: RunningSidecar) -> None:
    answer = sidecar.ask("POST", "/v1/lookup", bytes(1_100_000), {"content-type": "application/json"})
    assert (answer.status, answer.json["error"]) == (413, "too_long")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"fingerprints": NaN}', b'{"a":1}' * 3, b"null"]
)
def test_garbage_json_is_refused(sidecar: RunningSidecar, body: bytes) -> None:
    answer = sidecar.ask("POST", "/v1/lookup", body, {"content-type": "application/json"})
    assert answer.status in {400, 422}
    assert_serves(sidecar)


@pytest.mark.parametrize(
    "headers",
    [b"x: " + b"y" * 200_000 + b"\r\n", b"x: y\r\n" * 2000, b"no colon at all\r\n", b"host: \xff\xfe\r\n"],
    ids=["long", "many", "bad", "bytes"],
)
def test_huge_and_broken_headers_are_refused(sidecar: RunningSidecar, headers: bytes) -> None:
    told = answer_to(sidecar, HEAD + headers + b"content-length: 2\r\n\r\nhi")
    assert b" 200 " not in told[:15]
    assert_serves(sidecar)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--limit\r\n" + b"x-long: " + b"y" * 100_000 + b"\r\n\r\nhi\r\n--limit--\r\n", "limit"),
        (b"--limit\r\n" + b"a: b\r\n" * 5000 + b"\r\nhi\r\n--limit--\r\n", "limit"),
        (form(*[(f'name="n{n}"', b"x") for n in range(30)], ('name="f"; filename="a"', b"x"))[0], "limit"),
        (form(('name="f"; filename="a"', b"x"), ('name="g"; filename="b"', b"y"))[0], "limit"),
        (form(('name="f"', b"x"))[0], "limit"),
        (form(('name="f"; filename="a"', b"x"))[0][:-6], "limit"),
        (b"no form at all", "limit"),
        (b"", "limit"),
        (form(('name="f"; filename="a"', b"x"))[0], "x" * 71),
        (form(('name="f"; filename="a"', b"x"))[0], ""),
    ],
    ids=[
        "long header",
        "many headers",
        "many parts",
        "two files",
        "no file",
        "cut",
        "no form",
        "empty",
        "long",
        "none",
    ],
)
def test_a_form_that_is_none_is_refused(sidecar: RunningSidecar, body: bytes, content_type: str) -> None:
    headers = {"content-type": f"multipart/form-data; boundary={content_type}"}
    answer = sidecar.ask("POST", "/v1/check", body, headers)
    assert (answer.status, answer.json["error"]) == (400, "bad_form")
    assert_serves(sidecar)


def test_clients_that_send_a_byte_now_and_then_keep_nobody_waiting(sidecar: RunningSidecar) -> None:
    """Some stop in their headers, and as many as there is room for in their bodies."""
    with ExitStack() as stack:
        stalled = [stack.enter_context(sidecar.connect()) for _ in range(104)]
        for connection in stalled[:100]:
            connection.sendall(HEAD[:20])
        for connection in stalled[100:]:
            connection.sendall(HEAD + b"content-length: 1000\r\n\r\n" + b"x" * 10)
        until("no room", lambda: sidecar.ask("POST", "/v1/check", b"x").status == 503)
        refused = sidecar.ask("POST", "/v1/check", b"x")
        assert (refused.headers["retry-after"], refused.json["error"]) == ("1", "busy")
        for _ in range(20):
            assert_serves(sidecar)
    until("room again", lambda: sidecar.ask("POST", "/v1/check", b"x").status == 200)


def test_a_full_queue_answers_503_and_lookups_go_on(sidecar: RunningSidecar) -> None:
    picture = photograph("china.jpg").read_bytes()
    statuses: list[int] = []
    slowest_s = 0.0
    done = threading.Event()

    def upload() -> None:
        statuses.extend(sidecar.ask("POST", "/v1/check", picture).status for _ in range(6))

    with ThreadPoolExecutor(8) as pool:
        uploads = [pool.submit(upload) for _ in range(8)]
        while not done.is_set():
            began = time.monotonic()
            assert sidecar.look_up(near("0f" * 32)).status == 200
            slowest_s = max(slowest_s, time.monotonic() - began)
            if all(each.done() for each in uploads):
                done.set()
    assert set(statuses) == {200, 503}
    assert statuses.count(200) >= 6
    assert slowest_s < 3


def test_a_client_that_hangs_up_in_the_middle_leaves_its_place(sidecar: RunningSidecar) -> None:
    for _ in range(20):
        with sidecar.connect() as connection:
            connection.sendall(HEAD + b"content-length: 100000\r\n\r\n" + bytes(50_000))
    until("room", lambda: sidecar.ask("POST", "/v1/check", b"x").status == 200)
    assert_serves(sidecar)
