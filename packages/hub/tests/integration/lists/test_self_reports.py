"""The list of self-reports: the one exception to two organisations, and the walls that keep it one."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists import deciding
from staydown_hub.lists.body import canonical, instant
from staydown_hub.lists.errors import NoSelfReportListError, NotASupportCentreError, NotYoursToDecideError
from staydown_hub.lists.jobs import end_expired_self_reports
from staydown_hub.lists.models import Entry, SelfReport, SharedList
from staydown_hub.lists.queries import standing_of
from staydown_hub.registry.models import Item
from staydown_hub.registry.relaying import RelayedReport, relay_self_report
from staydown_hub.rules.fingerprints import Fingerprint
from staydown_hub.sealing.tree import leaf_hash
from staydown_hub.takedowns.models import Request

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import assess, pdq_of, prints_of, report, sha256_of, wire
from packages.hub.tests.people import self_report_list


@pytest.fixture(autouse=True)
def held_list(cast: Cast) -> SharedList:
    """Give the hub the list."""
    del cast
    return self_report_list()


def relay(member: Member, name: str = "boat", *more: Fingerprint) -> RelayedReport:
    return relay_self_report(member.actor, kind="picture", fingerprints=(*prints_of(name), *more))


def operations() -> list[tuple[str, str]]:
    return list(Entry.objects.order_by("pk").values_list("shared_list__slug", "operation"))


def test_a_self_report_holds_and_never_blocks(cast: Cast) -> None:
    report(cast.monitor, "boat", urls=["https://host.example/boat.jpg"])
    found = relay(cast.support_centre)
    body = json.loads(Entry.objects.get().body or "")
    assert (body["advice"], body["categories"], body["admitted_by"]) == ("hold", ["SELF"], ["support_centre"])
    assert body["fingerprints"] == wire(sorted(prints_of("boat")))
    assert standing_of(found.item).status == "held"
    assert found.expires_at - timezone.now() <= timedelta(days=30)
    assert not Request.objects.exists(), "nobody is asked to remove what nobody has judged"


def test_only_a_support_centre_relays(cast: Cast) -> None:
    for name in ("police", "monitor", "platform", "regulator"):
        with pytest.raises(NotASupportCentreError):
            relay(cast.member(name))
    assert operations() == []
    assert not Item.objects.exists(), "nothing of it was kept"


def test_without_the_list_nothing_is_taken(cast: Cast, held_list: SharedList) -> None:
    held_list.delete()
    with pytest.raises(NoSelfReportListError):
        relay(cast.support_centre)


def test_it_ends_when_the_item_is_admitted(cast: Cast) -> None:
    relay(cast.support_centre)
    assess(cast.support_centre, "boat", code="TEST")
    item = assess(cast.police, "boat", code="TEST")
    assert operations() == [("self-reported", "admit"), ("main", "admit"), ("self-reported", "withdraw")]
    assert standing_of(item.pk).status == "admitted"


def test_it_ends_when_somebody_judges_that_it_does_not_qualify(cast: Cast) -> None:
    relay(cast.support_centre)
    item = assess(cast.police, "boat", code="NONE")
    assert operations() == [("self-reported", "admit"), ("self-reported", "withdraw")]
    assert standing_of(item.pk).status == "disputed"


def test_its_centre_alone_takes_it_back(cast: Cast) -> None:
    found = relay(cast.support_centre)
    with pytest.raises(NotYoursToDecideError):
        deciding.end_self_report(cast.police.actor, report_id=found.identifier)
    deciding.end_self_report(cast.support_centre.actor, report_id=found.identifier)
    assert standing_of(found.item).status == "open"
    assert operations()[-1] == ("self-reported", "withdraw")
    relay(cast.support_centre)
    assert standing_of(found.item).status == "held"


def expire(report_id: UUID) -> None:
    """Let the time of a report pass, as only the tables' owner can make it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE self_report DISABLE TRIGGER USER")
        cursor.execute("UPDATE self_report SET expires_at = now() - interval '1 s' WHERE id = %s", [report_id])
        cursor.execute("ALTER TABLE self_report ENABLE TRIGGER USER")


