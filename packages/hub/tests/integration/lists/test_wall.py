"""The last wall: what the services would never write is refused by PostgreSQL itself, tried straight in SQL."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from staydown_hub.lists.body import canonical, instant
from staydown_hub.lists.models import Entry, SharedList
from staydown_hub.registry.models import Assessment, Item
from staydown_hub.registry.services import report_item
from staydown_hub.rules.fingerprints import Fingerprint
from staydown_hub.sealing.tree import leaf_hash

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, pdq_of, prints_of, report, sha256_of, wire

_INSERT = """
    INSERT INTO entry (shared_list_id, position, operation, item_id, carried_by, salt, body, leaf_hash, at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_SALT = bytes(range(32))


def insert_entry(
    item: Item,
    /,
    *,
    position: int = 0,
    operation: str = "admit",
    carried_by: list[int] | None = None,
    rewrite: tuple[str, str] = ("", ""),
    **said: object,
) -> None:
    """Write an entry past all Python, by default the one that would be right.

    `said` replaces fields of its body; then `rewrite` replaces one part of its text by another.
    """
    at = datetime.now(UTC)
    carriers = current_positive(item) if carried_by is None else carried_by
    fields: dict[str, object] = {"operation": operation, "item": str(item.pk), "at": instant(at)}
    if operation != "withdraw":
        fields |= content_of(item, carriers)
    text = canonical({name: value for name, value in (fields | said).items() if value is not None})
    assert rewrite[0] in text
    text = text.replace(*rewrite, 1)
    main, leaf = SharedList.objects.get(slug="main"), leaf_hash(_SALT, text)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_INSERT, [main.pk, position, operation, item.pk, carriers, _SALT, text, leaf, at])


def current_positive(item: Item) -> list[int]:
    rows = Assessment.objects.filter(item=item, superseded_at=None).exclude(code="NONE")
    return list(rows.order_by("pk").values_list("pk", flat=True))


def content_of(item: Item, carriers: list[int]) -> dict[str, Any]:
    rows = Assessment.objects.filter(pk__in=carriers).select_related("organisation")
    return {
        "kind": item.kind,
        "fingerprints": wire(sorted(prints_of("boat"))),
        "categories": sorted({row.code for row in rows}),
        "advice": "block",
        "admitted_by": sorted({row.organisation.kind for row in rows}),
    }


def waiting_item(cast: Cast, *, second: str = "police") -> Item:
    """Return an item with two good assessments that the services did not see: an insert by hand is then right."""
    report(cast.support_centre, "boat", code="TEST")
    assess(cast.monitor, "boat", code="NONE")
    item = assess(cast.member(second), "boat", code="TEST")
    Assessment.objects.filter(item=item, code="NONE").update(superseded_at=datetime.now(UTC))
    return item


