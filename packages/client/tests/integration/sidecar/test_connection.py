"""HTTP as the sidecar speaks it: what is understood in two ways is refused, what takes too long is ended."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staydown_client.sidecar import connection as http
from staydown_client.sidecar import worker
from staydown_client.sidecar.answers import Answer, RefusedError, as_text
from staydown_client.sidecar.bodies import chunks
from staydown_client.sidecar.request import Later
from staydown_client.sidecar.worker import Listener

from packages.client.tests.integration.sidecar.running import until

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from staydown_client.sidecar.request import Body, Request

HEAD = b"POST /echo HTTP/1.1\r\nhost: here\r\n"


class Echo:
    """Answers each request with its method, path and body: at once, later, or as the body comes."""

    def __init__(self) -> None:
        self.refused: list[int] = []
        self.gate = asyncio.Event()

    def admit(self, request: Request) -> Answer | None:
        return as_text("no", status=404) if request.path == "/none" else None

    def streams(self, request: Request) -> bool:
        return request.path == "/stream"

    def answer(self, request: Request, body: bytes) -> Answer | Later | Coroutine[Any, Any, Answer]:
        told = as_text(
            f"{request.method} {request.path} {request.authority} {len(body)} {body[:20].decode('latin-1')}|"
        )
        if request.path == "/soon":
            later = Later()
            asyncio.get_running_loop().call_soon(later.tell, told)
            return later
        return self._later(told) if request.path == "/later" else told

    async def _later(self, told: Answer) -> Answer:
        await self.gate.wait()
        return told

    async def receive(self, request: Request, body: Body) -> Answer:
        try:
            parts = [part async for part in chunks(request, body, max_bytes=3_000_000, receive_s=5, idle_s=2)]
        except RefusedError as error:
            return error.answer
        return as_text(f"{sum(map(len, parts))}|")

    def note_refused(self, answer: Answer) -> None:
        self.refused.append(answer.status)


class Served:
    """An application on loopback, in a thread of its own."""

    def __init__(self) -> None:
        self.port = 0
        self.errors: list[object] = []
        self.application: Echo
        self.listener: Listener
        self.loop: asyncio.AbstractEventLoop
        self._began = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(lambda _loop, context: self.errors.append(context))
        self._over = asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            self.application = Echo()
            self.listener = Listener(self.application, listening)
            self.listener.begin()
            self._began.set()
            await self._over.wait()
            await self.listener.finish()

    def start(self) -> None:
        self._thread.start()
        assert self._began.wait(30)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert not self.errors

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def told(self, *parts: bytes) -> bytes:
        """Send and return all that comes back until the sidecar hangs up."""
        with self.connect() as connection:
            with suppress(OSError):  # it may have hung up: what it said is still there to be read
                for each in parts:
                    connection.sendall(each)
                connection.shutdown(socket.SHUT_WR)
            return drained(connection)


def drained(connection: socket.socket) -> bytes:
    found = b""
    try:
        while data := connection.recv(65536):
            found += data
    except ConnectionError:
        pass
    return found


@contextmanager
def serving() -> Iterator[Served]:
    served = Served()
    served.start()
    try:
        yield served
    finally:
        served.end()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def post(body: bytes = b"", path: bytes = b"/echo", more: bytes = b"") -> bytes:
    return b"POST %b HTTP/1.1\r\nhost: here\r\n%bcontent-length: %d\r\n\r\n%b" % (path, more, len(body), body)


def test_a_connection_serves_one_request_after_another(served: Served) -> None:
    with served.connect() as connection:
        for number in range(6):
            path = (b"/echo", b"/soon")[number % 2]
            connection.sendall(post(b"%d" % number, path))
            assert connection.recv(65536).endswith(b"POST %b None 1 %d|" % (path, number))
    told = served.told(b"".join(post(b"%d" % number) for number in range(5)))
    assert [line.split()[-1] for line in told.split(b"|")[:-1]] == [b"0", b"1", b"2", b"3", b"4"]


def test_who_does_not_wait_for_an_answer_that_takes_time_gets_that_one_and_no_other(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(post(b"a", b"/later") + post(b"b"))
        served.loop.call_soon_threadsafe(served.application.gate.set)
        told = drained(connection)
    assert b"connection: close" in told
    assert told.endswith(b"POST /later None 1 a|")


def test_who_hangs_up_before_the_answer_harms_nobody(served: Served) -> None:
    for path in (b"/soon", b"/later", b"/stream"):
        for _ in range(5):
            with served.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # by a reset
                connection.sendall(post(b"a", path))
    assert served.told(post(b"still here")).endswith(b"still here|")
    until("they are forgotten", lambda: not served.listener._connections)
    assert not served.errors


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"host: there\r\n\r\n",
        HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
        HEAD + b"content-length: +3\r\n\r\nabc",
        HEAD + b"content-length : 3\r\n\r\nabc",
        HEAD + b"a: b\n\n",
        HEAD + b" folded: x\r\n\r\n",
        HEAD + b"x: a\0b\r\n\r\n",
        HEAD + b"upgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"CONNECT here:1 HTTP/1.1\r\nhost: here\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET http://[ HTTP/1.1\r\nhost: here\r\n\r\n",
        b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nhost: here\r\n\r\n",
        HEAD + b"".join(b"x%d: y\r\n" % number for number in range(200)) + b"\r\n",
    ],
)
def test_what_can_be_understood_in_two_ways_or_not_at_all_is_refused(served: Served, request_: bytes) -> None:
    told = served.told(request_, post(b"behind it"))
    assert told[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 431"}
    assert b"behind it" not in told
    assert told.count(b"\r\ndate: ") == 1


def test_a_request_in_absolute_form_names_the_host_itself(served: Served) -> None:
    assert b"GET /a evil.example 0" in served.told(b"GET http://evil.example/a?b HTTP/1.1\r\nhost: here\r\n\r\n")


def test_the_answer_to_head_has_no_body(served: Served) -> None:
    told = served.told(b"HEAD /none HTTP/1.1\r\nhost: here\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 404")
    assert told.endswith(b"\r\n\r\n")


def test_older_clients_and_those_that_say_close_are_let_go(served: Served) -> None:
    for request in (b"GET /a HTTP/1.0\r\n\r\n", b"GET /a HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"):
        with served.connect() as connection:
            connection.sendall(request)
            told = drained(connection)
        assert b"connection: close" in told
        assert told.endswith(b"GET /a None 0 |")


@pytest.mark.parametrize("path", [b"/echo", b"/stream"])
def test_a_client_that_waits_for_leave_to_send_gets_it(served: Served, path: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(post(b"", path, b"expect: 100-continue\r\n").replace(b"length: 0", b"length: 3"))
        assert connection.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def part(size: int) -> bytes:
    return b"%x\r\n%b\r\n" % (size, bytes(size))


def test_a_body_that_comes_in_parts_arrives_whole_whatever_its_pace(served: Served) -> None:
    body = bytes(2_500_000)
    assert served.told(post(body, b"/stream")).endswith(b"2500000|")
    parts = (
        b"".join(b"%x\r\n%b\r\n" % (size, bytes(size)) for size in (1, 70_000, 3, 900_000)) + b"0\r\nx: trailer\r\n\r\n"
    )
    head = HEAD.replace(b"/echo", b"/stream") + b"transfer-encoding: chunked\r\n\r\n"
    assert served.told(head + parts).endswith(b"970004|")
    assert b" 400 " in served.told(head + parts[:-30])[:15]
    assert (
        b" 413 "
        in served.told(head, b"200000\r\n", bytes(0x200000), b"\r\n200000\r\n", bytes(0x200000), b"\r\n0\r\n\r\n")[:15]
    )
    assert b" 413 " in served.told(post(bytes(1_100_000)))[:15]


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_S", "SMALL_BODY_S", "IDLE_S", "ANSWER_S", "_LINGER_S"):
        monkeypatch.setattr(http, name, 0.3)
    monkeypatch.setattr(worker, "_LOOK_EVERY_S", 0.1)
    with serving() as served:
        with served.connect() as silent:
            assert drained(silent) == b""
        with served.connect() as idle:
            idle.sendall(post(b"a"))
            assert drained(idle).endswith(b" a|")
        for started in (HEAD, post(b"a")[:-1]):
            with served.connect() as slow:
                slow.sendall(started)
                assert drained(slow).startswith(b"HTTP/1.1 408")
        assert served.application.refused == [408, 408]
        with served.connect() as greedy:  # asks and asks, and takes no answer
            greedy.settimeout(0.1)
            with pytest.raises((TimeoutError, ConnectionError)):
                greedy.sendall(post(b"a" * 20) * 500_000)
            until("it is let go", lambda: not served.listener._connections)


def test_one_connection_too_many_waits_for_another_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MAX_CONNECTIONS", 2)
    with serving() as served:
        first, second, third = (served.connect() for _ in range(3))
        with first, second, third:
            for connection in (first, second, third):
                connection.sendall(post(b"a"))
            for connection in (first, second):
                assert connection.recv(65536).endswith(b" a|")
            third.settimeout(0.3)
            with pytest.raises(TimeoutError):
                third.recv(1)
            first.close()
            third.settimeout(30)
            assert third.recv(65536).endswith(b" a|")


def test_at_the_end_what_was_begun_is_answered_and_nothing_else() -> None:
    with serving() as served:
        idle, begun = served.connect(), served.connect()
        idle.sendall(post(b"a"))
        assert idle.recv(65536).endswith(b" a|")
        begun.sendall(post(b"abc")[:-1])
        until("the head is read", lambda: any(each._state == "small" for each in tuple(served.listener._connections)))
        served.loop.call_soon_threadsafe(served._over.set)
        assert drained(idle) == b""
        begun.sendall(b"c")
        told = drained(begun)
        assert told.endswith(b" abc|")
        assert b"connection: close" in told
        idle.close()
        begun.close()


VALID = post(b"first") + post(b"x" * 300, b"/stream") + b"GET /a HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n"


@given(st.lists(st.integers(1, len(VALID) - 1), max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_the_bytes_are_cut_changes_nothing(served: Served, cuts: list[int]) -> None:
    """All but the last wait for their answers, as clients do."""
    first, second, last = VALID.index(b"POST", 5), VALID.index(b"GET"), len(VALID)
    told = b""
    with served.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, stop in ((0, first), (first, second), (second, last)):
            edges = [start, *sorted({cut for cut in cuts if start < cut < stop}), stop]
            for low, high in pairwise(edges):
                connection.sendall(VALID[low:high])
            told += connection.recv(65536)
    assert [each.rsplit(b"\r\n", 1)[-1] for each in told.split(b"|")[:-1]] == [
        b"POST /echo None 5 first",
        b"300",
        b"GET /a None 0 ",
    ]


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_requests_end_nothing_but_themselves(served: Served, data: st.DataObject) -> None:
    sent = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(sent) - 1))
        sent[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    served.told(bytes(sent))
    assert served.told(post(b"still here")).endswith(b"still here|")
    assert not served.errors