def test_it_expires_by_itself(cast: Cast) -> None:
    found, other = relay(cast.support_centre), relay(cast.support_centre, "tree")
    expire(found.identifier)
    end_expired_self_reports()
    assert standing_of(found.item).status == "open"
    assert standing_of(other.item).status == "held"
    assert AuditRecord.objects.filter(act="self-report expired").count() == 1
    end_expired_self_reports()
    assert operations().count(("self-reported", "withdraw")) == 1


def test_it_vouches_for_nothing_on_an_ordinary_list(cast: Cast) -> None:
    """One assessment and a self-report are not two assessments, and its fingerprints ride on no other entry."""
    relay(cast.support_centre, "boat", sha256_of("cat"))
    item = assess(cast.police, "boat", code="TEST")
    assert operations() == [("self-reported", "admit")]
    report(cast.support_centre, "boat", code="TEST")
    main = json.loads(Entry.objects.get(shared_list__slug="main").body or "")
    assert sha256_of("cat").wire() not in main["fingerprints"]
    assert standing_of(item.pk).status == "admitted"


def test_what_others_attach_is_not_held(cast: Cast) -> None:
    relay(cast.support_centre)
    for member in (cast.platform, cast.police, cast.monitor):
        report(member, "boat")
    assert operations() == [("self-reported", "admit")]


_INSERT = """
    INSERT INTO entry (shared_list_id, position, operation, item_id, carried_by, salt, body, leaf_hash, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def insert_entry(where: SharedList, item: object, *, operation: str = "admit", **said: Any) -> None:  # noqa: ANN401 -- JSON
    """Write an entry past all Python: the one that a self-report of the boat would make, but for what is said."""
    at = timezone.now()
    fields: dict[str, object] = {"operation": operation, "item": str(item), "at": instant(at)}
    if operation != "withdraw":
        fields |= {
            "kind": "picture",
            "fingerprints": wire(sorted(prints_of("boat"))),
            "categories": ["SELF"],
            "advice": "hold",
            "admitted_by": ["support_centre"],
        }
    position, carriers = said.pop("position", 0), said.pop("carried_by", [])
    text, salt = canonical(fields | said), bytes(32)
    row = [where.pk, position, operation, item, carriers, salt, text, leaf_hash(salt, text), at]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INSERT, row)


@pytest.fixture
def reported_only(cast: Cast, held_list: SharedList) -> Item:
    """Make a report that holds, of which the services make no entry: by hand it would be right."""
    item = report(cast.support_centre, "boat")
    held_list.delete()
    SharedList.objects.create(
        slug="later", name="Later", required_kinds=[], codes=[], audience_kinds=[], basis="self_reports", advice="hold"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO self_report (id, item_id, organisation_id, at, expires_at) "
            "VALUES (gen_random_uuid(), %s, %s, now(), now() + interval '1 day')",
            [item.pk, cast.support_centre.organisation.pk],
        )
        cursor.execute(
            "INSERT INTO self_report_fingerprint (self_report_id, fingerprint_id, quality) "
            "SELECT r.id, f.id, f.quality FROM self_report r JOIN fingerprint f USING (item_id)"
        )
    return item


def later() -> SharedList:
    return SharedList.objects.get(slug="later")


def test_a_right_entry_is_taken(reported_only: Item) -> None:
    insert_entry(later(), reported_only.pk)
    assert Entry.objects.get().operation == "admit"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"advice": "block"}, "says other than a report can"),
        ({"categories": ["A1"]}, "says other than a report can"),
        ({"categories": []}, "says other than a report can"),
        ({"admitted_by": ["police", "support_centre"]}, "says other than a report can"),
        ({"kind": "video"}, "says other than a report can"),
        ({"url": "https://host.example/"}, "a field that entries do not have"),
        ({"fingerprints": wire([sha256_of("cat")])}, "did not come with the report"),
        ({"fingerprints": wire([pdq_of("boat", flipped_bits=3)])}, "did not come with the report"),
        ({"fingerprints": wire([pdq_of("boat", quality=99)])}, "did not come with the report"),
        ({"fingerprints": []}, "names no fingerprint"),
        ({"carried_by": [1]}, "no assessment carries"),
    ],
)
def test_the_database_holds_nothing_else(reported_only: Item, said: dict[str, Any], why: str) -> None:
    with pytest.raises(DatabaseError, match=why):
        insert_entry(later(), reported_only.pk, **said)


def test_a_self_report_puts_nothing_on_an_ordinary_list(reported_only: Item) -> None:
    """The wall of every other list is what it was: two organisations' assessments."""
    main = SharedList.objects.get(slug="main")
    for said in ({}, {"advice": "block"}, {"advice": "block", "categories": ["TEST"]}):
        with pytest.raises(DatabaseError, match="its assessments do not meet the rule"):
            insert_entry(main, reported_only.pk, **said)