def refused(act: Callable[[], None], *, why: str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        act()


def test_a_right_entry_is_taken(cast: Cast) -> None:
    insert_entry(waiting_item(cast))
    assert Entry.objects.get().operation == "admit"


def test_one_assessment_does_not_admit(cast: Cast) -> None:
    item = report(cast.police, "boat", code="TEST")
    refused(lambda: insert_entry(item), why="do not meet the rule")


def test_no_assessment_does_not_admit(cast: Cast) -> None:
    item = report(cast.police, "boat")
    refused(lambda: insert_entry(item), why="do not meet the rule")
    refused(lambda: insert_entry(item, categories=None, admitted_by=None), why="do not meet the rule")


def test_two_assessments_of_one_organisation_do_not_admit(cast: Cast) -> None:
    report(cast.support_centre, "boat", code="TEST")
    item = assess(cast.support_centre, "boat", code="A1")
    both = list(Assessment.objects.filter(item=item).values_list("pk", flat=True))
    refused(lambda: insert_entry(item, carried_by=both), why="do not meet the rule")


def test_the_same_assessment_twice_does_not_admit(cast: Cast) -> None:
    item = report(cast.support_centre, "boat", code="TEST")
    [only] = current_positive(item)
    refused(lambda: insert_entry(item, carried_by=[only, only]), why="do not meet the rule")


def test_another_items_assessments_do_not_admit(cast: Cast) -> None:
    other = admitted_item(cast, "tree")
    item = report(cast.monitor, "boat")
    refused(lambda: insert_entry(item, position=1, carried_by=current_positive(other)), why="do not meet the rule")


def test_no_required_kind_does_not_admit(cast: Cast) -> None:
    report(cast.monitor, "boat", code="TEST")
    item = assess(cast.regulator, "boat", code="TEST")
    refused(lambda: insert_entry(item), why="do not meet the rule")


def test_a_dispute_does_not_admit(cast: Cast) -> None:
    report(cast.support_centre, "boat", code="TEST")
    assess(cast.regulator, "boat", code="NONE")
    item = assess(cast.police, "boat", code="TEST")
    refused(lambda: insert_entry(item), why="does not qualify")


def test_a_superseded_assessment_does_not_admit(cast: Cast) -> None:
    item = waiting_item(cast)
    carriers = current_positive(item)
    Assessment.objects.filter(pk=carriers[0]).update(superseded_at=datetime.now(UTC))
    refused(lambda: insert_entry(item, carried_by=carriers), why="do not meet the rule")


@pytest.mark.parametrize("extra", [sha256_of("cat"), pdq_of("cat")])
def test_what_only_platforms_vouched_for_is_refused(cast: Cast, extra: Fingerprint) -> None:
    item = admitted_item(cast, "boat")
    for member in (cast.platform, cast.another_platform):
        report_item(member.actor, kind="picture", fingerprints=(*prints_of("boat"), extra))
    assert Entry.objects.count() == 1, "the services do not list it either"
    smuggled = [*wire(prints_of("boat")), extra.wire()]
    refused(
        lambda: insert_entry(item, operation="amend", position=1, fingerprints=smuggled), why="one of a required kind"
    )


@pytest.mark.parametrize("extra", [sha256_of("cat"), pdq_of("cat"), sha256_of("never supplied")])
def test_a_fingerprint_nobody_else_vouched_for_is_refused(cast: Cast, extra: Fingerprint) -> None:
    report(cast.support_centre, "boat")
    report_item(cast.police.actor, kind="picture", fingerprints=(*prints_of("boat"), sha256_of("cat"), pdq_of("cat")))
    item = Item.objects.get()
    Assessment.objects.create(item=item, organisation=cast.police.organisation, scheme="baseline-1", code="TEST")
    Assessment.objects.create(
        item=item, organisation=cast.support_centre.organisation, scheme="baseline-1", code="TEST"
    )
    smuggled = [*wire(prints_of("boat")), extra.wire()]
    refused(lambda: insert_entry(item, fingerprints=smuggled), why="not supplied by two organisations")


@pytest.mark.parametrize("quality", [0, 49, 101])
def test_a_pdq_of_poor_or_impossible_quality_is_refused(cast: Cast, quality: int) -> None:
    item = waiting_item(cast)
    shown = [{**pdq_of("boat").wire(), "quality": quality}]
    refused(lambda: insert_entry(item, fingerprints=shown), why="not supplied by two organisations")


def test_a_pdq_that_one_of_two_supplied_in_poor_quality_is_refused(cast: Cast) -> None:
    report_item(cast.monitor.actor, kind="picture", fingerprints=(sha256_of("boat"), pdq_of("fog", quality=49)))
    report_item(cast.platform.actor, kind="picture", fingerprints=(sha256_of("boat"), pdq_of("fog", quality=90)))
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, fingerprints=[pdq_of("fog").wire()]), why="not supplied by two organisations")


@pytest.mark.parametrize("fingerprints", [[], None, {}, "none", [{}], [{"algorithm": "sha256"}], [None]])
def test_an_entry_without_fingerprints_is_refused(cast: Cast, fingerprints: object) -> None:
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, fingerprints=fingerprints), why="refused")


def test_a_body_that_says_more_is_refused(cast: Cast) -> None:
    """The list is not a directory: no address can ride along in an entry."""
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, url="https://host.example/"), why="a field that entries do not have")
    riding = [{**one, "seen": "https://host.example/"} for one in wire(prints_of("boat"))]
    refused(lambda: insert_entry(item, fingerprints=riding), why="a fingerprint in it is not written")


def test_what_was_reported_without_a_judgement_is_refused(cast: Cast) -> None:
    """Two organisations supplied it, one of them police; but nobody judged what it belongs to."""
    item = admitted_item(cast, "boat")
    extra = sha256_of("cat")
    for member in (cast.police, cast.support_centre, cast.monitor):
        report_item(member.actor, kind="picture", fingerprints=(*prints_of("boat"), extra))
    smuggled = [*wire(prints_of("boat")), extra.wire()]
    refused(
        lambda: insert_entry(item, operation="amend", position=1, fingerprints=smuggled),
        why="not supplied by two organisations",
    )


def poisoned(**part: object) -> list[dict[str, object]]:
    return [{**pdq_of("boat").wire()}, {**sha256_of("boat").wire(), **part}]


