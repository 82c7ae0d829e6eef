"""Each field of each body that is wrong is refused with its name; nothing of it is kept, and nothing answers 500."""

import copy
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from staydown_hub.registry.models import Fingerprint, Item, Sighting

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, pdq_of, prints_of, report, report_body, sha256_of, wire

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse

LONG_URL = "https://host.example/" + "a" * 10_240
GOOD_HASH = sha256_of("boat").value.hex()

WRONG_FINGERPRINTS: list[tuple[object, str]] = [
    ({"algorithm": "sha256", "value": GOOD_HASH[:-1]}, "value"),
    ({"algorithm": "sha256", "value": GOOD_HASH + "a"}, "value"),
    ({"algorithm": "sha256", "value": GOOD_HASH + "\n"}, "value"),
    ({"algorithm": "sha256", "value": GOOD_HASH[:-1] + "g"}, "value"),
    ({"algorithm": "sha256", "value": GOOD_HASH.upper()}, "value"),
    ({"algorithm": "sha256", "value": " " + GOOD_HASH[1:]}, "value"),
    ({"algorithm": "sha256", "value": "\u0660" * 64}, "value"),
    ({"algorithm": "sha256", "value": "\ud800" * 64}, "value"),
    ({"algorithm": "sha256", "value": ""}, "value"),
    ({"algorithm": "sha256", "value": 5}, "value"),
    ({"algorithm": "sha256", "value": None}, "value"),
    ({"algorithm": "sha256"}, "value"),
    ({"algorithm": "md5", "value": GOOD_HASH}, "value"),
    ({"algorithm": "sha1", "value": GOOD_HASH}, "value"),
    ({"algorithm": "pdq", "value": GOOD_HASH[:-2], "quality": 50}, "value"),
    ({"algorithm": "sha512", "value": GOOD_HASH}, "algorithm"),
    ({"algorithm": "SHA256", "value": GOOD_HASH}, "algorithm"),
    ({"algorithm": "", "value": GOOD_HASH}, "algorithm"),
    ({"algorithm": None, "value": GOOD_HASH}, "algorithm"),
    ({"value": GOOD_HASH}, "algorithm"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": 101}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": -1}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": 50.5}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": "50"}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": True}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": None}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH, "quality": 10**40}, "quality"),
    ({"algorithm": "pdq", "value": GOOD_HASH}, "quality"),
    ({"algorithm": "sha256", "value": GOOD_HASH, "quality": 50}, "quality"),
    ({"algorithm": "sha256", "value": GOOD_HASH, "note": "x"}, "note"),
    ({"algorithm": "sha256", "value": GOOD_HASH, "picture": "iVBORw0KGgo="}, "picture"),
]

WRONG_URLS = [
    LONG_URL,
    "https://host.example/" + "a" * 2048,
    "",
    "host.example/a.jpg",
    "//host.example/a.jpg",
    "ftp://host.example/a.jpg",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:text/plain,hello",
    "https://",
    "https:///a.jpg",
    "https://user:secret@host.example/",
    "https://user@host.example/",
    "https://@host.example/",
    "https://host.example:99999/",
    "https://host.example:0/",
    "https://host.example:/",
    "https://host.example:abc/",
    "https://ho st.example/",
    "https://host.example/a b",
    "https://host.example/\n",
    "https://host.example/\x00",
    "https://host.example/\x7f",
    "https://host.example\\@other.example/",
    "https://host.example/\u202egpj.a",
    "https://host.example/\u200b",
    "https://host.example/\ud800",
    "https://[::1/",
    "https://[host.example]/",
    "https://[::1%eth0]/",
    "https://-host.example/",
    "https://host..example/",
    "https://.example/",
    "https://host_.example!/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    " https://host.example/",
]


def refused(answer: "_MonkeyPatchedWSGIResponse", field: str) -> None:
    assert answer.status_code == 422, answer.content
    body = answer.json()
    assert body["error"] == "invalid"
    assert field in [one["field"] for one in body["fields"]]
    assert all(one["message"] for one in body["fields"])


def nothing_kept() -> bool:
    return not (Item.objects.exists() or Fingerprint.objects.exists() or Sighting.objects.exists())


@pytest.mark.parametrize(("wrong", "field"), WRONG_FINGERPRINTS, ids=range(len(WRONG_FINGERPRINTS)))
@pytest.mark.parametrize("route", ["reports", "assessments", "lookups"])
def test_a_wrong_fingerprint(route: str, wrong: object, field: str, cast: Cast, client: Client) -> None:
    prints = [*wire(prints_of("boat")), wrong]
    bodies: dict[str, dict[str, object]] = {
        "reports": {"kind": "picture", "fingerprints": prints, "sightings": []},
        "assessments": {"kind": "picture", "fingerprints": prints, "code": "TEST"},
        "lookups": {"fingerprints": prints},
    }
    refused(cast.police.post(client, route, bodies[route]), f"fingerprints.4.{field}")
    assert nothing_kept()


