"""The loop as programs of the organisations see it: every answer in the shape that the contract says."""

from django.test import Client
from staydown_hub.organisations.services import make_organisation

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import assessment_body, prints_of, report_body, wire


def test_from_a_report_to_a_withdrawal(cast: Cast, client: Client) -> None:
    make_organisation(
        slug="harbour", name="Harbour", kind="platform", domains=["host.example"], abuse_mail="abuse@host.example"
    )
    first = cast.support_centre.post(client, "reports", report_body("boat", code="TEST"))
    assert first.status_code == 201
    item = first.json()["item"]
    assert first.json() == {
        "item": item,
        "known": False,
        "standing": {"status": "waiting", "entries": [], "confidence": {"grade": "single", "votes": 1}},
        "sightings": 1,
    }
    again = cast.monitor.post(client, "reports", report_body("boat", url="https://www.host.example/copy.jpg"))
    assert (again.status_code, again.json()["known"], again.json()["sightings"]) == (200, True, 2)
    assert again.json()["item"] == item
    unseen = {"status": "admitted", "entries": [{"list": "main", "position": 0}], "confidence": None}
    admitted = {**unseen, "confidence": {"grade": "confirmed", "votes": 2}}
    second = cast.police.post(client, "assessments", assessment_body("boat", code="TEST"))
    assert (second.status_code, second.json()) == (200, {"item": item, "standing": admitted})
    looked_up = cast.regulator.post(client, "lookups", {"fingerprints": wire(prints_of("boat"))})
    assert looked_up.json() == {"item": item, "standing": unseen}, "what others judged is hidden from who has not"
    asked = cast.regulator.get(client, "requests").json()["requests"]
    assert {(one["item"], one["state"], one["recipient"]) for one in asked} == {(item, "open", "harbour")}
    assert len(asked) == 2
    withdrawal = {"position": 0, "reason": "A second look showed the wrong file."}
    asked_for = cast.support_centre.post(client, "lists/main/withdrawals", withdrawal)
    assert (asked_for.status_code, asked_for.json()["state"], asked_for.json()["result"]) == (202, "open", None)
    agreed = cast.police.post(client, f"proposals/{asked_for.json()['proposal']}/approval", {})
    assert (agreed.status_code, agreed.json()["state"]) == (200, "approved")
    assert agreed.json()["result"] == {"position": 1, "item": item}
    assert cast.police.post(client, "lists/main/withdrawals", withdrawal).status_code == 409
    figures = cast.oversight.get(client, "figures").json()
    assert figures == {
        "items": 1,
        "entries_in_force": 0,
        "assessments": 3,
        "notices": 0,
        "requests": {"cancelled": 2},
        "removed": 0,
        "median_seconds_to_removal": None,
        "matches": 0,
        "disputes": 0,
        "matches_by_day": [],
        "admissions": 1,
        "rulings": {
            "by_state": {},
            "overdue": 0,
            "wrong_entries": 0,
            "share_wrong": 0.0,
            "median_hours_to_ruling": None,
        },
    }


def test_an_item_shows_its_whole_history_and_no_address(cast: Cast, client: Client) -> None:
    cast.support_centre.post(client, "reports", report_body("boat", code="TEST", url="https://host.example/a.jpg"))
    item = cast.police.post(client, "assessments", assessment_body("boat", code="A1")).json()["item"]
    answer = cast.oversight.get(client, f"items/{item}")
    shown = answer.json()
    assert set(shown) == {
        "item",
        "kind",
        "standing",
        "fingerprints",
        "assessments",
        "entries",
        "requests",
        "sightings",
    }
    assert (shown["item"], shown["kind"], shown["sightings"]) == (item, "picture", 1)
    assert shown["fingerprints"] == wire(sorted(prints_of("boat")))
    assert [(one["organisation"], one["kind"], one["code"]) for one in shown["assessments"]] == [
        ("support_centre", "support_centre", "TEST"),
        ("police", "police", "A1"),
    ]
    assert [(one["list"], one["position"], one["operation"]) for one in shown["entries"]] == [("main", 0, "admit")]
    assert [(one["state"], one["recipient"]) for one in shown["requests"]] == [("unaddressed", None)]
    assert b"host.example" not in answer.content
    detail = cast.monitor.get(client, f"requests/{shown['requests'][0]['request']}")
    assert set(detail.json()) == {
        "request",
        "item",
        "state",
        "recipient",
        "at",
        "deadline_at",
        "transitions",
        "checks",
    }
    assert [(one["event"], one["from"], one["to"]) for one in detail.json()["transitions"]] == [
        ("opened", "", "unaddressed")
    ]
    assert b"host.example" not in detail.content


def test_me(cast: Cast, client: Client) -> None:
    assert cast.platform.get(client, "me").json() == {
        "organisation": {"slug": "platform", "name": "Platform", "kind": "platform"},
        "scopes": ["filter", "report"],
        "feed_url": "http://127.0.0.1:8601",
    }


def test_an_assessment_in_a_report_needs_its_own_scope(cast: Cast, client: Client) -> None:
    refused = cast.platform.post(client, "reports", report_body("boat", code="A1"))
    assert refused.status_code == 403
    assert "assess" in refused.json()["message"]
    assert cast.platform.post(client, "reports", report_body("boat")).status_code == 200


def test_a_report_does_not_tell_whoever_may_not_read_what_is_in_the_register(cast: Cast, client: Client) -> None:
    listed, fresh = report_body("boat"), report_body("tree")
    cast.support_centre.post(client, "reports", report_body("boat", code="TEST"))
    item = cast.police.post(client, "assessments", assessment_body("boat", code="TEST")).json()["item"]
    known, new = (cast.platform.post(client, "reports", body) for body in (listed, fresh))
    assert (known.status_code, known.json()) == (200, {"item": item})
    assert (new.status_code, set(new.json())) == (200, {"item"})
    for answer in (cast.monitor.post(client, "reports", listed), cast.police.post(client, "reports", listed)):
        assert answer.json()["standing"]["status"] == "admitted"
        assert answer.json()["standing"]["entries"] == [{"list": "main", "position": 0}]


def test_one_organisation_alone_never_admits_through_the_api(cast: Cast, client: Client) -> None:
    cast.police.post(client, "reports", report_body("boat", code="TEST"))
    for code in ("TEST", "A1", "TEST"):
        answer = cast.police.post(client, "assessments", assessment_body("boat", code=code))
        assert answer.json()["standing"]["status"] == "waiting"
    answer = cast.police.post(client, "reports", report_body("boat", code="B1"))
    assert answer.json()["standing"]["status"] == "waiting"
    assert cast.platform.get(client, "lists").json()["lists"][0]["size"] == 0


def test_requests_come_in_pages(cast: Cast, client: Client) -> None:
    for number in range(3):
        cast.support_centre.post(client, "reports", report_body(f"boat{number}", code="TEST"))
        cast.police.post(client, "assessments", assessment_body(f"boat{number}", code="TEST"))
    everything = cast.police.get(client, "requests").json()["requests"]
    assert len(everything) == 3
    assert everything == sorted(everything, key=lambda one: one["at"], reverse=True)
    assert cast.police.get(client, "requests?limit=2&offset=1").json()["requests"] == everything[1:]
    for wrong, field in (("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("offset=-1", "offset")):
        answer = cast.police.get(client, f"requests?{wrong}")
        assert answer.status_code == 422
        assert answer.json()["fields"][0]["field"] == field