@pytest.mark.parametrize(
    "fingerprints",
    [
        poisoned(value=sha256_of("boat").value.hex().upper()),
        poisoned(value=sha256_of("boat").value.hex(" ")),
        poisoned(value=sha256_of("boat").value.hex() + "\n"),
        poisoned(value="\\x" + sha256_of("boat").value.hex()),
        poisoned(quality=None),
        poisoned(quality=100),
        [{**pdq_of("boat").wire(), "quality": "100"}],
        [{**pdq_of("boat").wire(), "quality": 100.0}],
        [{**pdq_of("boat").wire(), "quality": -1}],
        [{**pdq_of("boat").wire(), "quality": None}],
    ],
)
def test_a_fingerprint_that_filters_cannot_read_is_refused(cast: Cast, fingerprints: list[dict[str, object]]) -> None:
    """One such entry would stop every filter that follows the list."""
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, fingerprints=fingerprints), why="a fingerprint in it is not written")


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (',"kind"', ',\n"kind"'),
        (',"kind"', ', "kind"'),
        ('"kind":"picture"', '"kind":"picture","kind":"picture"'),
        ('"block"', '"\\u0062lock"'),
        ('"quality":100', '"quality":1e2'),
        ("}", "}\t"),
        ('{"admitted_by"', ' {"admitted_by"'),
    ],
)
def test_a_body_that_is_not_canonical_is_refused(cast: Cast, part: str, other: str) -> None:
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, rewrite=(part, other)), why="its body is not written as filters read it")


def test_fingerprints_that_are_unsorted_or_named_twice_are_refused(cast: Cast) -> None:
    item = waiting_item(cast)
    ordered = wire(sorted(prints_of("boat")))
    refused(lambda: insert_entry(item, fingerprints=ordered[::-1]), why="its body is not written as filters read it")
    refused(lambda: insert_entry(item, fingerprints=[ordered[0], *ordered]), why="names a fingerprint twice")


def test_an_entry_that_is_too_heavy_for_filters_is_refused(cast: Cast) -> None:
    item = waiting_item(cast)
    many = wire([sha256_of(str(number)) for number in range(513)])
    refused(lambda: insert_entry(item, fingerprints=many), why="more fingerprints than filters take")


@pytest.mark.parametrize(
    "other",
    [{"categories": ["A1"]}, {"admitted_by": ["regulator"]}, {"advice": "allow"}, {"advice": None}, {"kind": "video"}],
)
def test_a_body_that_says_other_than_its_assessments_is_refused(cast: Cast, other: dict[str, Any]) -> None:
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, **other), why="says other than its assessments")


@pytest.mark.parametrize(
    "other",
    [{"item": "00000000-0000-4000-8000-000000000000"}, {"at": "2020-01-01T00:00:00.000000Z"}, {"at": None}],
)
def test_a_body_that_says_other_than_its_columns_is_refused(cast: Cast, other: dict[str, Any]) -> None:
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, **other), why="says other than its columns")


@pytest.mark.parametrize("position", [-1, 1, 2, 10**12])
def test_any_position_but_the_next_is_refused(cast: Cast, position: int) -> None:
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, position=position), why="the next position of its list is 0")


def test_a_position_is_never_given_twice(cast: Cast) -> None:
    admitted_item(cast, "tree")
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, position=0), why="the next position of its list is 1")


def test_an_item_on_the_list_is_not_admitted_again(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    refused(lambda: insert_entry(item, position=1), why="admitted when it is not on the list")


@pytest.mark.parametrize("operation", ["amend", "withdraw"])
def test_only_an_item_on_the_list_is_amended_or_withdrawn(cast: Cast, operation: str) -> None:
    item = waiting_item(cast)
    refused(lambda: insert_entry(item, operation=operation), why="admitted when it is not on the list")


def test_a_withdrawal_that_nobody_stands_behind_is_refused(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    refused(lambda: insert_entry(item, position=1, operation="withdraw"), why="the rule is still met")
    assess(cast.regulator, "boat", code="NONE")
    refused(lambda: insert_entry(item, position=1, operation="withdraw"), why="the rule is still met")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET position = 5",
        "UPDATE entry SET body = '{}'",
        "UPDATE entry SET at = now()",
        "UPDATE entry SET carried_by = '{}'",
        "DELETE FROM entry",
        "TRUNCATE entry CASCADE",
        "INSERT INTO entry SELECT * FROM entry ON CONFLICT (id) DO UPDATE SET position = 9",
    ],
)
def test_entries_cannot_be_changed_or_deleted(cast: Cast, statement: str) -> None:
    admitted_item(cast, "boat")
    before = list(Entry.objects.values())
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert list(Entry.objects.values()) == before


@pytest.mark.parametrize("statement", ["UPDATE shared_list SET minimum_organisations = 1"])
def test_no_list_can_ask_for_less_than_two(cast: Cast, statement: str) -> None:
    del cast
    with pytest.raises(DatabaseError, match="never_one_alone"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_stored_text_is_canonical(cast: Cast) -> None:
    item = admitted_item(cast, "boat").pk
    [entry] = Entry.objects.all()
    assert entry.item_id == item
    assert entry.body is not None
    assert canonical(json.loads(entry.body)) == entry.body
