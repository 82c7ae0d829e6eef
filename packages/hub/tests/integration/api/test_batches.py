"""Batches: each row by itself, once by its reference, and no more told than a single report tells."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from staydown_hub.audit.models import AuditRecord
from staydown_hub.audit.queries import verify
from staydown_hub.lists.models import Entry
from staydown_hub.organisations.models import ApiKey
from staydown_hub.registry import accounting
from staydown_hub.registry.models import Assessment, BatchRow, Fingerprint, FingerprintSource, Item, Sighting

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import (
    admitted_item,
    assessment_body,
    md5_of,
    pdq_of,
    prints_of,
    report,
    report_body,
    sha256_of,
    wire,
)

LINES = "application/x-ndjson"
COUNTED = (Item, Fingerprint, FingerprintSource, Assessment, Sighting, BatchRow)


def row(name: str, *, reference: str | None = None, **fields: object) -> dict[str, Any]:
    return {**report_body(name), "reference": reference or name, **fields}


def send(client: Client, member: Member, body: bytes, *, media_type: str = LINES) -> list[dict[str, Any]]:
    answer = client.post("/api/v1/reports/batch", body, content_type=media_type, headers=member.headers())
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == LINES
    return [json.loads(line) for line in answer.getvalue().splitlines()]


def batch(client: Client, member: Member, *rows: object) -> list[dict[str, Any]]:
    return send(client, member, b"".join(json.dumps(one).encode() + b"\n" for one in rows))


def counts() -> list[int]:
    return [model._default_manager.count() for model in COUNTED]


def test_new_and_known_items_are_told_apart_at_once(cast: Cast, client: Client) -> None:
    known = report(cast.support_centre, "boat", code="TEST")
    listed = admitted_item(cast, "tree")
    first, second, third, end = batch(client, cast.police, row("boat"), row("lake"), row("tree"))
    assert (first["row"], first["status"], first["known"], first["item"]) == (0, 200, True, str(known.pk))
    # What others said is not told to who has still to judge it, in a batch as little as in a single report.
    assert first["standing"] == {"status": "open", "entries": [], "confidence": None}
    assert (second["row"], second["status"], second["known"], second["sightings"]) == (1, 201, False, 1)
    assert second["standing"]["status"] == "open"
    assert third["item"] == str(listed.pk)
    assert (third["standing"]["status"], third["standing"]["entries"]) == (
        "admitted",
        [{"list": "main", "position": 0}],
    )
    assert end == {"rows": 3}


def test_a_batch_is_what_its_reports_would_be_one_by_one(cast: Cast, client: Client) -> None:
    rows = [row(f"boat-{number}", assessment={"code": "TEST"}) for number in range(3)]
    batch(client, cast.police, *rows)
    for number, one in enumerate(rows):
        single = {**one, **report_body(f"tree-{number}", code="TEST")}
        del single["reference"]
        assert cast.police.post(client, "reports", single).status_code == 201
    by_batch, by_one = (Item.objects.filter(batch_rows__isnull=is_single) for is_single in (False, True))
    for items in (by_batch, by_one):
        assert items.count() == 3
        for item in items:
            assert item.fingerprints.count() == 4
            assert item.opened_by == cast.police.organisation
            assessment = item.assessments.get()
            assert (assessment.code, assessment.superseded_at) == ("TEST", None)
            sources = FingerprintSource.objects.filter(fingerprint__item=item)
            assert {(one.assessment_id, one.organisation_id) for one in sources} == {
                (assessment.pk, cast.police.organisation.pk)
            }
            sighting = item.sightings.get()
            assert (sighting.host, sighting.confirmed_by) == ("host.example", cast.police.organisation)


def test_an_item_that_came_in_a_batch_is_admitted_as_any_other(cast: Cast, client: Client) -> None:
    batch(client, cast.support_centre, row("boat", assessment={"code": "TEST"}))
    answer = cast.police.post(client, "assessments", assessment_body("boat", code="TEST"))
    assert answer.json()["standing"]["status"] == "admitted"


def test_an_assessment_in_a_batch_admits_what_another_organisation_assessed(cast: Cast, client: Client) -> None:
    report(cast.support_centre, "boat", code="TEST")
    told, _ = batch(client, cast.police, row("boat", assessment={"code": "TEST"}))
    assert told["standing"]["status"] == "admitted"
    assert Entry.objects.get().operation == "admit"


def test_a_repeated_batch_doubles_nothing_and_is_answered_alike(cast: Cast, client: Client) -> None:
    report(cast.support_centre, "boat")
    rows = [row("boat", assessment={"code": "TEST"}), row("lake"), row("tree", assessment={"code": "TEST"})]
    first, before = batch(client, cast.police, *rows), counts()
    assert batch(client, cast.police, *rows) == first
    assert batch(client, cast.police, *reversed(rows))[-1] == {"rows": 3}
    assert counts() == before


def test_a_reference_that_stands_for_something_else_is_refused_alone(cast: Cast, client: Client) -> None:
    batch(client, cast.police, row("boat", reference="1"))
    changed = [
        row("tree", reference="1"),
        row("boat", reference="1", kind="video"),
        row("boat", reference="1", sightings=[]),
        row("boat", reference="1", assessment={"code": "TEST"}),
    ]
    *refused, taken, end = batch(client, cast.police, *changed, row("lake", reference="2"))
    assert [(one["row"], one["status"], one["error"], one["reference"]) for one in refused] == [
        (number, 409, "conflict", "1") for number in range(4)
    ]
    assert (taken["status"], end) == (201, {"rows": 5})
    assert Item.objects.count() == 2


def test_a_reference_twice_in_one_batch_is_one_report(cast: Cast, client: Client) -> None:
    first, again, other, _ = batch(client, cast.police, row("boat"), row("boat"), row("tree", reference="boat"))
    assert (again["item"], again["status"]) == (first["item"], 201)
    assert other["status"] == 409
    assert BatchRow.objects.count() == 1


def test_references_are_each_organisations_own(cast: Cast, client: Client) -> None:
    batch(client, cast.police, row("boat", reference="1"))
    told, _ = batch(client, cast.support_centre, row("tree", reference="1"))
    assert (told["status"], told["known"]) == (201, False)


def test_what_is_wrong_is_named_row_by_row_and_the_rest_is_taken(cast: Cast, client: Client) -> None:
    wrong = {"algorithm": "md5", "value": "no hash at all"}
    lines = [
        json.dumps(row("boat")).encode(),
        b"{no json",
        b"[]",
        json.dumps(row("lake", fingerprints=[wire(prints_of("lake"))[0], wrong])).encode(),
        json.dumps(row("lake", media="aGVsbG8=")).encode(),
        json.dumps(row("lake", reference="https://host.example/lake")).encode(),
        json.dumps(row("lake", sightings=[{"url": "ftp://host.example"}])).encode(),
        json.dumps(report_body("lake")).encode(),
        b'{"reference": "' + b"x" * 1_100_000 + b'"}',
        json.dumps(row("tree")).encode(),
    ]
    told = send(client, cast.police, b"\n".join(lines))
    assert [(one["row"], one["status"]) for one in told[:-1]] == [
        (0, 201), (1, 422), (2, 422), (3, 422), (4, 422), (5, 422), (6, 422), (7, 422), (8, 413), (9, 201),
    ]  # fmt: skip
    assert told[-1] == {"rows": 10}
    fields = [[field["field"] for field in one["fields"]] for one in told if one.get("error") == "invalid"]
    assert fields == [
        ["row"], ["row"], ["fingerprints.1.value"], ["media"], ["reference"], ["sightings.0.url"], ["reference"],
    ]  # fmt: skip
    assert "no hash at all" not in json.dumps(told)
    assert "ftp" not in json.dumps(told)
    assert Item.objects.count() == 2


def test_fingerprints_of_different_items_are_refused_in_their_row(cast: Cast, client: Client) -> None:
    report(cast.monitor, "boat")
    report(cast.monitor, "tree")
    mixed = wire((sha256_of("boat"), sha256_of("tree")))
    refused, taken, _ = batch(client, cast.police, row("x", fingerprints=mixed), row("lake"))
    assert (refused["status"], refused["error"], taken["status"]) == (409, "conflict", 201)


def test_a_weaker_fingerprint_of_another_item_stays_with_that_item(cast: Cast, client: Client) -> None:
    report(cast.monitor, "boat")
    mixed = wire((sha256_of("tree"), md5_of("boat")))
    batch(client, cast.police, row("tree"))
    told, _ = batch(client, cast.police, row("tree", reference="again", fingerprints=mixed))
    assert told["known"] is True
    assert AuditRecord.objects.filter(act="fingerprints left out").count() == 1


def test_near_copies_are_one_item_stored_or_in_the_same_batch(cast: Cast, client: Client) -> None:
    stored = report(cast.monitor, "boat")
    near_stored = row("a", fingerprints=wire((sha256_of("a"), pdq_of("boat", flipped_bits=31))))
    near_first = row("b", fingerprints=wire((sha256_of("b"), pdq_of("tree", flipped_bits=20))))
    beyond = row("c", fingerprints=wire((sha256_of("c"), pdq_of("tree", flipped_bits=64))))
    poor = row("d", fingerprints=wire((sha256_of("d"), pdq_of("tree", flipped_bits=2, quality=49))))
    told = batch(client, cast.police, near_stored, row("tree"), near_first, beyond, poor)
    items = [one["item"] for one in told[:-1]]
    assert items[0] == str(stored.pk)
    # The second has an address, so it is taken by itself after the first is there: one item all the same.
    assert items[1] == items[2]
    assert len(set(items)) == 4


def test_the_same_file_many_times_in_one_batch_is_one_item(cast: Cast, client: Client) -> None:
    rows = [row("boat", reference=str(number), sightings=[]) for number in range(5)]
    told = batch(client, cast.police, *rows)
    assert len({one["item"] for one in told[:-1]}) == 1
    assert [one["known"] for one in told[:-1]] == [False, True, True, True, True]
    assert counts()[:3] == [1, 4, 4]


def test_a_key_that_may_not_read_learns_the_item_and_nothing_of_the_register(cast: Cast, client: Client) -> None:
    report(cast.police, "boat", code="TEST")
    for told in batch(client, cast.platform, row("boat"), row("tree"))[:-1]:
        assert set(told) == {"row", "status", "reference", "item"}
        assert told["status"] == 200


def test_an_assessment_needs_its_scope_and_no_other_row_suffers(cast: Cast, client: Client) -> None:
    ApiKey.objects.filter(organisation=cast.police.organisation).update(scopes=["report", "read"])
    judged = [row(name, assessment={"code": "TEST"}) for name in ("boat", "tree")]
    first, second, taken, _ = batch(client, cast.police, *judged, row("lake"))
    assert [one["status"] for one in (first, second, taken)] == [403, 403, 201]
    assert AuditRecord.objects.filter(act="request refused").count() == 1
    assert not Assessment.objects.exists()


def test_who_is_not_trained_does_not_assess_in_a_batch_either(cast: Cast, client: Client) -> None:
    ApiKey.objects.filter(organisation=cast.police.organisation).update(person=None)
    judged, taken, end = batch(client, cast.police, row("boat", assessment={"code": "TEST"}), row("lake"))
    assert (judged["status"], judged["error"], taken["status"], end) == (403, "forbidden", 201, {"rows": 2})
    assert not Assessment.objects.exists()
    assert Item.objects.count() == 1
    assert AuditRecord.objects.filter(act="request refused").count() == 1


def test_more_than_ten_thousand_are_not_taken(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("staydown_hub.api.batches.MAX_REPORTS", 3)
    monkeypatch.setattr("staydown_hub.api.batches._REPORTS_A_GROUP", 2)
    told = batch(client, cast.police, *[row(f"boat-{number}") for number in range(5)])
    assert [one.get("status") for one in told] == [201, 201, 201, 413, None]
    assert told[-1] == {"rows": 3}
    assert Item.objects.count() == 3


def test_a_body_that_breaks_off_keeps_its_whole_rows_only(cast: Cast, client: Client) -> None:
    whole = json.dumps(row("boat")).encode() + b"\n"
    body = whole + json.dumps(row("tree")).encode()
    headers = {**cast.police.headers(), "Content-Length": str(len(body) + 1)}
    answer = client.generic("POST", "/api/v1/reports/batch", body, content_type=LINES, headers=headers)
    assert b'"rows"' not in answer.getvalue()
    assert Item.objects.count() == 0  # its sender is gone: it sends all of it again


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Length": ""}, 411),
        ({"Content-Length": str(256 * 1024 * 1024 + 1)}, 413),
    ],
)
def test_what_is_no_batch_is_refused_before_it_is_read(
    cast: Cast, client: Client, headers: dict[str, str], status: int
) -> None:
    sent = {**cast.police.headers(), "Content-Type": LINES, **headers}
    answer = client.generic("POST", "/api/v1/reports/batch", b"{}", headers=sent)
    assert answer.status_code == status


@pytest.mark.usefixtures("committed_db")
def test_what_a_batch_did_is_recorded_and_the_rows_are_covered(cast: Cast, client: Client) -> None:
    batch(client, cast.police, row("boat", assessment={"code": "TEST"}), row("tree"))
    found = AuditRecord.objects.get(act="batch reported")
    assert found.organisation == cast.police.organisation.pk
    assert {name: json.loads(found.detail)[name] for name in ("rows", "opened", "assessed")} == {
        "rows": 2,
        "opened": 2,
        "assessed": 1,
    }
    assert {f"batch:{one.batch}" for one in BatchRow.objects.all()} == {found.subject}
    assert verify().problems == ()
    assert accounting.problems() == ()


TAMPERING = {
    "UPDATE batch_row SET known = true WHERE reference = 'boat'": "are not those that were recorded",
    "UPDATE batch_row SET reference = 'other' WHERE reference = 'boat'": "are not those that were recorded",
    "DELETE FROM batch_row WHERE reference = 'boat'": "are not those that were recorded",
    "DELETE FROM batch_row": "whose rows are gone",
    "UPDATE batch_row SET batch = '00000000-0000-4000-8000-000000000000'": "were never recorded",
}


@pytest.mark.parametrize("statement", sorted(TAMPERING))
def test_a_batch_cannot_be_changed_and_past_its_walls_it_shows(cast: Cast, client: Client, statement: str) -> None:
    batch(client, cast.police, row("boat"), row("tree"))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE batch_row DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute("ALTER TABLE batch_row ENABLE TRIGGER USER")
    assert TAMPERING[statement] in "".join(accounting.problems())
