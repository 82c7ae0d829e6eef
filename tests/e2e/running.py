"""A real hub with something in it: members, a list, a request under way, and a mail server that took its notice."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tests.contract.running_hub import RunningHub

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30
# This machine's own address stands for the host where things were seen: nothing is ever looked at outside.
SEEN_AT = "http://127.0.0.1:9/gallery/17.jpg?session=abc&size=large"
LONG = "http://127.0.0.1:9/" + "a-long-folder-name/" * 60 + "17.jpg"
CAST = """
[[organisation]]
slug = "police"
name = "Northland Police, Unit for Online Offences"
kind = "police"
people = [
  { email = "officer@police.example", certificates = [
    { course = "Assessing", issued = "2026-01-05", expires = "2099-01-05" }
  ] }
]
keys = [
  { name = "key", person = "officer@police.example", scopes = ["report", "assess", "withdraw", "read", "figures"] }
]

[[organisation]]
slug = "centre"
name = "Lantern Support Centre"
kind = "support_centre"
people = [
  { email = "analyst@lantern.example", certificates = [
    { course = "Assessing", issued = "2026-01-05", expires = "2099-01-05" }
  ] }
]
keys = [
  { name = "key", person = "analyst@lantern.example", scopes = ["report", "assess", "withdraw", "read", "figures"] }
]

[[organisation]]
slug = "host"
name = "Harbour Hosting"
kind = "platform"
domains = ["127.0.0.1"]
abuse_mail = "abuse@harbour.example"
people = [{ email = "abuse@harbour.example" }]
keys = [{ name = "filter", scopes = ["filter"] }]

[[organisation]]
slug = "chirper"
name = "Chirper, short messages with pictures"
kind = "platform"
keys = [{ name = "filter", scopes = ["filter"] }]

[[organisation]]
slug = "skyline"
name = "Skyline Web Storage"
kind = "carrier"
keys = [{ name = "filter", scopes = ["filter"] }]

[[organisation]]
slug = "outsider"
name = "A partner without any agreement"
kind = "partner_hub"
people = [{ email = "visitor@outsider.example" }]
"""


class ConfiguredHub(RunningHub):
    """A hub with settings of its own."""

    def __init__(self, home: Path, **settings: str) -> None:
        super().__init__(home)
        self._environment |= settings


@dataclass(frozen=True)
class Person:
    """Somebody who signs in."""

    email: str
    password: str


@dataclass(frozen=True)
class Scene:
    """A hub that runs, and its people."""

    hub: ConfiguredHub
    officer: Person
    analyst: Person
    host: Person
    visitor: Person

    @property
    def url(self) -> str:
        return self.hub.url


def set_up(hub: ConfiguredHub, folder: Path) -> Scene:
    """Bring the members in, have items in every standing, and wait for the notice of the first."""
    roll = folder / "cast.toml"
    roll.write_text(CAST)
    imported = json.loads(hub.command("organisations", "import", str(roll), "--json"))["organisations"]
    keys = {one["slug"]: one["keys"][0]["token"] for one in imported if one["keys"]}
    people = {one["slug"]: Person(person["email"], person["password"]) for one in imported for person in one["people"]}
    _report_items(hub.url, keys)
    _report_from_platforms(hub, keys)
    _wait_for_notice(hub.url, keys["police"])
    return Scene(hub, people["police"], people["centre"], people["host"], people["outsider"])


def _report_items(url: str, keys: dict[str, str]) -> None:
    for name, address in (("admitted", SEEN_AT), ("far", LONG), ("waiting", SEEN_AT), ("disputed", SEEN_AT)):
        report = {**_item(name), "sightings": [{"url": f"{address}&{name}"}], "assessment": {"code": "TEST"}}
        _post(url, "reports", keys["centre"], report)
    for name, code in (("admitted", "TEST"), ("far", "TEST"), ("disputed", "NONE")):
        _post(url, "assessments", keys["police"], {**_item(name), "code": code})
    withdrawal = {"position": 1, "reason": "It was a press photograph."}
    proposal = _post(url, "lists/main/withdrawals", keys["police"], withdrawal)
    _post(url, f"proposals/{proposal['proposal']}/approval", keys["centre"], {})
    _post(url, "reports", keys["police"], {**_item("open"), "sightings": []})
    # The gate stops what says too little, and people have to look.
    blank = _item("blank", quality=12)
    _post(url, "reports", keys["centre"], {**blank, "sightings": [], "assessment": {"code": "TEST"}})
    _post(url, "assessments", keys["police"], {**blank, "code": "TEST"})


def _report_from_platforms(hub: ConfiguredHub, keys: dict[str, str]) -> None:
    """Have two platforms' filters send receipts, one that refuses the list among them; matches, and a dispute."""
    receipt = {"position": 2, "state": "live", "live_since": "2026-01-02T03:04:05Z"}
    _post_receipt(hub, keys["host"], {**receipt, "filter": str(UUID(int=1))})
    for number, changed in enumerate([{}, {"position": -1, "state": "refused", "problem": "fork"}], start=2):
        _post_receipt(hub, keys["chirper"], {**receipt, "filter": str(UUID(int=number)), **changed})
    match = {"list": "main", "position": 0, "algorithm": "pdq", "distance_bits": 14, "at": "2026-01-02T03:04:05Z"}
    matches = [{**match, "id": str(UUID(int=number)), "reference": f"upload-{number}"} for number in range(3)]
    _post(hub.url, "matches", keys["chirper"], {"matches": matches})
    _post(hub.url, "disputes", keys["host"], {"list": "main", "position": 0, "reason": "It is our own logo."})


def _post_receipt(hub: ConfiguredHub, key: str, receipt: dict[str, Any]) -> None:
    address = f"{hub.feed_url}/feed/v1/lists/main/receipts"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(receipt).encode(), headers)  # noqa: S310 -- http to loopback
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310 -- the same
        assert response.status == HTTPStatus.NO_CONTENT


def _item(name: str, *, quality: int = 100) -> dict[str, Any]:
    """Return a made-up picture: nothing here comes from a file."""
    value = hashlib.sha256(name.encode()).hexdigest()
    pdq = {"algorithm": "pdq", "value": hashlib.sha256(value.encode()).hexdigest(), "quality": quality}
    return {"kind": "picture", "fingerprints": [{"algorithm": "sha256", "value": value}, pdq]}


def _wait_for_notice(url: str, key: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not any(one["state"] == "sent" for one in _get(url, "requests", key)["requests"]):
        assert time.monotonic() < until, "no notice was sent"
        time.sleep(0.1)


def _get(url: str, route: str, key: str) -> dict[str, Any]:
    return _ask(urllib.request.Request(f"{url}/api/v1/{route}", headers={"Authorization": f"Bearer {key}"}))  # noqa: S310 -- http to loopback


def _post(url: str, route: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return _ask(urllib.request.Request(f"{url}/api/v1/{route}", json.dumps(body).encode(), headers))  # noqa: S310 -- the same


def _ask(request: urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310 -- the same
        answer: dict[str, Any] = json.load(response)
        return answer
