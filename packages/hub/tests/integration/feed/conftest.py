"""A real feed process on the tests' database, and a plain HTTP caller of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from packages.hub.tests.cast import Member

PATIENCE_S = 20


@dataclass
class Events:
    """A stream of server-sent events, read line by line."""

    connection: http.client.HTTPConnection
    response: http.client.HTTPResponse

    def next_event(self) -> dict[str, str]:
        """Return the next event's fields; comments are passed over."""
        fields: dict[str, str] = {}
        while line := self.response.readline().decode():
            if line == "\n" and fields:
                return fields
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value
        raise EOFError

    def next_line(self) -> str:
        return self.response.readline().decode()

    def close(self) -> None:
        self.connection.close()


@dataclass
class FeedProcess:
    """One running feed."""

    port: int
    process: "subprocess.Popen[bytes]"
    opened: list[Events] = field(default_factory=list)

    def get(
        self, path: str, member: Member | None = None, *, token: str = "", method: str = "GET"
    ) -> tuple[int, dict[str, Any]]:
        """Ask once; return the status and the JSON answered."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            caller.request(method, f"/feed/v1/{path}", headers=_headers(member, token))
            response = caller.getresponse()
            return response.status, json.loads(response.read())
        finally:
            caller.close()

    def post(
        self, path: str, body: bytes, member: Member | None = None, *, media_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """Send once; return the status and the JSON answered, which is empty when nothing was."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            headers = {**_headers(member, ""), "Content-Type": media_type}
            caller.request("POST", f"/feed/v1/{path}", body, headers=headers)
            response = caller.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            caller.close()

    def events(self, path: str, member: Member, **headers: str) -> Events:
        """Open a stream that must be granted."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        caller.request("GET", f"/feed/v1/{path}", headers={**_headers(member, ""), **named})
        response = caller.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        self.opened.append(Events(caller, response))
        return self.opened[-1]


def _headers(member: Member | None, token: str) -> dict[str, str]:
    if member is not None:
        return member.headers()
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.fixture
def feed(committed_db: None) -> Iterator[FeedProcess]:
    """Run the feed as a process of its own."""
    del committed_db
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    parameters = connection.get_connection_params()
    known = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if parameters.get(name)}
    environment = {
        **os.environ,
        "DATABASE_URL": make_conninfo(**known),
        "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{port}",
        "STAYDOWN_FEED_HEARTBEAT_S": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "staydown_hub.feed"], env=environment)
    running = FeedProcess(port, process)
    _wait_until_well(running)
    yield running
    for events in running.opened:
        events.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE_S) == 0


def _wait_until_well(running: FeedProcess) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert running.process.poll() is None
        try:
            if running.get("healthz")[0] == 200:
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the feed did not become well")