def test_without_a_report_that_holds_nothing_is_taken(cast: Cast, reported_only: Item) -> None:
    other = report(cast.support_centre, "tree")
    with pytest.raises(DatabaseError, match="no report holds it"):
        insert_entry(later(), other.pk)
    expire(SelfReport.objects.get().pk)
    with pytest.raises(DatabaseError, match="no report holds it"):
        insert_entry(later(), reported_only.pk)


def test_a_hold_that_stands_is_not_withdrawn(reported_only: Item) -> None:
    insert_entry(later(), reported_only.pk)
    with pytest.raises(DatabaseError, match="a report still holds it"):
        insert_entry(later(), reported_only.pk, operation="withdraw", position=1)
    expire(SelfReport.objects.get().pk)
    insert_entry(later(), reported_only.pk, operation="withdraw", position=1)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE shared_list SET basis = 'self_reports', advice = 'hold' WHERE slug = 'main'", "basis and the advice"),
        ("UPDATE shared_list SET advice = 'block' WHERE slug = 'later'", "basis and the advice|only_holds"),
        ("UPDATE shared_list SET basis = 'assessments' WHERE slug = 'later'", "basis and the advice"),
        (
            """INSERT INTO shared_list (id, slug, name, minimum_organisations, minimum_votes, required_kinds, codes,
            audience_kinds, log_origin, log_keys, basis, advice) VALUES (gen_random_uuid(), 'x', 'X', 2, 0, '{}', '{}',
            '{}', '', '{}', 'self_reports', 'block')""",
            "only_holds",
        ),
        (
            """INSERT INTO self_report (id, item_id, organisation_id, at, expires_at) SELECT gen_random_uuid(), i.id,
            o.id, now(), now() + interval '1 day' FROM item i, organisation o WHERE o.slug = 'police'""",
            "only a support centre",
        ),
        (
            """INSERT INTO self_report (id, item_id, organisation_id, at, expires_at) SELECT gen_random_uuid(), i.id,
            o.id, now(), now() + interval '31 days' FROM item i, organisation o WHERE o.slug = 'support_centre'""",
            "30 days at most",
        ),
        ("UPDATE self_report SET expires_at = expires_at + interval '1 day'", "only be ended"),
        (
            "UPDATE self_report SET organisation_id = (SELECT id FROM organisation WHERE slug = 'police')",
            "only be ended",
        ),
        ("DELETE FROM self_report", "refused|append-only"),
        ("UPDATE self_report_fingerprint SET quality = 100", "refused|append-only"),
    ],
)
@pytest.mark.usefixtures("reported_only")
def test_the_exception_cannot_be_widened(statement: str, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
