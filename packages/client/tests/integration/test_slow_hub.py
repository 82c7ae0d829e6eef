"""A hub that sends a byte now and then, for ever: given up in bounded time, and at once when the sync is to end."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from staydown_client.errors import HubUnavailableError
from staydown_client.sync import Trouble
from staydown_client.transport import Transport

from packages.client.tests.conftest import KEY, admit
from packages.client.tests.following import folder_with, following, wait_until
from packages.client.tests.hostile_hub import HostileHub, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packages.client.tests.hostile_hub import Answer, Asked

EVERY_S = 0.02
LONG_S = 60.0  # far more than anything here takes


class Dripping:
    """A server that says `start` to whoever connects, and then one byte after another."""

    def __init__(self, start: bytes, crumb: bytes) -> None:
        self._start, self._crumb = start, crumb
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.connected = threading.Event()
        self.hung_up = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                with connection, suppress(OSError):
                    connection.sendall(self._start)
                    self.connected.set()
                    while True:
                        connection.sendall(self._crumb)
                        time.sleep(EVERY_S)
                self.hung_up.set()


@contextmanager
def dripping(start: bytes, crumb: bytes) -> Iterator[Dripping]:
    server = Dripping(start, crumb)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()
        thread.join(timeout=LONG_S)
    assert not thread.is_alive()


DRIPS = {
    "a status line": ("http", b"HTTP/1.1 200 ", b"O"),
    "a header": ("http", b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "headers without end": ("http", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{", b" "),
    "a body without a length": ("http", b"HTTP/1.1 200 OK\r\n\r\n{", b" "),
    "the length of a chunk": ("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "a TLS handshake": ("https", b"\x16\x03\x03\x40\x00", b"\x00"),
}


@pytest.mark.parametrize("name", DRIPS)
def test_whatever_drips_is_given_up_in_time_and_hung_up(name: str) -> None:
    scheme, start, crumb = DRIPS[name]
    with dripping(start, crumb) as server:
        began = time.monotonic()
        with Transport(f"{scheme}://{server.address}", KEY, deadline_s=0.4) as transport:
            with pytest.raises(HubUnavailableError, match=r"did not end within 0\.4 seconds"):
                transport.get("/api/v1/me")
            assert time.monotonic() - began < LONG_S / 2
        assert server.hung_up.wait(LONG_S)


@pytest.mark.parametrize("name", DRIPS)
def test_another_thread_ends_it_at_once_and_for_good(name: str) -> None:
    scheme, start, crumb = DRIPS[name]
    with dripping(start, crumb) as server, Transport(f"{scheme}://{server.address}", KEY) as transport:
        asking = threading.Thread(target=lambda: suppressed(transport))
        asking.start()
        assert server.connected.wait(LONG_S)
        transport.shut_down()
        asking.join(LONG_S)
        assert not asking.is_alive()
        with pytest.raises(HubUnavailableError, match="no longer asked"):
            transport.get("/api/v1/me")


def suppressed(transport: Transport) -> None:
    with suppress(HubUnavailableError):
        transport.get("/api/v1/me")


def test_a_transport_goes_on_after_an_answer_that_was_cut() -> None:
    hub = HostileHub()
    hub.spoil["me"] = lambda _asked, answer: replace(answer, body=crumbs(b" "))
    with running(hub), Transport(hub.url, KEY, deadline_s=0.3) as transport:
        with pytest.raises(HubUnavailableError, match="did not end"):
            transport.get("/api/v1/me")
        hub.spoil.clear()
        assert isinstance(transport.get("/api/v1/me"), dict)


def crumbs(crumb: bytes) -> Iterator[bytes]:
    for _ in itertools.count():
        time.sleep(EVERY_S)
        yield crumb


STREAMS = {
    "a line without end": b"data: ",
    "lines without end": b"data: {}\n",
    "events that nobody knows": b"event: rumour\ndata: {}\n\n",
}


@pytest.mark.parametrize("name", STREAMS)
def test_live_events_of_which_none_comes_whole_are_given_up_and_following_goes_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("staydown_client.feed.LONGEST_EVENT_S", 0.4)
    monkeypatch.setattr("staydown_client.backoff._FIRST_WAIT_S", 0.02)
    hub = HostileHub()
    hub.log.append(admit(1))

    def spoil(_asked: Asked, answer: Answer) -> Answer:
        return replace(answer, body=itertools.chain([b": alive\n\n"], crumbs(STREAMS[name])))

    hub.spoil["events"] = spoil
    with running(hub), following(folder_with(tmp_path, hub, hub.log.trust)) as told:
        wait_until(lambda: any(isinstance(each, Trouble) for each in told.progress))
        monkeypatch.setattr("staydown_client.feed.LONGEST_EVENT_S", LONG_S)
        hub.spoil.clear()
        wait_until(lambda: len(hub.asked_for("events")) >= 2)
        hub.publish(admit(2))
        wait_until(lambda: any(getattr(each, "position", -1) == 1 for each in told.progress))


@pytest.mark.parametrize("endpoint", ["me", "checkpoint", "tail", "events"])
def test_a_sync_ends_at_once_whatever_it_waits_for(endpoint: str, tmp_path: Path) -> None:
    hub = HostileHub()
    hub.log.append(admit(1))
    hub.spoil[endpoint] = lambda _asked, answer: replace(answer, body=crumbs(b" "))
    with running(hub):
        with following(folder_with(tmp_path, hub, hub.log.trust)):
            wait_until(lambda: hub.asked_for(endpoint))
            began = time.monotonic()
        assert time.monotonic() - began < 20  # and not the two minutes that an answer may take
