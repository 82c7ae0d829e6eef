"""Every entry is compared with its audit record: who rewrites the log behind the triggers' back is found out."""

from collections.abc import Iterator

import pytest
from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.audit.queries import verify
from staydown_hub.lists.accounting import problems
from staydown_hub.lists.models import Entry

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess


@pytest.fixture
def entries(cast: Cast, committed_db: None) -> Iterator[None]:
    """Two entries and the withdrawal of the first, with the log's triggers taken off as its owner can."""
    del committed_db
    for name in ("boat", "rocket"):
        admitted_item(cast, name)
    assess(cast.police, "boat", code="NONE")
    assert Entry.objects.count() == 3
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")


def run(statement: str) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert verify().problems == (), "the audit log itself is untouched"
    return problems()


@pytest.mark.usefixtures("entries")
def test_an_untouched_list_agrees_with_its_records() -> None:
    assert problems() == ()


@pytest.mark.usefixtures("entries")
@pytest.mark.parametrize(
    "assignment",
    [
        "body = replace(body, 'TEST', 'A1')",
        "body = body || ' '",
        "operation = 'amend'",
        "item_id = (SELECT item_id FROM entry WHERE position = 0)",
    ],
)
def test_a_changed_entry_is_found(assignment: str) -> None:
    found = run(f"UPDATE entry SET {assignment} WHERE position = 1")  # noqa: S608 -- from the table above
    assert found == ("list main: the entry at position 1 was changed after it was written",)


@pytest.mark.usefixtures("entries")
def test_an_entry_that_was_taken_out_is_found() -> None:
    found = run("DELETE FROM withdrawal; DELETE FROM entry WHERE position = 2")
    assert found == ("list main: the entry at position 2 is missing",)


@pytest.mark.usefixtures("entries")
def test_an_entry_that_was_slipped_in_is_found() -> None:
    found = run(
        "INSERT INTO entry (shared_list_id, position, operation, item_id, carried_by, salt, body, leaf_hash, at) "
        "SELECT shared_list_id, 3, operation, item_id, carried_by, salt, body, leaf_hash, at "
        "FROM entry WHERE position = 1"
    )
    assert found == ("list main: the entry at position 3 was never recorded",)


@pytest.mark.usefixtures("entries")
def test_a_second_record_does_not_cover_up_a_change() -> None:
    run("UPDATE entry SET body = body || ' ' WHERE position = 1")
    made = (
        "INSERT INTO audit_record (at, act, subject, detail, source) SELECT r.at, r.act, r.subject, "
        "json_build_object('list', 'main', 'position', 1, 'leaf_hash', encode(e.leaf_hash, 'base64'))::text"
        ", r.source FROM audit_record r JOIN entry e ON 'item:' || e.item_id = r.subject AND e.position = 1 "
        "WHERE r.act = 'entry admitted'"
    )
    assert run(made) == (
        "list main: position 1 is recorded more than once",
        "list main: the entry at position 1 was changed after it was written",
    )


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("detail", ["", "[]", "{}", '{"list":"main","position":"x","leaf_hash":""}'])
def test_a_record_that_names_no_entry_is_found(detail: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_record (at, act, subject, detail, source) "
            "VALUES (now(), 'entry admitted', 'x', %s, 'x')",
            [detail],
        )
    assert AuditRecord.objects.count() == 1
    assert problems() == ("a record of an entry does not say which",)
