"""Finding the item: exact before near, the nearest first, and never two items at once."""

import json

import pytest
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists.queries import standing_of
from staydown_hub.registry import sightings
from staydown_hub.registry.errors import ConflictingFingerprintsError, TooManySightingsError, UnknownItemError
from staydown_hub.registry.models import Fingerprint, FingerprintSource, Item, Sighting
from staydown_hub.registry.queries import find_item, fingerprints_of
from staydown_hub.registry.services import assess_item, report_item
from staydown_hub.rules import fingerprints as rules
from staydown_hub.rules.addresses import parse_address

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import assess, md5_of, pdq_of, prints_of, report, sha1_of, sha256_of


def item_with(member: Member, *fingerprints: rules.Fingerprint) -> Item:
    return report_item(member.actor, kind="picture", fingerprints=fingerprints).item


def found(*fingerprints: rules.Fingerprint) -> Item | None:
    return find_item(kind="picture", fingerprints=fingerprints)


@pytest.mark.parametrize("one", [sha256_of("boat"), sha1_of("boat"), md5_of("boat")])
def test_any_one_exact_fingerprint_finds(cast: Cast, one: rules.Fingerprint) -> None:
    item = report(cast.police, "boat")
    report(cast.police, "tree")
    assert found(one) == item


@pytest.mark.parametrize(
    ("flipped_bits", "stored_quality", "asked_quality", "finds"),
    [(0, 100, 100, True), (31, 50, 50, True), (32, 100, 100, False), (0, 49, 100, False), (0, 100, 49, False)],
)
def test_a_near_pdq_finds(
    cast: Cast, flipped_bits: int, stored_quality: int, asked_quality: int, *, finds: bool
) -> None:
    item = item_with(cast.police, pdq_of("boat", quality=stored_quality))
    asked = pdq_of("boat", flipped_bits=flipped_bits, quality=asked_quality)
    assert found(asked) == (item if finds else None)


def test_of_two_near_ones_the_nearer_is_found(cast: Cast) -> None:
    item_with(cast.police, sha256_of("far"), pdq_of("boat", flipped_bits=40))
    near = item_with(cast.police, sha256_of("near"), pdq_of("boat"))
    assert found(pdq_of("boat", flipped_bits=15)) == near


def test_of_two_equally_near_ones_the_older_is_found(cast: Cast) -> None:
    first = Item.objects.create(kind="picture", opened_by=cast.police.organisation)
    second = Item.objects.create(kind="picture", opened_by=cast.police.organisation)
    for item in (second, first):
        Fingerprint.objects.create(item=item, algorithm="pdq", value=pdq_of("boat").value, quality=100)
    assert found(pdq_of("boat", flipped_bits=3)) == first


def test_exact_goes_before_near(cast: Cast) -> None:
    exact = item_with(cast.police, sha256_of("boat"))
    item_with(cast.police, sha256_of("other"), pdq_of("boat"))
    assert found(sha256_of("boat"), pdq_of("boat")) == exact


def test_exact_fingerprints_of_one_algorithm_and_two_items_are_a_conflict(cast: Cast) -> None:
    item_with(cast.police, sha256_of("boat"))
    item_with(cast.police, sha256_of("tree"))
    both = (sha256_of("boat"), sha256_of("tree"))
    with pytest.raises(ConflictingFingerprintsError):
        found(*both)
    with pytest.raises(ConflictingFingerprintsError):
        report_item(cast.police.actor, kind="picture", fingerprints=both)
    assert FingerprintSource.objects.count() == 2


def test_fragments_reported_alone_do_not_make_a_picture_unreportable(cast: Cast) -> None:
    fragments = [sha256_of("boat"), sha1_of("boat"), md5_of("boat")]
    items = [item_with(cast.platform, one) for one in fragments]
    assert len(set(items)) == len(fragments)
    whole = report(cast.police, "boat", code="TEST")
    assert whole == items[0], "the strongest algorithm chooses"
    assert set(fingerprints_of(whole.pk)) == {sha256_of("boat"), pdq_of("boat")}
    assert fingerprints_of(items[2].pk) == [md5_of("boat")]
    [left_out] = AuditRecord.objects.filter(act="fingerprints left out")
    assert left_out.subject == f"item:{whole.pk}"
    assert json.loads(left_out.detail) == {
        "algorithms": ["md5", "sha1"],
        "of_items": sorted(str(one.pk) for one in items[1:]),
    }
    assert assess(cast.support_centre, "boat", code="TEST") == whole
    assert standing_of(whole.pk).status == "admitted"


