"""Sightings of every kind, in batches, with their history; who sees an address or a peer; where the hub never goes."""

import base64
import hashlib
from typing import Any

import pytest
from django.test import Client
from staydown_hub.audit.models import AuditRecord
from staydown_hub.registry import sightings
from staydown_hub.registry.models import Item, PeerObservation, Sighting, SightingReport
from staydown_hub.rules.peers import MAX_PEERS_OF_ONE_REPORT
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import admitted_item, md5_of, pdq_of, report, report_body, sha256_of, wire

ONION = "http://aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dyp3kead.onion/x"
V1 = hashlib.sha1(b"made up", usedforsecurity=False).hexdigest()
V2 = hashlib.sha256(b"made up").hexdigest()
EACH_KIND: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "https://host.example:443/a?utm_source=x"}, "web", "https://host.example/a"),
    ({"url": ONION}, "hidden_service", ONION),
    ({"infohash": V1.upper()}, "infohash_v1", V1),
    ({"infohash": base64.b32encode(bytes.fromhex(V1)).decode()}, "infohash_v1", V1),
    ({"infohash": V2}, "infohash_v2", V2),
    ({"ed2k": V1[:32]}, "ed2k", V1[:32]),
    ({"object": {"platform": "Photos.example", "id": "p/17"}}, "object", "photos.example p/17"),
]
PEER = {"at": "2026-01-02T03:04:05Z", "address": "192.0.2.7", "port": 6881}


