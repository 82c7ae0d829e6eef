"""Matches and disputes as platforms report them: once each, all or nothing, and never more than they may say."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.enforcement.models import Dispute, Match
from staydown_hub.lists.models import SharedList

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import admitted_item, assess

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse


# Members hold their references to the same list.
REFERENCES: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[5] / "tests/contract/vectors/references.json").read_text()
)


def match(**changed: object) -> dict[str, object]:
    """Return a match with the entry at position 0 of the main list."""
    return {
        "id": str(uuid.uuid4()),
        "list": "main",
        "position": 0,
        "algorithm": "pdq",
        "distance_bits": 12,
        "at": "2026-01-02T03:04:05.678901Z",
        "reference": "upload/2026-01/8c1d",
        **changed,
    }


def report(client: Client, member: Member, *matches: object) -> "_MonkeyPatchedWSGIResponse":
    return member.post(client, "matches", {"matches": list(matches)})


def named(answer: "_MonkeyPatchedWSGIResponse") -> list[str]:
    assert answer.status_code == 422, answer.content
    return [one["field"] for one in answer.json()["fields"]]


def test_matches_are_kept_once_however_often_they_are_sent(cast: Cast, client: Client) -> None:
    item = admitted_item(cast, "a")
    first, second = match(), match(algorithm="sha256", distance_bits=0)
    del second["reference"]
    assert report(client, cast.platform, first, first, second).json() == {"accepted": 2, "known": 1}
    assert report(client, cast.platform, second, first).json() == {"accepted": 0, "known": 2}
    assert report(client, cast.another_platform, first).json() == {"accepted": 1, "known": 0}, (
        "another's own identifier"
    )
    row = Match.objects.get(organisation=cast.platform.organisation, algorithm="pdq")
    assert (str(row.identifier), row.item_id, row.position) == (first["id"], item.pk, 0)
    assert (row.distance_bits, row.reference) == (12, "upload/2026-01/8c1d")
    assert row.at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert Match.objects.get(algorithm="sha256").reference == ""
    records = AuditRecord.objects.filter(act="matches received").order_by("pk")
    assert [json.loads(one.detail) for one in records] == [{"accepted": 2, "known": 1}, {"accepted": 1, "known": 0}]


def test_a_thousand_at_a_time_and_no_more(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    matches = [match() for _ in range(1000)]
    assert report(client, cast.platform, *matches).json() == {"accepted": 1000, "known": 0}
    assert named(report(client, cast.platform, *matches, match())) == ["matches"]
    assert named(report(client, cast.platform)) == ["matches"]


def test_a_clock_that_is_ahead_is_set_right(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    assert report(client, cast.platform, match(at="2999-01-01T00:00:00Z")).status_code == 200
    row = Match.objects.get()
    assert row.at == row.received_at <= timezone.now()


WRONG: dict[str, list[object]] = {
    "id": [None, "", "x", 5, "0B0A3F5E-0C2D-4A54-9F5B-0F1D8D3C7A11"],
    "list": [None, "", 3, "x" * 65],
    "position": [None, -1, 2**53, "0", 0.5, True],
    "algorithm": [None, "sha512", "PDQ", 1],
    "distance_bits": [None, -1, 32, 1.5, "3"],
    "at": [None, "", 0, "2026-01-02", "2026-01-02T03:04:05", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z"],
    "reference": [5, *REFERENCES["refused"]],
    "picture": ["iVBORw0KGgo="],
    "user": ["ana"],
}


@pytest.mark.parametrize("field", sorted(WRONG))
def test_wrong_matches_are_refused_by_row_and_field(field: str, cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    for value in WRONG[field]:
        assert named(report(client, cast.platform, match(), match(**{field: value}))) == [f"matches.1.{field}"], value
    assert not Match.objects.exists(), "all or nothing"


def test_every_reference_that_members_may_give_is_taken(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    given = [match(reference=reference) for reference in REFERENCES["taken"]]
    assert report(client, cast.platform, *given).json() == {"accepted": len(given), "known": 0}


def test_an_exact_fingerprint_matches_exactly(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    wrong = match(algorithm="md5", distance_bits=1)
    assert named(report(client, cast.platform, wrong)) == ["matches.0.distance_bits"]


def test_every_row_without_an_entry_is_named(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    assess(cast.police, "a", code="NONE")  # withdrawn at position 1: the admission stays one that could be matched
    SharedList.objects.create(
        slug="inner", name="Inner", required_kinds=["police"], codes=["A1"], audience_kinds=["police"]
    )
    wrong = [match(list="nowhere"), match(position=1), match(position=2), match(list="inner")]
    answer = report(client, cast.platform, match(), *wrong)
    expected = ["matches.1.list", "matches.2.position", "matches.3.position", "matches.4.list"]
    assert named(answer) == expected
    assert answer.json()["fields"][0]["message"] == answer.json()["fields"][3]["message"], "another's looks as no list"
    assert AuditRecord.objects.filter(act="request refused").count() == 1
    assert len(named(report(client, cast.platform, *(match(position=9) for _ in range(1000))))) == 1000
    assert not Match.objects.exists()


def dispute(client: Client, member: Member, **changed: object) -> "_MonkeyPatchedWSGIResponse":
    body: dict[str, Any] = {"list": "main", "position": 0, "reason": "A drawing of ours.", **changed}
    return member.post(client, "disputes", body)


def test_a_dispute_is_kept_once_for_each_organisation(cast: Cast, client: Client) -> None:
    item = admitted_item(cast, "a")
    first = dispute(client, cast.platform)
    again = dispute(client, cast.platform, reason="Another reason.")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert dispute(client, cast.carrier).status_code == 201
    row = Dispute.objects.get(organisation=cast.platform.organisation)
    assert (str(row.pk), row.item_id, row.reason) == (first.json()["dispute"], item.pk, "A drawing of ours.")
    record = AuditRecord.objects.filter(act="entry disputed").earliest("pk")
    assert (record.organisation, record.subject) == (cast.platform.organisation.pk, f"item:{item.pk}")
    assert "drawing" not in record.detail


def test_wrong_disputes_are_refused_by_field(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    for field, value in {
        "list": "nowhere",
        "position": 1,
        "reason": "see https://host.example/",
        "media": "x",
    }.items():
        assert named(dispute(client, cast.platform, **{field: value})) == [field]
    assert named(dispute(client, cast.platform, reason=" ")) == ["reason"]
    assert named(dispute(client, cast.platform, reason="ab" * 16)) == ["reason"]
    assert named(dispute(client, cast.platform, reason="x" * 1001)) == ["reason"]
    assert not Dispute.objects.exists()


def test_nothing_of_it_can_be_changed(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    report(client, cast.platform, match())
    dispute(client, cast.platform)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for statement in (
        "UPDATE match SET reference = ''",
        "DELETE FROM match",
        "TRUNCATE match",
        "UPDATE dispute SET reason = ''",
        "DELETE FROM dispute",
        "TRUNCATE dispute CASCADE",
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_database_refuses_a_match_of_no_admission(cast: Cast) -> None:
    item, other = admitted_item(cast, "a"), admitted_item(cast, "b")
    main = SharedList.objects.get(slug="main")
    for item_id, position in ((other.pk, 0), (item.pk, 1), (item.pk, 7)):
        with pytest.raises(IntegrityError, match="admission"), transaction.atomic():
            Match.objects.create(
                organisation=cast.platform.organisation,
                identifier=uuid.uuid4(),
                shared_list=main,
                position=position,
                item_id=item_id,
                algorithm="md5",
                distance_bits=0,
                at=timezone.now(),
                received_at=timezone.now(),
            )


def test_figures_count_matches_by_list_and_day(cast: Cast, client: Client) -> None:
    admitted_item(cast, "a")
    today, before = (timezone.now() - timedelta(days=days) for days in (0, 1))
    days = [f"{one:%Y-%m-%d}" for one in (today, before)]
    long_ago = match(at="2020-01-01T00:00:00Z")
    report(
        client,
        cast.platform,
        long_ago,
        *(match(at=f"{days[1]}T00:00:00Z") for _ in range(3)),
        match(at=f"{days[0]}T00:00:00Z"),
    )
    dispute(client, cast.platform)
    found = cast.oversight.get(client, "figures").json()
    assert (found["matches"], found["disputes"]) == (5, 1)
    assert found["matches_by_day"] == [
        {"list": "main", "day": days[0], "matches": 1},
        {"list": "main", "day": days[1], "matches": 3},
    ]
