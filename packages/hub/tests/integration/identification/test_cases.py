"""Whether a victim is identified: for police alone, sealed, never changed; a match tells the unit, and nobody else."""

import uuid

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from staydown_hub.audit.models import AuditRecord
from staydown_hub.identification import services
from staydown_hub.identification.errors import NotForThisKindError
from staydown_hub.identification.models import CaseAct, CaseNotice
from staydown_hub.identification.queries import unread_notices
from staydown_hub.organisations.actors import Actor
from staydown_hub.organisations.models import Organisation
from staydown_hub.registry.models import Item
from staydown_hub.rules.identification import Status

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item

OTHERS = ("support_centre", "regulator", "monitor", "oversight", "platform", "carrier", "outsider")


@pytest.fixture
def item(cast: Cast) -> Item:
    return admitted_item(cast, "boat")


def say(cast: Cast, item: Item, status: Status, reference: str = "") -> None:
    services.state_case(cast.police.actor, item_id=item.pk, status=status, reference=reference)


def match(cast: Cast, client: Client) -> None:
    one = {"id": str(uuid.uuid4()), "list": "main", "position": 0, "algorithm": "pdq", "distance_bits": 3}
    answer = cast.platform.post(client, "matches", {"matches": [{**one, "at": "2026-01-02T03:04:05Z"}]})
    assert answer.status_code == 200


def test_it_is_said_and_read_over_the_api(item: Item, cast: Cast, client: Client) -> None:
    path = f"items/{item.pk}/case"
    assert cast.police.get(client, path).json()["status"] is None
    cast.police.post(client, path, {"status": "being_identified", "reference": "17/2026"})
    cast.police.post(client, path, {"status": "identified", "reference": "17/2026"})
    told = cast.police.get(client, path).json()
    assert (told["status"], told["unit"], told["reference"]) == ("identified", "police", "17/2026")
    assert CaseAct.objects.count() == 2
    acts = AuditRecord.objects.filter(subject=f"item:{item.pk}", act__startswith="case").order_by("pk")
    assert [one.act for one in acts] == ["case stated", "case stated", "case read"]
    assert not any("identified" in one.detail or "17/2026" in one.detail for one in acts)


@pytest.mark.parametrize("name", OTHERS)
def test_nobody_else_reads_or_says_it(name: str, item: Item, cast: Cast, client: Client) -> None:
    say(cast, item, "identified")
    member = cast.member(name)
    assert member.get(client, f"items/{item.pk}/case").status_code == 403
    assert member.post(client, f"items/{item.pk}/case", {"status": "unidentified"}).status_code == 403
    with pytest.raises(NotForThisKindError):
        services.read_case(member.actor, item_id=item.pk)
    with pytest.raises(NotForThisKindError):
        services.state_case(member.actor, item_id=item.pk, status="unidentified")
    assert CaseAct.objects.count() == 1
    if name in {"support_centre", "regulator", "monitor", "oversight"}:
        assert "case" not in member.get(client, f"items/{item.pk}").json()


@pytest.mark.parametrize("body", [{"status": "found"}, {}, {"status": "identified", "reference": "a@b.example"}])
def test_what_is_wrong_is_refused(body: dict[str, str], item: Item, cast: Cast, client: Client) -> None:
    assert cast.police.post(client, f"items/{item.pk}/case", body).status_code == 422
    assert not CaseAct.objects.exists()


def test_a_copy_of_the_database_tells_neither_status_nor_reference(item: Item, cast: Cast) -> None:
    say(cast, item, "identified", "17/2026")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM case_act")
        dumped = b" ".join(
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for value in cursor.fetchone()
        )
    assert b"identified" not in dumped
    assert b"17/2026" not in dumped


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_act SET unit_id = unit_id, at = now()",
        "UPDATE case_act SET sealed_status = ''",
        "DELETE FROM case_act",
    ],
)
def test_what_was_said_stays(statement: str, item: Item, cast: Cast) -> None:
    say(cast, item, "identified")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(("status", "told"), [("unidentified", 0), ("being_identified", 1), ("identified", 1)])
def test_a_match_tells_the_unit_once_until_it_looked(
    status: Status, told: int, item: Item, cast: Cast, client: Client
) -> None:
    say(cast, item, status)
    for _ in range(3):
        match(cast, client)
    assert CaseNotice.objects.count() == told
    rows = AuditRecord.objects.filter(act="case unit told of a match")
    assert [row.organisation for row in rows] == [cast.police.organisation.pk] * told
    services.mark_read(cast.police.actor, item_id=item.pk)
    assert not unread_notices(cast.police.organisation.pk).exists()
    match(cast, client)
    assert CaseNotice.objects.count() == 2 * told


def test_the_unit_that_spoke_last_holds_the_case(item: Item, cast: Cast, client: Client) -> None:
    other = Organisation.objects.create(slug="unit-2", name="Unit 2", kind="police")
    say(cast, item, "being_identified")
    services.state_case(Actor(organisation=other.pk, source="test"), item_id=item.pk, status="identified")
    match(cast, client)
    assert CaseNotice.objects.get().unit == other
