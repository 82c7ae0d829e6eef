"""Redaction: texts and salts go, leaves stay, and the item needs to be judged anew."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists import queries, services
from staydown_hub.lists.accounting import problems
from staydown_hub.lists.body import canonical, instant
from staydown_hub.lists.errors import NotConfirmedError, NothingToRedactError, UnknownPositionError
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.registry.models import Item
from staydown_hub.registry.services import report_item
from staydown_hub.sealing.tree import leaf_hash

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, prints_of, report, sha256_of

SALT = bytes(range(32))


def redact(cast: Cast, position: int, *confirmers: str) -> Entry:
    members = [cast.member(name) for name in confirmers or ("police", "support_centre")]
    return services.redact(
        shared_list=SharedList.objects.get(slug="main"),
        position=position,
        reason="A mistake.",
        confirmed_by=[services.Confirmation(one.organisation.pk, one.organisation.pk) for one in members],
        source="test",
    )


def amended_item(cast: Cast) -> Item:
    """Return an item that is admitted at position 0 and amended at position 1."""
    item = admitted_item(cast, "boat")
    for member in (cast.police, cast.support_centre):
        prints = (*prints_of("boat"), sha256_of("cat"))
        report_item(member.actor, kind="picture", fingerprints=prints, code="A1")
    assert Entry.objects.get(position=1).operation == "amend"
    return item


def refused(act: Callable[[], object], *, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        act()


def run(statement: str, values: Sequence[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def insert_redaction(item: Item, /, *, position: int, positions: object, salt: bytes = SALT, **said: object) -> None:
    """Write a redaction past all Python, by default the one that would be right."""
    at = datetime.now(UTC)
    fields: dict[str, Any] = {"operation": "redact", "item": str(item.pk), "positions": positions, "at": instant(at)}
    body = canonical(fields | said)
    run(
        "INSERT INTO entry (shared_list_id, position, operation, item_id, carried_by, salt, body, leaf_hash, at) "
        "SELECT id, %s, 'redact', %s, '{}', %s, %s, %s, %s FROM shared_list WHERE slug = 'main'",
        [position, item.pk, salt, body, leaf_hash(SALT, body), at],
    )


def test_texts_and_salts_go_and_leaves_stay(cast: Cast) -> None:
    item = amended_item(cast)
    admitted_item(cast, "tree")
    last = Entry.objects.count()
    before = list(Entry.objects.order_by("position").values("position", "leaf_hash", "carried_by", "at", "operation"))
    entry = redact(cast, 0)
    assert (entry.position, entry.operation) == (last, "redact")
    positions = list(
        Entry.objects.filter(item=item, operation__in=("admit", "amend")).values_list("position", flat=True)
    )
    assert json.loads(entry.body or "") == {
        "operation": "redact",
        "item": str(item.pk),
        "positions": sorted(positions),
        "at": instant(entry.at),
    }
    erased = Entry.objects.filter(position__in=positions)
    assert set(erased.values_list("body", "salt")) == {(None, None)}
    assert not Entry.objects.exclude(position__in=positions).filter(body=None).exists()
    after = Entry.objects.filter(position__lt=last).order_by("position")
    assert list(after.values("position", "leaf_hash", "carried_by", "at", "operation")) == before
    assert problems() == ()
    assert not queries.is_in_force(item.pk)
    assert queries.standing_of(item.pk).status == "withdrawn"
    assert queries.content_in_force(SharedList.objects.get(slug="main"), item.pk) is None


def test_nothing_of_the_text_is_left_in_the_audit_log(cast: Cast) -> None:
    admitted_item(cast, "boat")
    admission = AuditRecord.objects.get(act="entry admitted")
    assert json.loads(admission.detail).keys() == {"list", "position", "leaf_hash"}, "the leaf's hash covers the salt"


def test_what_was_judged_before_does_not_bring_the_item_back(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    redact(cast, 0)
    report(cast.monitor, "boat", code="TEST")
    assess(cast.police, "boat", code="TEST")
    assert Entry.objects.count() == 2
    for member in (cast.police, cast.support_centre):
        assess(member, "boat", code="A1")
    assert Entry.objects.get(position=2).operation == "admit"
    assert queries.is_in_force(item.pk)
    assess(cast.police, "boat", code="NONE")
    assess(cast.monitor, "boat", code="NONE")
    assert Entry.objects.get(position=3).operation == "withdraw", "what was judged before does not keep it either"
    assert redact(cast, 2).position == 4
    assert problems() == ()


def test_a_withdrawn_item_can_be_redacted_too(cast: Cast) -> None:
    admitted_item(cast, "boat")
    assess(cast.police, "boat", code="NONE")
    assert redact(cast, 1).position == 2
    assert Entry.objects.get(position=0).body is None
    assert Entry.objects.get(position=1).body is not None


def test_it_needs_two_organisations_and_something_to_erase(cast: Cast) -> None:
    admitted_item(cast, "boat")
    with pytest.raises(NotConfirmedError):
        redact(cast, 0, "police", "police")
    with pytest.raises(UnknownPositionError):
        redact(cast, 1)
    redact(cast, 0)
    with pytest.raises(NothingToRedactError):
        redact(cast, 0)
    with pytest.raises(UnknownPositionError):
        redact(cast, 1)


def test_a_right_redaction_in_sql_erases_by_itself(cast: Cast) -> None:
    insert_redaction(admitted_item(cast, "boat"), position=1, positions=[0])
    assert Entry.objects.values_list("body", "salt").get(position=0) == (None, None)


@pytest.mark.parametrize("positions", [[], [1], [0, 1], [0, 0], ["0"], 0, None])
def test_a_redaction_names_exactly_the_texts_that_are_there(cast: Cast, positions: object) -> None:
    item = admitted_item(cast, "boat")
    admitted_item(cast, "tree")
    refused(lambda: insert_redaction(item, position=2, positions=positions), why="names other positions")


def test_a_redaction_says_nothing_else(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    refused(lambda: insert_redaction(item, position=1, positions=[0], why="x"), why="a field that redactions do not")
    refused(lambda: insert_redaction(item, position=1, positions=[0], item="x"), why="says other than its columns")
    refused(lambda: insert_redaction(item, position=1, positions=[0], salt=SALT[:-1]), why="leaf hash is not that")
    refused(lambda: insert_redaction(item, position=1, positions=[0], salt=bytes(32)), why="leaf hash is not that")


@pytest.mark.parametrize(
    "assignment",
    [
        "body = NULL, salt = NULL",
        "body = NULL",
        "salt = NULL",
        "body = '{}', salt = NULL",
        "leaf_hash = sha256('x')",
        "salt = sha256('x')",
        "body = NULL, salt = NULL, leaf_hash = sha256('x')",
        "body = NULL, salt = NULL, operation = 'withdraw'",
    ],
)
def test_nothing_but_a_redaction_erases(cast: Cast, assignment: str) -> None:
    amended_item(cast)
    redact(cast, 0)
    admitted_item(cast, "tree")
    before = list(Entry.objects.order_by("position").values())
    for position in range(len(before)):
        # from the table above
        refused(lambda at=position: run(f"UPDATE entry SET {assignment} WHERE position = {at}"), why="append-only")  # type: ignore[misc]  # noqa: S608
    assert list(Entry.objects.order_by("position").values()) == before
