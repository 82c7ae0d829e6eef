"""The audit log: sealed at commit, refused to change, and found out when it was changed all the same."""

import pytest
from django.db import DatabaseError, connection, transaction
from staydown_hub.audit.chain import Head
from staydown_hub.audit.models import AuditRecord, AuditSeal
from staydown_hub.audit.queries import records_about, verify
from staydown_hub.audit.services import SensitiveDetailError, record

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.audit.conftest import Tamper, write

pytestmark = pytest.mark.usefixtures("committed_db")


def test_a_whole_chain_verifies() -> None:
    write(5)
    found = verify()
    assert (found.seals, found.problems) == (5, ())
    assert found.head is not None
    assert found.head.position == 4


def test_an_empty_chain_verifies() -> None:
    assert verify().problems == ()
    assert verify().head is None


def test_rows_of_one_transaction_are_sealed_in_their_order() -> None:
    with transaction.atomic():
        ids = [record(act="thing done", subject=f"thing:{number}").pk for number in range(3)]
        assert AuditSeal.objects.count() == 0
    assert list(AuditSeal.objects.order_by("position").values_list("record_id", flat=True)) == ids


def test_what_is_rolled_back_leaves_neither_record_nor_gap() -> None:
    write(1)
    with transaction.atomic():
        record(act="thing done", subject="thing:lost")
        transaction.set_rollback(True)
    write(1)
    assert list(AuditSeal.objects.order_by("position").values_list("position", flat=True)) == [0, 1]
    assert verify().problems == ()


@pytest.mark.parametrize("table", ["audit_record", "audit_seal"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {}"])
def test_nothing_can_be_changed(table: str, statement: str) -> None:
    write(2)
    column = "act = 'other'" if table == "audit_record" else "position = position + 7"
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table, column))
    assert verify().seals == 2


@pytest.mark.parametrize(
    "assignment",
    [
        "act = 'nothing done'",
        "detail = '{}'",
        "at = at + interval '1 microsecond'",
        "organisation = '00000000-0000-4000-8000-000000000000'",
        "person = '00000000-0000-4000-8000-000000000000'",
        "subject = 'thing:9'",
        "source = 'nowhere'",
        "act = subject, subject = act",
    ],
)
def test_an_edit_is_found(tamper: Tamper, assignment: str) -> None:
    statement = f"UPDATE audit_record SET {assignment} WHERE subject = 'thing:1'"  # noqa: S608 -- from the table above
    assert tamper(statement) == ("position 1 was changed after it was sealed",)


def test_an_edit_sealed_anew_is_found_at_the_next_seal(tamper: Tamper) -> None:
    statement = "UPDATE audit_seal SET hash = sha256(hash) WHERE position = 1"
    assert "position 2 does not follow from what stands before it" in tamper(statement)


def test_a_deleted_record_is_found(tamper: Tamper) -> None:
    statement = "DELETE FROM audit_record WHERE subject = 'thing:1'"
    assert tamper(statement) == ("position 1 has lost its record",)


def test_a_gap_is_found(tamper: Tamper) -> None:
    problems = tamper("DELETE FROM audit_seal WHERE position = 1; DELETE FROM audit_record WHERE subject = 'thing:1'")
    assert problems == ("positions 1 to 1 are missing", "position 2 does not follow from what stands before it")


def test_a_missing_start_is_found(tamper: Tamper) -> None:
    problems = tamper("DELETE FROM audit_seal WHERE position = 0; DELETE FROM audit_record WHERE subject = 'thing:0'")
    assert problems[0] == "positions 0 to 0 are missing"


def test_a_closed_gap_is_found(tamper: Tamper) -> None:
    problems = tamper(
        "DELETE FROM audit_seal WHERE position = 1; DELETE FROM audit_record WHERE subject = 'thing:1';"
        "UPDATE audit_seal SET position = 1 WHERE position = 2"
    )
    assert "position 1 does not follow from what stands before it" in problems


def test_a_new_order_is_found(tamper: Tamper) -> None:
    problems = tamper(
        "UPDATE audit_seal SET position = 9 WHERE position = 1; UPDATE audit_seal SET position = 1 WHERE position = 2;"
        "UPDATE audit_seal SET position = 2 WHERE position = 9"
    )
    assert len(problems) >= 2


def test_records_exchanged_between_seals_are_found(tamper: Tamper) -> None:
    problems = tamper("UPDATE audit_seal SET record_id = (SELECT max(record_id) FROM audit_seal) WHERE position = 1")
    assert "position 1 was changed after it was sealed" in problems


def test_a_record_slipped_in_unsealed_is_found(tamper: Tamper) -> None:
    statement = "INSERT INTO audit_record (at, act, subject, detail, source) VALUES (now(), 'a', 'b', '{}', 'c')"
    assert tamper(statement) == ("1 records were never sealed",)


def test_a_cut_end_is_found_by_a_head_noted_before(tamper: Tamper) -> None:
    noted = verify().head
    problems = tamper("DELETE FROM audit_seal WHERE position = 2; DELETE FROM audit_record WHERE subject = 'thing:2'")
    assert problems == ()
    assert len(verify(known_head=noted).problems) == 1


def test_a_rewritten_end_is_found_by_a_head_noted_before() -> None:
    write(3)
    noted = verify().head
    assert noted is not None
    assert verify(known_head=Head(position=noted.position, hash=bytes(32))).problems != ()
    write(1)
    assert verify(known_head=noted).problems == ()


@pytest.mark.parametrize("said", ["https://host.example/a", "a" * 32, "see ftp://host", "0123456789ABCDEF" * 4])
def test_a_detail_never_holds_an_address_or_a_fingerprint(said: str) -> None:
    with pytest.raises(SensitiveDetailError):
        record(act="thing done", subject="thing:1", detail={"said": said})
    assert AuditRecord.objects.count() == 0


def test_every_act_leaves_its_record(cast: Cast) -> None:
    item = admitted_item(cast, "boat", urls=["https://host.example/a.jpg"])
    acts = list(records_about(f"item:{item.pk}").order_by("id").values_list("act", flat=True))
    assert acts[:4] == ["item reported", "item assessed", "item assessed", "entry admitted"]
    assert verify().problems == ()
    texts = " ".join(AuditRecord.objects.values_list("detail", flat=True))
    assert "host.example" not in texts
