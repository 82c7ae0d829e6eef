"""The admission rule at work in the services: nobody admits alone, and everybody's view counts."""

import json

import pytest
from staydown_hub.lists import queries, services
from staydown_hub.lists.errors import NotCarriedByError, NotInForceError, UnknownPositionError
from staydown_hub.lists.models import Entry, SharedList, Withdrawal
from staydown_hub.registry.services import assess_item, report_item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, pdq_of, prints_of, report, sha256_of


def main_list() -> SharedList:
    return SharedList.objects.get(slug="main")


def text_of(entry: Entry) -> str:
    assert entry.body is not None
    return entry.body


def operations() -> list[str]:
    return list(Entry.objects.order_by("position").values_list("operation", flat=True))


def test_two_organisations_admit(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    entry = Entry.objects.get()
    body = json.loads(text_of(entry))
    assert entry.position == 0
    assert body == {
        "operation": "admit",
        "item": str(item.pk),
        "kind": "picture",
        "fingerprints": [one.wire() for one in sorted(prints_of("boat"))],
        "categories": ["TEST"],
        "advice": "block",
        "admitted_by": ["police", "support_centre"],
        "at": body["at"],
    }
    assert entry.body == json.dumps(body, sort_keys=True, separators=(",", ":"))
    assert queries.standing_of(item.pk).status == "admitted"


@pytest.mark.parametrize(
    ("first", "second"), [("police", "police"), ("regulator", "regulator"), ("support_centre", "support_centre")]
)
def test_one_organisation_alone_never_admits(cast: Cast, first: str, second: str) -> None:
    item = report(cast.monitor, "boat")
    for name in (first, second):
        assess(cast.member(name), "boat", code="TEST")
    assert queries.standing_of(item.pk).status == "waiting"
    assert operations() == []


def test_two_without_a_required_kind_do_not_admit(cast: Cast) -> None:
    report(cast.monitor, "boat", code="TEST")
    item = assess(cast.regulator, "boat", code="TEST")
    assert queries.standing_of(item.pk).status == "waiting"
    assess(cast.police, "boat", code="TEST")
    assert queries.standing_of(item.pk).status == "admitted"


def test_a_dispute_stops_an_admission_until_it_is_taken_back(cast: Cast) -> None:
    report(cast.support_centre, "boat", code="TEST")
    assess(cast.regulator, "boat", code="NONE")
    item = assess(cast.police, "boat", code="TEST")
    assert queries.standing_of(item.pk).status == "disputed"
    assess(cast.regulator, "boat", code="TEST")
    assert queries.standing_of(item.pk).status == "admitted"


def test_a_dispute_from_outside_does_not_undo_an_admission(cast: Cast) -> None:
    admitted_item(cast, "boat")
    item = assess(cast.regulator, "boat", code="NONE")
    assert queries.standing_of(item.pk).status == "admitted"


def test_a_participant_who_changes_its_mind_withdraws(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    assess(cast.police, "boat", code="NONE")
    assert queries.standing_of(item.pk).status == "withdrawn"
    assert json.loads(text_of(Entry.objects.get(position=1))).keys() == {"operation", "item", "at"}
    assess(cast.police, "boat", code="TEST")
    assert operations() == ["admit", "withdraw", "admit"]


def test_a_fingerprint_that_one_organisation_attached_is_not_listed(cast: Cast) -> None:
    """Whoever reports somebody's innocent file as if it were this item must not get it refused everywhere."""
    report(cast.support_centre, "boat", code="TEST")
    smuggled = (*prints_of("boat"), sha256_of("somebody's cat"), pdq_of("somebody's cat"))
    assess_item(cast.police.actor, kind="picture", fingerprints=smuggled, code="TEST")
    listed = json.loads(text_of(Entry.objects.get()))["fingerprints"]
    assert listed == [one.wire() for one in sorted(prints_of("boat"))]


def test_nothing_vouched_waits_and_a_later_supply_amends(cast: Cast) -> None:
    alike = pdq_of("boat")
    report_item(cast.support_centre.actor, kind="picture", fingerprints=(sha256_of("boat"), alike), code="TEST")
    extra = (sha256_of("boat"), sha256_of("boat, saved again"))
    item = assess_item(cast.police.actor, kind="picture", fingerprints=extra, code="TEST")
    assert operations() == ["admit"]
    report_item(cast.monitor.actor, kind="picture", fingerprints=(sha256_of("boat, saved again"),))
    assert operations() == ["admit"], "a report without a judgement vouches for nothing"
    report_item(cast.monitor.actor, kind="picture", fingerprints=(sha256_of("boat, saved again"),), code="TEST")
    assert operations() == ["admit", "amend"]
    content = queries.content_in_force(main_list(), item.pk)
    assert content is not None
    assert set(content.fingerprints) == set(extra)


@pytest.mark.parametrize("honest", ["monitor", "support_centre", "police"])
def test_a_picture_that_nobody_judged_does_not_ride_on_another_ones_entry(cast: Cast, honest: str) -> None:
    """A reporter puts another picture's fingerprints beside a listed item's; later that one is reported honestly."""
    item = admitted_item(cast, "boat")
    attached = (sha256_of("boat"), sha256_of("cat, another name"), pdq_of("cat"))
    report_item(cast.platform.actor, kind="picture", fingerprints=attached)
    honest_prints = (sha256_of("cat, another name"), pdq_of("cat"))
    reported = report_item(cast.member(honest).actor, kind="picture", fingerprints=honest_prints)
    assert reported.item == item
    assert operations() == ["admit"]


def test_forty_near_pdqs_of_a_reporter_amend_nothing(cast: Cast) -> None:
    admitted_item(cast, "boat")
    for flipped_bits in range(1, 32):
        near = (sha256_of("boat"), pdq_of("boat", flipped_bits=flipped_bits))
        report_item(cast.platform.actor, kind="picture", fingerprints=near)
        report_item(cast.monitor.actor, kind="picture", fingerprints=near, code="TEST")
    assert operations() == ["admit"]
    content = queries.content_in_force(main_list(), report(cast.police, "boat").pk)
    assert content is not None
    assert set(content.fingerprints) == set(prints_of("boat"))


def test_a_changed_code_keeps_what_was_vouched_for_and_a_judgement_taken_back_does_not(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    assess_item(cast.police.actor, kind="picture", fingerprints=(sha256_of("boat"),), code="A1")
    content = queries.content_in_force(main_list(), item.pk)
    assert content is not None
    assert set(content.fingerprints) == set(prints_of("boat"))
    assess(cast.police, "boat", code="NONE")
    assess_item(cast.police.actor, kind="picture", fingerprints=(sha256_of("boat"),), code="TEST")
    content = queries.content_in_force(main_list(), item.pk)
    assert content is not None
    assert content.fingerprints == (sha256_of("boat"),)


def test_no_shared_fingerprint_no_admission(cast: Cast) -> None:
    opened = report_item(
        cast.support_centre.actor, kind="picture", fingerprints=(sha256_of("boat"), pdq_of("boat")), code="TEST"
    )
    near_but_poor = (pdq_of("boat", flipped_bits=10),)
    assess_item(cast.police.actor, kind="picture", fingerprints=near_but_poor, code="TEST")
    assert operations() == ["admit"]
    content = queries.content_in_force(main_list(), opened.item.pk)
    assert content is not None
    assert {one.algorithm for one in content.fingerprints} == {"pdq"}
    assert len(content.fingerprints) == 2


def test_a_carrier_withdraws_and_its_view_is_recorded(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    entry = services.withdraw_entry(cast.police.actor, shared_list=main_list(), position=0, reason="The wrong file.")
    assert (entry.position, entry.operation) == (1, "withdraw")
    assert Withdrawal.objects.get(entry=entry).reason == "The wrong file."
    assert queries.standing_of(item.pk).status == "withdrawn"
    with pytest.raises(NotInForceError):
        services.withdraw_entry(cast.police.actor, shared_list=main_list(), position=0, reason="Again.")


def test_one_of_three_carriers_can_withdraw_although_two_remain(cast: Cast) -> None:
    report(cast.support_centre, "boat", code="TEST")
    assess(cast.regulator, "boat", code="TEST")
    item = assess(cast.police, "boat", code="TEST")
    services.withdraw_entry(cast.regulator.actor, shared_list=main_list(), position=0, reason="The wrong file.")
    assert queries.standing_of(item.pk).status == "withdrawn"
    assert operations() == ["admit", "withdraw"]


def test_a_changed_category_amends(cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    assess(cast.police, "boat", code="A1")
    content = queries.content_in_force(main_list(), item.pk)
    assert content is not None
    assert content.categories == ("A1", "TEST")
    assert operations() == ["admit", "amend"]


def test_others_cannot_withdraw(cast: Cast) -> None:
    admitted_item(cast, "boat")
    with pytest.raises(NotCarriedByError):
        services.withdraw_entry(cast.regulator.actor, shared_list=main_list(), position=0, reason="We object.")
    with pytest.raises(UnknownPositionError):
        services.withdraw_entry(cast.police.actor, shared_list=main_list(), position=7, reason="No such entry.")
    assert operations() == ["admit"]


def test_positions_are_gapless_over_items(cast: Cast) -> None:
    for name in ("boat", "tree", "lake"):
        admitted_item(cast, name)
    assess(cast.police, "tree", code="NONE")
    assert list(Entry.objects.order_by("at").values_list("position", flat=True)) == [0, 1, 2, 3]