def post(client: Client, who: Member, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    answer = who.post(client, "sightings", {"sightings": list(rows)})
    assert answer.status_code == 200, answer.content
    found = answer.json()["rows"]
    assert [one["row"] for one in found] == list(range(len(rows)))
    assert isinstance(found, list)
    return found


def statuses(rows: list[dict[str, Any]]) -> list[str]:
    return [one["status"] for one in rows]


@pytest.mark.parametrize(("place", "kind", "spelled"), EACH_KIND)
def test_each_kind_is_taken_in_a_report_and_in_a_batch(
    place: dict[str, Any], kind: str, spelled: str, cast: Cast, client: Client
) -> None:
    body = {**report_body("boat"), "sightings": [place]}
    item = cast.police.post(client, "reports", body).json()["item"]
    sighting = Sighting.objects.get()
    assert (sighting.kind, sightings.address_of(sighting)) == (kind, spelled)
    (row,) = post(client, cast.monitor, {"item": item, **place})
    assert (row["status"], row["sighting"]) == ("known", str(sighting.pk))


def test_first_last_and_who_said_so(cast: Cast, client: Client) -> None:
    item = str(report(cast.police, "boat").pk)
    place = {"item": item, "infohash": V1}
    times = ["2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"]
    for who, at in zip((cast.monitor, cast.police, cast.monitor), times, strict=True):
        post(client, who, {**place, "seen_at": at})
    post(client, cast.monitor, {**place, "seen_at": times[0]})  # said again: once is enough
    (line,) = cast.oversight.get(client, f"items/{item}/sightings").json()["sightings"]
    assert (line["first_seen_at"], line["last_seen_at"]) == (times[1], times[2])
    assert "address" not in line
    told = cast.police.get(client, f"sightings/{line['sighting']}").json()
    assert [(one["organisation"], one["seen_at"]) for one in told["reports"]] == [
        ("monitor", times[2]),
        ("monitor", times[0]),
        ("police", times[1]),
    ]
    assert (told["address"], told["peers"]) == (V1, [])


def test_nobody_saw_it_tomorrow(cast: Cast, client: Client) -> None:
    item = str(report(cast.police, "boat").pk)
    post(client, cast.monitor, {"item": item, "infohash": V1, "seen_at": "2999-01-01T00:00:00Z"})
    kept = SightingReport.objects.get()
    assert kept.seen_at == kept.reported_at


def test_a_batch_answers_each_row_by_itself(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "MAX_SIGHTINGS_OF_ONE_REPORTER", 2)
    item = report(cast.police, "boat")
    by_md5 = wire([md5_of("boat")])[0]
    rows: list[dict[str, Any]] = [
        {"item": str(item.pk), "url": "https://host.example/1"},
        {"fingerprint": by_md5, "url": "https://host.example/1#top"},
        {"fingerprint": by_md5, "url": "https://host.example:443/1"},
        {"fingerprint": wire([sha256_of("tree")])[0], "url": "https://host.example/1"},
        {"item": "00000000-0000-4000-8000-000000000000", "url": "https://host.example/1"},
        {"item": str(item.pk), "url": "https://host.example/3"},
    ]
    assert statuses(post(client, cast.monitor, *rows)) == [
        "new",
        "new",
        "known",
        "unknown_item",
        "unknown_item",
        "too_many",
    ]
    assert statuses(post(client, cast.monitor, *rows[:3])) == ["known"] * 3
    assert Sighting.objects.count() == 2
    row = AuditRecord.objects.filter(act="sightings reported").earliest("pk")
    assert (row.organisation, row.detail) == (
        cast.monitor.organisation.pk,
        '{"known":1,"new":2,"peers":0,"refused":3}',
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"infohash": None}, "sightings.0"),
        ({"url": "https://host.example/"}, "sightings.0"),
        ({"item": None}, "sightings.0"),
        ({"fingerprint": wire([md5_of("boat")])[0]}, "sightings.0"),
        ({"item": None, "fingerprint": wire([pdq_of("boat")])[0]}, "sightings.0.fingerprint"),
        ({"infohash": "nonsense"}, "sightings.0.infohash"),
        ({"infohash": None, "ed2k": V1}, "sightings.0.ed2k"),
        ({"infohash": None, "url": "ftp://host.example/"}, "sightings.0.url"),
        ({"infohash": None, "url": ONION.replace("aaaq", "aaab")}, "sightings.0.url"),
        ({"infohash": None, "object": {"platform": "photos.example", "id": "a b"}}, "sightings.0.object.id"),
        ({"infohash": None, "object": {"platform": "photos.example"}}, "sightings.0.object.id"),
        ({"seen_at": "yesterday"}, "sightings.0.seen_at"),
        ({"item": "boat"}, "sightings.0.item"),
        ({"picture": "iVBORw0KGgo="}, "sightings.0.picture"),
        ({"peers": [{**PEER, "address": "host.example"}]}, "sightings.0.peers.0.address"),
        ({"peers": [{**PEER, "port": 0}]}, "sightings.0.peers.0.port"),
        ({"peers": [{**PEER, "name": "x"}]}, "sightings.0.peers.0.name"),
        ({"peers": [PEER] * (MAX_PEERS_OF_ONE_REPORT + 1)}, "sightings.0.peers"),
        ({"infohash": None, "url": "https://host.example/", "peers": [PEER]}, "sightings.0"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    change: dict[str, Any], field: str, cast: Cast, client: Client
) -> None:
    item = report(cast.police, "boat")
    row = {"item": str(item.pk), "infohash": V1, **change}
    answer = cast.monitor.post(client, "sightings", {"sightings": [row, {"item": str(item.pk), "ed2k": V1[:32]}]})
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["fields"]] == [field]
    assert V1 not in answer.content.decode()
    assert not Sighting.objects.exists()


def test_more_rows_than_a_call_takes(cast: Cast, client: Client) -> None:
    row = {"item": str(report(cast.police, "boat").pk), "infohash": V1}
    assert cast.monitor.post(client, "sightings", {"sightings": [row] * 1001}).status_code == 422
    assert cast.monitor.post(client, "sightings", {"sightings": []}).status_code == 422


def test_hidden_services_and_file_sharing_open_no_request(cast: Cast, client: Client) -> None:
    item = str(admitted_item(cast, "boat").pk)
    rows = [{"item": item, **place} for place, kind, _ in EACH_KIND if kind != "web"]
    assert set(statuses(post(client, cast.police, *rows))) == {"new", "known"}
    assert not Request.objects.exists()
    post(client, cast.monitor, {"item": item, "url": "https://host.example/a"})
    assert Request.objects.count() == 1


