"""Every route of the API with a request that would be right for somebody: what the tests of access go through."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.test import Client
from staydown_hub.api.application import api
from staydown_hub.lists.proposed import propose_withdrawal
from staydown_hub.lists.queries import list_called
from staydown_hub.organisations.models import Proposal
from staydown_hub.registry.queries import sightings_of
from staydown_hub.registry.relaying import relay_self_report
from staydown_hub.takedowns.queries import requests_of_item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assessment_body, prints_of, report, report_body, wire
from packages.hub.tests.people import ruled_dispute, self_report_list

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

Prepared = tuple[str, object]


@dataclass(frozen=True)
class Right:
    """A request that is right for somebody: who may send it, and its path and body once the cast is there."""

    allowed: frozenset[str]
    prepare: Callable[[Cast], Prepared]
    is_lines: bool = False

    def send(self, client: Client, cast: Cast, *, method: str, headers: dict[str, str]) -> "_MonkeyPatchedWSGIResponse":
        """Send it with these headers."""
        path, body = self.prepare(cast)
        sent = "" if body is None else json.dumps(body)
        media_type = "application/octet-stream" if body is None else "application/json"
        media_type = "application/x-ndjson" if self.is_lines else media_type
        return client.generic(method, f"/api/v1/{path}", sent, content_type=media_type, headers=headers)


def _reading(path: str) -> Callable[[Cast], Prepared]:
    return lambda _cast: (path, None)


def _item(cast: Cast) -> Prepared:
    return f"items/{admitted_item(cast, 'boat').pk}", None


def _lookup(cast: Cast) -> Prepared:
    report(cast.monitor, "boat")
    return "lookups", {"fingerprints": wire(prints_of("boat"))}


def _assessment(cast: Cast) -> Prepared:
    report(cast.monitor, "boat")
    return "assessments", assessment_body("boat", code="TEST")


def _request(cast: Cast) -> Prepared:
    item = admitted_item(cast, "boat", urls=["https://host.example/boat.jpg"])
    return f"requests/{requests_of_item(item.pk)[0].pk}", None


def _withdrawal(cast: Cast) -> Prepared:
    admitted_item(cast, "boat")
    return "lists/main/withdrawals", {"position": 0, "reason": "The wrong file."}


def _proposal(cast: Cast) -> Proposal:
    admitted_item(cast, "boat")
    main = list_called("main")
    assert main is not None
    return propose_withdrawal(cast.police.person("supervisor"), shared_list=main, position=0, reason="The wrong file.")


def _shown_proposal(cast: Cast) -> Prepared:
    return f"proposals/{_proposal(cast).pk}", None


def _approval(cast: Cast) -> Prepared:
    return f"proposals/{_proposal(cast).pk}/approval", {}


def _decline(cast: Cast) -> Prepared:
    return f"proposals/{_proposal(cast).pk}/decline", {"reason": "It is the right file."}


def _matches(cast: Cast) -> Prepared:
    admitted_item(cast, "boat")
    match = {"id": str(uuid.uuid4()), "list": "main", "position": 0, "algorithm": "pdq", "distance_bits": 3}
    return "matches", {"matches": [{**match, "at": "2026-01-02T03:04:05Z"}]}


def _dispute(cast: Cast) -> Prepared:
    admitted_item(cast, "boat")
    return "disputes", {"list": "main", "position": 0, "reason": "A drawing of ours."}


def _appeal(cast: Cast) -> Prepared:
    made = ruled_dispute(cast, qualifies=True)
    return f"disputes/{made.pk}/appeals", {"reason": "It is our own logo."}


def _self_report(_cast: Cast) -> Prepared:
    self_report_list()
    return "self-reports", {"kind": "picture", "fingerprints": wire(prints_of("boat"))}


def _end_of_self_report(cast: Cast) -> Prepared:
    self_report_list()
    made = relay_self_report(cast.support_centre.actor, kind="picture", fingerprints=prints_of("boat"))
    return f"self-reports/{made.identifier}/end", {}


def _sightings(cast: Cast) -> Prepared:
    item = report(cast.police, "boat")
    return "sightings", {"sightings": [{"item": str(item.pk), "url": "https://host.example/boat.jpg"}]}


def _sighting(cast: Cast) -> Prepared:
    item = report(cast.police, "boat", urls=["https://host.example/boat.jpg"])
    return f"sightings/{sightings_of(item.pk)[0].pk}", None


def _sightings_of_item(cast: Cast) -> Prepared:
    return f"items/{report(cast.police, 'boat').pk}/sightings", None


def _case(cast: Cast) -> Prepared:
    return f"items/{report(cast.police, 'boat').pk}/case", None


def _said(cast: Cast) -> Prepared:
    return f"items/{report(cast.police, 'boat').pk}/case", {"status": "identified"}


EVERYBODY = frozenset(Cast.__dataclass_fields__)
READERS = frozenset({"police", "support_centre", "regulator", "monitor", "oversight"})
WITHDRAWERS = frozenset({"police", "support_centre", "regulator"})
FILTERS = frozenset({"platform", "another_platform", "carrier"})

RIGHT: dict[str, Right] = {
    "GET me": Right(EVERYBODY, _reading("me")),
    "POST reports": Right(
        frozenset({"police", "support_centre", "monitor", "platform", "another_platform"}),
        lambda _cast: ("reports", report_body("boat")),
    ),
    "POST reports/batch": Right(
        frozenset({"police", "support_centre", "monitor", "platform", "another_platform"}),
        lambda _cast: ("reports/batch", {**report_body("boat"), "reference": "1"}),
        is_lines=True,
    ),
    "POST sightings": Right(frozenset({"police", "support_centre", "monitor"}), _sightings),
    "GET sightings/{sighting}": Right(frozenset({"police", "support_centre", "regulator", "monitor"}), _sighting),
    "GET items/{item}/sightings": Right(READERS, _sightings_of_item),
    "GET items/{item}/case": Right(frozenset({"police"}), _case),
    "POST items/{item}/case": Right(frozenset({"police"}), _said),
    "POST assessments": Right(frozenset({"police", "support_centre", "regulator", "monitor"}), _assessment),
    "POST lookups": Right(READERS, _lookup),
    "GET items/{item}": Right(READERS, _item),
    "GET schemes": Right(EVERYBODY, _reading("schemes")),
    "GET lists": Right(EVERYBODY - {"outsider"}, _reading("lists")),
    "GET requests": Right(READERS, _reading("requests")),
    "GET requests/{request_id}": Right(READERS, _request),
    "GET figures": Right(frozenset({"police", "support_centre", "regulator", "oversight"}), _reading("figures")),
    # Of those who may withdraw at all, only those whose assessment carried the admission.
    "POST lists/{slug}/withdrawals": Right(frozenset({"police", "support_centre"}), _withdrawal),
    "GET proposals": Right(WITHDRAWERS, _reading("proposals")),
    "GET proposals/{proposal}": Right(WITHDRAWERS, _shown_proposal),
    # A police officer proposed it: a key of another organisation agrees or does not.
    "POST proposals/{proposal}/approval": Right(WITHDRAWERS - {"police"}, _approval),
    "POST proposals/{proposal}/decline": Right(WITHDRAWERS - {"police"}, _decline),
    "GET lists/{slug}/enforcement": Right(READERS, _reading("lists/main/enforcement")),
    "GET disputes": Right(READERS | FILTERS, _reading("disputes")),
    "POST disputes/{dispute}/appeals": Right(frozenset({"platform"}), _appeal),
    "POST self-reports": Right(frozenset({"support_centre"}), _self_report),
    "POST self-reports/{report}/end": Right(frozenset({"support_centre"}), _end_of_self_report),
    "POST matches": Right(FILTERS, _matches),
    "POST disputes": Right(FILTERS, _dispute),
}


def declared() -> list[str]:
    """Return every operation that the API declares, as `METHOD path`."""
    paths = api.get_openapi_schema(path_prefix="")["paths"]
    return sorted(f"{method.upper()} {path.strip('/')}" for path, methods in paths.items() for method in methods)
