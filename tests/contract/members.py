"""The hub's members at their own premises, each with the real command `staydown` and a key of its own."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from tests.contract.running_hub import PROGRAMS, RunningHub, environment_without_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIST = "main"
PATIENCE_S = 30
CAST = """
[[organisation]]
slug = "police"
name = "Police"
kind = "police"
people = [
  { email = "ben@police.example", role = "supervisor", certificates = [
    { course = "Assessing", issued = "2026-01-05", expires = "2099-01-05" }
  ] }
]
keys = [
  { name = "key", person = "ben@police.example", scopes = ["report", "assess", "withdraw", "read", "figures"] }
]

[[organisation]]
slug = "centre"
name = "Support centre"
kind = "support_centre"
people = [
  { email = "ana@centre.example", role = "supervisor", certificates = [
    { course = "Assessing", issued = "2026-01-05", expires = "2099-01-05" }
  ] }
]
keys = [
  { name = "key", person = "ana@centre.example", scopes = ["report", "assess", "withdraw", "read", "figures"] }
]

[[organisation]]
slug = "monitor"
name = "Monitor"
kind = "monitor"
keys = [{ name = "key", scopes = ["report"] }]

[[organisation]]
slug = "platform"
name = "Platform"
kind = "platform"
keys = [{ name = "key", scopes = ["filter"] }]

[[organisation]]
slug = "outsider"
name = "Outsider"
kind = "partner_hub"
keys = [{ name = "key", scopes = [] }]
"""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Member:
    """One organisation."""

    hub: RunningHub
    key: str

    def staydown(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command with this member's key."""
        return subprocess.run(
            [PROGRAMS / "staydown", *words],
            env={**environment_without_settings(), "STAYDOWN_HUB": self.hub.url, "STAYDOWN_API_KEY": self.key},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def report(self, picture: Path, *, code: str | None = "TEST") -> dict[str, Any]:
        """Report a picture and return what the command prints as JSON."""
        assessment = [] if code is None else ["--code", code]
        return self._answer("report", picture, "--seen-at", f"https://host.example/{picture.name}", *assessment)

    def assess(self, picture: Path, *, code: str = "TEST") -> dict[str, Any]:
        """Assess a reported picture and return what the command prints as JSON."""
        return self._answer("assess", picture, "--code", code)

    def call(self, method: str, url: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Ask over HTTP what the command has no word for; return the status and the JSON that came."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE_S)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"{parts.path}?{parts.query}", text, headers)
            response = connection.getresponse()
            return response.status, json.load(response)
        finally:
            connection.close()

    def _answer(self, *words: str | Path) -> dict[str, Any]:
        done = self.staydown(*words, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@dataclass(frozen=True)
class Cast:
    """Everybody, by role."""

    police: Member
    centre: Member
    monitor: Member
    platform: Member
    outsider: Member


@dataclass(frozen=True)
class Uploads:
    """A platform's filter, in a folder that a `staydown filter sync --follow` keeps up to date."""

    platform: Member
    folder: Path
    told: IO[str]

    def check(self, picture: Path) -> dict[str, Any]:
        """Return the verdict on one file as the command prints it."""
        done = self.platform.staydown("filter", "check", picture, "--folder", self.folder, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == (0 if found["action"] == "allow" else 1), done.stderr
        return found

    def next_event(self) -> dict[str, Any]:
        """Return what the sync tells next."""
        event: dict[str, Any] = json.loads(self.told.readline())
        return event

    def wait_for_event(self, name: str, **fields: object) -> dict[str, Any]:
        """Pass over what the sync tells until an event of this name has these fields."""
        while True:
            event = self.next_event()
            if event["event"] == name and all(event[field] == value for field, value in fields.items()):
                return event


@contextmanager
def filter_following(platform: Member, folder: Path) -> Iterator[Uploads]:
    """Make a filter's folder and follow the list; the list has been received when the context is entered."""
    made = platform.staydown("filter", "init", folder, "--list", LIST)
    assert made.returncode == 0, made.stderr
    with subprocess.Popen(
        [PROGRAMS / "staydown", "filter", "sync", folder, "--follow", "--json"],
        env=environment_without_settings(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        uploads = Uploads(platform, folder, process.stdout)
        try:
            uploads.wait_for_event("caught_up")
            yield uploads
        finally:
            process.kill()


def wait_until(condition: Callable[[], Found | None]) -> Found:
    """Ask again and again until there is an answer; fail when there is none in time."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := condition()) is None:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return found