def test_a_weak_list_and_a_whole_report_are_one_item(cast: Cast) -> None:
    honest = item_with(cast.monitor, md5_of("boat"))
    assert report(cast.police, "boat") == honest
    assert set(fingerprints_of(honest.pk)) == set(prints_of("boat"))
    assert not AuditRecord.objects.filter(act="fingerprints left out").exists()


def test_one_member_reports_an_item_at_so_many_addresses_and_no_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "MAX_SIGHTINGS_OF_ONE_REPORTER", 3)
    report(cast.platform, "boat", urls=[f"https://host.example/{number}" for number in range(3)])
    with pytest.raises(TooManySightingsError, match="3 addresses"):
        report(cast.platform, "boat", urls=["https://host.example/3"])
    report(cast.platform, "boat", urls=["https://host.example/2"])
    report(cast.police, "boat", urls=["https://host.example/3"])
    assert Sighting.objects.count() == 4


def test_a_near_match_does_not_bring_another_items_exact_fingerprint_over(cast: Cast) -> None:
    boat = item_with(cast.police, sha256_of("boat"), pdq_of("boat"))
    tree = item_with(cast.police, sha256_of("tree"))
    item_with(cast.support_centre, sha256_of("tree"), pdq_of("boat"))
    assert {one.algorithm for one in fingerprints_of(tree.pk)} == {"sha256", "pdq"}
    assert sha256_of("tree") not in fingerprints_of(boat.pk)


def test_nothing_known_finds_nothing(cast: Cast) -> None:
    report(cast.police, "boat")
    assert found(*prints_of("tree")) is None
    with pytest.raises(UnknownItemError):
        assess_item(cast.police.actor, kind="picture", fingerprints=prints_of("tree"), code="TEST")


def test_a_second_report_adds_and_repeats_nothing(cast: Cast) -> None:
    urls = ("https://a.example/1", "https://b.example/2")
    item = report(cast.police, "boat", urls=urls[:1])
    again = report(cast.support_centre, "boat", urls=urls)
    assert again == item
    by_host = {one.host: one for one in Sighting.objects.all()}
    assert sorted(by_host) == ["a.example", "b.example"]
    kept = by_host["a.example"]
    assert kept.reported_by == cast.police.organisation
    assert kept.last_reported_at > kept.first_reported_at
    assert FingerprintSource.objects.count() == 2 * len(prints_of("boat"))


def test_the_longest_url_is_kept_whole(cast: Cast) -> None:
    url = "https://host.example/" + "ü" * 2027
    report_item(cast.police.actor, kind="picture", fingerprints=prints_of("boat"), addresses=[parse_address(url)])
    assert sightings.address_of(Sighting.objects.get()) == "https://host.example/" + "%C3%BC" * 2027


def test_the_same_fingerprint_twice_in_one_report_counts_once(cast: Cast) -> None:
    twice = (pdq_of("boat", quality=60), pdq_of("boat", quality=90), sha256_of("boat"), sha256_of("boat"))
    item = item_with(cast.police, *twice)
    assert fingerprints_of(item.pk) == [pdq_of("boat", quality=90), sha256_of("boat")]


def test_quality_only_rises(cast: Cast) -> None:
    item = item_with(cast.police, sha256_of("boat"), pdq_of("boat", quality=10))
    item_with(cast.support_centre, sha256_of("boat"), pdq_of("boat", quality=80))
    item_with(cast.monitor, sha256_of("boat"), pdq_of("boat", quality=30))
    assert pdq_of("boat", quality=80) in fingerprints_of(item.pk)