@pytest.mark.parametrize("url", WRONG_URLS, ids=range(len(WRONG_URLS)))
def test_a_wrong_url(url: str, cast: Cast, client: Client) -> None:
    body = report_body("boat")
    body["sightings"].append({"url": url})
    refused(cast.police.post(client, "reports", body), "sightings.1.url")
    assert nothing_kept()


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def act(body: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        target = body
        for name in parents:
            target = target[name]
        target[last] = value

    return act


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("kind", "film", "kind"),
        ("kind", "", "kind"),
        ("kind", None, "kind"),
        ("fingerprints", [], "fingerprints"),
        ("fingerprints", None, "fingerprints"),
        ("fingerprints", {}, "fingerprints"),
        ("fingerprints", "sha256", "fingerprints"),
        ("fingerprints", ["sha256"], "fingerprints.0"),
        ("fingerprints", [None], "fingerprints.0"),
        ("fingerprints", wire([sha256_of(str(one)) for one in range(65)]), "fingerprints"),
        ("sightings", None, "sightings"),
        ("sightings", ["https://host.example/"], "sightings.0"),
        ("sightings", [{}], "sightings.0"),
        ("sightings", [{"url": 5}], "sightings.0.url"),
        ("sightings", [{"url": "https://host.example/", "title": "x"}], "sightings.0.title"),
        ("sightings", [{"url": f"https://host.example/{one}"} for one in range(101)], "sightings"),
        ("assessment", {}, "assessment.code"),
        ("assessment", {"code": "C9"}, "assessment.code"),
        ("assessment", {"code": "test"}, "assessment.code"),
        ("assessment", {"code": ["A1"]}, "assessment.code"),
        ("assessment", {"code": "A1", "scheme": "mine"}, "assessment.scheme"),
        ("assessment", "A1", "assessment"),
        ("media", "iVBORw0KGgo=", "media"),
    ],
)
def test_a_wrong_part_of_a_report(path: str, value: object, field: str, cast: Cast, client: Client) -> None:
    body = copy.deepcopy(report_body("boat", code="TEST"))
    change(path, value)(body)
    refused(cast.police.post(client, "reports", body), field)
    assert nothing_kept()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "The wrong file."}, "position"),
        ({"position": "0", "reason": "The wrong file."}, "position"),
        ({"position": -1, "reason": "The wrong file."}, "position"),
        ({"position": 0.5, "reason": "The wrong file."}, "position"),
        ({"position": 2**63, "reason": "The wrong file."}, "position"),
        ({"position": 0}, "reason"),
        ({"position": 0, "reason": ""}, "reason"),
        ({"position": 0, "reason": "   "}, "reason"),
        ({"position": 0, "reason": "a" * 1001}, "reason"),
        ({"position": 0, "reason": "with a \x00 in it"}, "reason"),
        ({"position": 0, "reason": "\ud800"}, "reason"),
        ({"position": 0, "reason": "seen at https://host.example/"}, "reason"),
        ({"position": 0, "reason": f"it was {GOOD_HASH}"}, "reason"),
        ({"position": 0, "reason": None}, "reason"),
        ({"position": 0, "reason": "The wrong file.", "force": True}, "force"),
    ],
)
def test_a_wrong_withdrawal(body: dict[str, object], field: str, cast: Cast, client: Client) -> None:
    admitted_item(cast, "boat")
    refused(cast.police.post(client, "lists/main/withdrawals", body), field)