def test_an_address_that_a_platform_named_is_asked_about_once_a_monitor_confirms_it(cast: Cast, client: Client) -> None:
    item = admitted_item(cast, "boat")
    report(cast.platform, "boat", urls=["https://host.example/a"])
    assert not Request.objects.exists()
    for _ in range(2):
        post(client, cast.monitor, {"item": str(item.pk), "url": "https://host.example/a"})
    assert Request.objects.count() == 1


def test_a_key_that_may_not_read_is_not_told_what_is_known(cast: Cast, client: Client) -> None:
    item = report(cast.police, "boat")
    answer = cast.platform.post(client, "sightings", {"sightings": [{"item": str(item.pk), "infohash": V1}]})
    assert answer.status_code == 403
    assert not Sighting.objects.exists()


@pytest.fixture
def shared(cast: Cast, client: Client) -> Sighting:
    item = str(report(cast.police, "boat").pk)
    peers = [PEER, {**PEER, "address": "2001:DB8::7"}, {**PEER, "address": "::ffff:192.0.2.7"}]
    row = {"item": item, "infohash": V1, "peers": peers}
    post(client, cast.monitor, row, row)
    return Sighting.objects.get()


def test_peers_are_sealed_and_kept_once(shared: Sighting) -> None:
    rows = list(PeerObservation.objects.filter(sighting=shared))
    assert len(rows) == 2
    for row in rows:
        assert b"192.0.2.7" not in bytes(row.sealed_peer or b"")
        assert (row.expires_at - row.received_at).days == 90


def test_police_see_peers_and_that_is_on_record(shared: Sighting, cast: Cast, client: Client) -> None:
    told = cast.police.get(client, f"sightings/{shared.pk}").json()
    assert sorted(told["peers"]) == [
        "2026-01-02T03:04:05+00:00 192.0.2.7:6881",
        "2026-01-02T03:04:05+00:00 [2001:db8::7]:6881",
    ]
    acts = AuditRecord.objects.filter(subject=f"sighting:{shared.pk}", organisation=cast.police.organisation.pk)
    assert set(acts.values_list("act", flat=True)) == {"address shown", "peers shown"}


@pytest.mark.parametrize("name", ["support_centre", "regulator", "monitor"])
def test_others_who_assess_see_the_address_and_no_peer(name: str, shared: Sighting, cast: Cast, client: Client) -> None:
    answer = cast.member(name).get(client, f"sightings/{shared.pk}")
    assert (answer.json()["address"], answer.json()["peers"]) == (V1, None)
    assert "192.0.2.7" not in answer.content.decode()
    assert not AuditRecord.objects.filter(act="peers shown").exists()


def test_an_unknown_sighting_and_item(cast: Cast, client: Client) -> None:
    nothing = "00000000-0000-4000-8000-000000000000"
    assert cast.police.get(client, f"sightings/{nothing}").status_code == 404
    assert cast.police.get(client, f"items/{nothing}/sightings").status_code == 404


def test_a_thousand_at_once(cast: Cast, client: Client) -> None:
    """All or nothing, all there, and sent again harmless. How fast it is a benchmark measures."""
    names = [f"file {number}" for number in range(100)]
    items = Item.objects.bulk_create(Item(kind="picture", opened_by=cast.police.organisation) for _ in names)
    rows = [
        {
            "item": str(items[number % 100].pk),
            "url": ONION + str(number),
            "seen_at": f"2026-01-{1 + number % 28:02d}T00:00:00Z",
        }
        for number in range(1000)
    ]
    assert set(statuses(post(client, cast.monitor, *rows))) == {"new"}
    assert set(statuses(post(client, cast.monitor, *rows))) == {"known"}
    assert (Sighting.objects.count(), SightingReport.objects.count()) == (1000, 1000)
