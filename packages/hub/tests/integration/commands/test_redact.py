"""`lists redact` and what `audit verify` says of it and of the signed tree."""

import json
from pathlib import Path

import pytest
from django.db import connection
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists.models import Entry
from staydown_hub.organisations.models import Person
from staydown_hub.sealing.keys import FileKeys
from staydown_hub.sealing.signer import Signer, make_missing
from staydown_hub.sealing.tree import CompactRange

from packages.hub.tests.cast import Cast, make_cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.commands.conftest import Run

CONFIRMED = ("--confirmed-by", "ana@lantern.example", "--confirmed-by", "BEN@police.example")


@pytest.fixture
def cast(run: Run) -> Cast:
    del run
    cast = make_cast()
    for email, member in (
        ("ana@lantern.example", cast.support_centre),
        ("cleo@lantern.example", cast.support_centre),
        ("ben@police.example", cast.police),
    ):
        Person.objects.create(email=email, organisation=member.organisation, role="supervisor")
    Person.objects.create(email="dana@police.example", organisation=cast.police.organisation, role="assessor")
    Person.objects.create(email="gone@police.example", organisation=cast.police.organisation, is_active=False)
    return cast


def sign(folder: Path) -> None:
    """Sign the list as it stands, as the feed does."""
    store = FileKeys(folder, origin="hub.example")
    make_missing(folder, store, origin="hub.example", slugs=["main"])
    with Signer(folder, slug="main", origin="hub.example/main", store=store) as signer:
        signer.resume(CompactRange())
        signer.extend([bytes(one) for one in Entry.objects.order_by("position").values_list("leaf_hash", flat=True)])


def test_a_redaction_erases_what_two_organisations_people_confirm(run: Run, cast: Cast, tmp_path: Path) -> None:
    item = admitted_item(cast, "boat")
    admitted_item(cast, "tree")
    said = run("lists", "redact", "main", "0", "--reason", "A court asked for it.", *CONFIRMED, "--json")
    assert (said.status, said.err) == (0, "")
    assert json.loads(said.out) == {"list": "main", "position": 2, "item": str(item.pk)}
    assert Entry.objects.values_list("body", "salt").get(position=0) == (None, None)
    ordered = AuditRecord.objects.get(act="redaction ordered")
    people = sorted(
        str(one.pk) for one in Person.objects.filter(email__in=("ana@lantern.example", "ben@police.example"))
    )
    assert json.loads(ordered.detail) == {
        "list": "main",
        "position": 2,
        "reason": "A court asked for it.",
        "confirmed_by": people,
    }
    sign(tmp_path / "signing")
    assert json.loads(run("audit", "verify", "--json").out)["problems"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("main", "9", *CONFIRMED), "no admission at that position"),
        (("nowhere", "0", *CONFIRMED), "no such list"),
        (("main", "0", "--confirmed-by", "ana@lantern.example"), "two people of two organisations"),
        (("main", "0", *CONFIRMED[:2], "--confirmed-by", "cleo@lantern.example"), "takes somebody else"),
        (("main", "0", *CONFIRMED[:2], "--confirmed-by", "dana@police.example"), "not yours to see"),
        (("main", "0", *CONFIRMED[:2], "--confirmed-by", "gone@police.example"), "is nobody's"),
        (("main", "0", *CONFIRMED[:2], "--confirmed-by", "who@police.example"), "is nobody's"),
        (("main", "0", *CONFIRMED, "--reason", "see https://host.example"), "may not hold an address"),
        (("main", "0", *CONFIRMED, "--reason", " "), "--reason says why"),
    ],
)
def test_a_redaction_that_cannot_be_is_refused(run: Run, cast: Cast, words: tuple[str, ...], message: str) -> None:
    admitted_item(cast, "boat")
    said = run("lists", "redact", "--reason", "A mistake.", *words)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert message in said.err
    assert Entry.objects.get().body is not None


def test_a_tree_that_is_not_the_signed_one_is_found(run: Run, cast: Cast, tmp_path: Path) -> None:
    for name in ("boat", "tree"):
        admitted_item(cast, name)
    sign(tmp_path / "signing")
    assert run("audit", "verify").status == 0
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute("UPDATE entry SET leaf_hash = sha256('other'), salt = NULL, body = NULL WHERE position = 1")
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    said = json.loads(run("audit", "verify", "--json").out)
    assert said["problems"] == [
        "list main: the entry at position 1 was changed after it was written",
        "list main: its first 2 entries are not those that were signed",
        "list main: the text at position 1 is gone, and no redaction names it",
    ]


def test_a_list_shorter_than_the_signed_one_is_found(run: Run, cast: Cast, tmp_path: Path) -> None:
    admitted_item(cast, "boat")
    sign(tmp_path / "signing")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE entry DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM entry")
        cursor.execute("ALTER TABLE entry ENABLE TRIGGER USER")
    assert "list main: 1 entries were signed, and 0 are there" in run("audit", "verify").err
    (tmp_path / "signing/main/signed.json").write_text("")
    assert "is missing or damaged" in run("audit", "verify").err
