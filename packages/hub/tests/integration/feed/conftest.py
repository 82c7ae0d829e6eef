"""A real feed process on the tests' database, and a plain HTTP caller of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo
from staydown_hub.sealing.keys import FileKeys
from staydown_hub.sealing.signer import make_missing

from packages.hub.tests.cast import Member

PATIENCE_S = 20
ORIGIN = "hub.example"


@dataclass(frozen=True)
class Answer:
    """An answer as bytes; its headers' names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", {name.lower(): value for name, value in self.headers.items()})


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
    """One feed with its folders below `home`; `start` and `stop` as often as a test likes."""

    home: Path
    port: int = 0
    process: "subprocess.Popen[bytes]" = field(init=False)
    opened: list[Events] = field(default_factory=list)

    def start(self) -> None:
        """Start it and wait until it is well."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with (self.home / "said.txt").open("a") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "staydown_hub.feed"], env=self.environment(), stdout=said, stderr=said
            )
        self.wait_for(lambda: self.is_well() or self.process.poll() is not None, "the feed becomes well")
        assert self.process.poll() is None, self.said()

    def stop(self) -> None:
        """End it as a service manager does."""
        for events in self.opened:
            events.close()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=PATIENCE_S) in {0, -signal.SIGKILL}

    def said(self) -> str:
        return (self.home / "said.txt").read_text()

    def is_well(self) -> bool:
        try:
            return self.get("healthz")[0] == 200
        except OSError:
            return False

    def wait_for(self, happens: Callable[[], bool], what: str) -> None:
        """Wait until something happens, and fail when it does not."""
        until = time.monotonic() + PATIENCE_S
        while not happens():
            assert time.monotonic() < until, f"this did not happen: {what}; the feed said: {self.said()}"
            time.sleep(0.02)

    def environment(self) -> dict[str, str]:
        given = connection.get_connection_params()
        known = {name: given[name] for name in ("dbname", "user", "password", "host", "port") if given.get(name)}
        return {
            **os.environ,
            "DATABASE_URL": make_conninfo(**known),
            "STAYDOWN_FEED_ADDRESS": f"127.0.0.1:{self.port}",
            "STAYDOWN_FEED_HEARTBEAT_S": "1",
            "STAYDOWN_LOG_ORIGIN": ORIGIN,
            "STAYDOWN_SIGNING_FOLDER": str(self.home / "signing"),
            "STAYDOWN_LOG_FOLDER": str(self.home / "log"),
        }

    def raw(self, path: str, member: Member | None = None, **headers: str) -> Answer:
        """Ask once; return the answer as it came."""
        caller = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            caller.request("GET", f"/feed/v1/{path}", headers={**_headers(member, ""), **_named(headers)})
            response = caller.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            caller.close()

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
        caller.request("GET", f"/feed/v1/{path}", headers={**_headers(member, ""), **_named(headers)})
        response = caller.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"] == "text/event-stream"
        self.opened.append(Events(caller, response))
        return self.opened[-1]


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _headers(member: Member | None, token: str) -> dict[str, str]:
    if member is not None:
        return member.headers()
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.fixture
def feed(committed_db: None, tmp_path: Path) -> Iterator[FeedProcess]:
    """Run the feed as a process of its own, with a key for every list."""
    del committed_db
    make_missing(tmp_path / "signing", FileKeys(tmp_path / "signing", origin=ORIGIN), origin=ORIGIN, slugs=["main"])
    running = FeedProcess(tmp_path)
    running.start()
    yield running
    running.stop()