@pytest.mark.parametrize("code", ["", "C9", None, 5, "none"])
def test_a_wrong_code(code: object, cast: Cast, client: Client) -> None:
    report(cast.monitor, "boat")
    body = {"kind": "picture", "fingerprints": wire(prints_of("boat")), "code": code}
    refused(cast.police.post(client, "assessments", body), "code")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[]",
        "null",
        "5",
        '"text"',
        "[" * 200_000,
        "9" * 10_000,
        '{"kind": NaN}',
        "\x00",
        "{'kind': 1}",
    ],
    ids=range(12),
)
@pytest.mark.parametrize("route", ["reports", "assessments", "lookups", "lists/main/withdrawals"])
def test_a_body_that_is_no_object(route: str, text: str, cast: Cast, client: Client) -> None:
    headers = {**cast.police.headers(), "Content-Type": "application/json"}
    answer = client.post(f"/api/v1/{route}", text, content_type="application/json", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid"
    assert answer.json()["fields"]


def test_a_body_in_another_encoding(cast: Cast, client: Client) -> None:
    answer = client.post(
        "/api/v1/reports", b"\xff\xfe\xfd", content_type="application/json", headers=cast.police.headers()
    )
    refused(answer, "body")


def test_a_body_over_the_limit(cast: Cast, client: Client) -> None:
    body = json.dumps({**report_body("boat"), "note": "a" * 1024 * 1024})
    answer = client.post("/api/v1/reports", body, content_type="application/json", headers=cast.police.headers())
    assert answer.status_code == 413
    assert answer.json()["error"] == "too_large"


def test_many_mistakes_are_named_but_not_endlessly(cast: Cast, client: Client) -> None:
    body = {"kind": "picture", "fingerprints": [{}] * 64, "sightings": [{}] * 100}
    answer = cast.police.post(client, "reports", body)
    assert answer.status_code == 422
    assert len(answer.json()["fields"]) == 20


def test_a_refusal_repeats_no_value(cast: Cast, client: Client) -> None:
    wrong = [{"algorithm": "sha256", "value": GOOD_HASH + "ab", "quality": 50}]
    body = {"kind": "picture", "fingerprints": wrong, "sightings": [{"url": "ftp://secret.example/"}]}
    text = cast.police.post(client, "reports", body).content.decode()
    assert GOOD_HASH not in text
    assert "secret.example" not in text


def test_fingerprints_of_two_items_are_a_conflict(cast: Cast, client: Client) -> None:
    """Nobody glues two items together by naming both in one report."""
    report(cast.police, "boat")
    report(cast.support_centre, "tree")
    body = {"kind": "picture", "fingerprints": wire([sha256_of("boat"), sha256_of("tree")]), "sightings": []}
    for route, sent in (
        ("reports", body),
        ("assessments", {"kind": "picture", "fingerprints": body["fingerprints"], "code": "TEST"}),
        ("lookups", {"fingerprints": body["fingerprints"]}),
    ):
        answer = cast.police.post(client, route, sent)
        assert answer.status_code == 409
        assert answer.json()["error"] == "conflict"
        assert "one and the same file" in answer.json()["message"]
    assert Item.objects.count() == 2


def test_an_item_is_not_buried_under_fingerprints(cast: Cast, client: Client) -> None:
    statuses = []
    for part in range(9):
        prints = [sha256_of("boat"), *(pdq_of(f"{part} {one}") for one in range(63))]
        body = {"kind": "picture", "fingerprints": wire(prints), "sightings": []}
        statuses.append(cast.platform.post(client, "reports", body).status_code)
    assert statuses == [200] * 8 + [409]
    assert Fingerprint.objects.count() <= 512


@pytest.mark.parametrize("path", ["items/nonsense", "items/", "nonsense", "lists/main", "reports/1", "items/%00", ""])
def test_an_unknown_route_answers_in_shape(path: str, cast: Cast, client: Client) -> None:
    answer = cast.police.get(client, path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found", "message": answer.json()["message"], "fields": []}


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "reports"), ("PUT", "items/x"), ("GET", "reports"), ("POST", "me")]
)
def test_another_method_answers_in_shape(method: str, path: str, cast: Cast, client: Client) -> None:
    answer = client.generic(
        method, f"/api/v1/{path}", "{}", content_type="application/json", headers=cast.police.headers()
    )
    assert answer.status_code in {404, 405}
    assert set(answer.json()) == {"error", "message", "fields"}


@pytest.mark.parametrize(
    "route", ["lists/other/withdrawals", "lists/%00/withdrawals", f"lists/{'a' * 500}/withdrawals"]
)
def test_an_unknown_list(route: str, cast: Cast, client: Client) -> None:
    answer = cast.police.post(client, route, {"position": 0, "reason": "The wrong file."})
    assert answer.status_code == 404


def test_an_unknown_item_or_position(cast: Cast, client: Client) -> None:
    assert cast.police.get(client, "items/00000000-0000-4000-8000-000000000000").status_code == 404
    answer = cast.police.post(client, "lists/main/withdrawals", {"position": 0, "reason": "The wrong file."})
    assert answer.status_code == 404
    unknown = {"kind": "picture", "fingerprints": wire(prints_of("boat")), "code": "TEST"}
    assert cast.police.post(client, "assessments", unknown).json()["error"] == "unknown_item"
    assert (
        cast.police.post(client, "lookups", {"fingerprints": wire(prints_of("boat"))}).json()["error"] == "unknown_item"
    )


@pytest.mark.parametrize("charset", ["utf-16", "UTF-16", "latin-1", "nonsense"])
def test_json_in_another_charset_is_refused_for_that(cast: Cast, client: Client, charset: str) -> None:
    body = json.dumps(report_body("boat"))
    media_type = f"application/json; charset={charset}"
    answer = client.generic("POST", "/api/v1/reports", body, content_type=media_type, headers=cast.police.headers())
    assert answer.status_code == 415
    assert "UTF-8" in answer.json()["message"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8"])
def test_json_may_say_that_it_is_utf_8(cast: Cast, client: Client, charset: str) -> None:
    body = json.dumps(report_body("boat"))
    media_type = f"application/json; charset={charset}"
    answer = client.generic("POST", "/api/v1/reports", body, content_type=media_type, headers=cast.police.headers())
    assert answer.status_code == 201


def test_an_unknown_parameter_of_the_query_is_refused_by_its_name(cast: Cast, client: Client) -> None:
    assert cast.police.get(client, "requests?limit=1&offset=0").status_code == 200
    answer = cast.police.get(client, "requests?limit=1&state=open&page=2")
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["fields"]] == ["page", "state"]
