"""Videos: known by most of their frames, never by one, and listed with those that two organisations supplied."""

import pytest
from django.test import Client
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.queries import content_in_force, standing_of
from staydown_hub.registry.models import Item
from staydown_hub.registry.queries import find_item
from staydown_hub.registry.services import assess_item, report_item
from staydown_hub.rules.fingerprints import Fingerprint

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import pdq_of, sha256_of, wire

pytestmark = pytest.mark.django_db


def frames(name: str, count: int, *, flipped_bits: int = 0) -> list[Fingerprint]:
    return [pdq_of(f"{name} {number}", flipped_bits=flipped_bits) for number in range(count)]


def found(prints: list[Fingerprint]) -> Item | None:
    return find_item(kind="video", fingerprints=prints)


def test_a_copy_and_a_clip_find_the_video(cast: Cast) -> None:
    item = report_item(cast.police.actor, kind="video", fingerprints=[sha256_of("film"), *frames("film", 20)]).item
    assert found(frames("film", 20, flipped_bits=31)) == item
    assert found(frames("film", 20)[7:9]) == item
    assert found(frames("film", 10) + frames("other", 10)) == item


def test_a_title_that_two_videos_share_does_not_make_them_one(cast: Cast) -> None:
    title = frames("title", 9)
    report_item(cast.police.actor, kind="video", fingerprints=[sha256_of("film"), *title, *frames("film", 10)])
    other = [sha256_of("other"), *title, *frames("other", 10)]
    assert found(other) is None
    assert report_item(cast.support_centre.actor, kind="video", fingerprints=other).known is False
    assert found(frames("film", 10, flipped_bits=32)) is None


def test_frames_too_poor_to_be_matched_find_nothing(cast: Cast) -> None:
    black = [pdq_of("black", quality=0)]
    report_item(cast.police.actor, kind="video", fingerprints=[sha256_of("film"), *black])
    assert found(black) is None


def test_a_picture_is_not_found_by_a_video_that_shows_it_nor_the_other_way_round(cast: Cast) -> None:
    report_item(cast.police.actor, kind="picture", fingerprints=[sha256_of("boat"), pdq_of("boat")])
    report_item(cast.police.actor, kind="video", fingerprints=[sha256_of("film"), pdq_of("tree")])
    assert found([pdq_of("boat")]) is None
    assert find_item(kind="picture", fingerprints=[pdq_of("tree")]) is None


def test_of_a_long_video_some_frames_are_asked_for_over_all_of_its_length(cast: Cast) -> None:
    item = report_item(cast.police.actor, kind="video", fingerprints=[sha256_of("film"), *frames("film", 250)]).item
    first_half = frames("film", 120)
    assert found(first_half + frames("other", 100)) == item
    assert found(first_half + frames("other", 131)) is None


def test_two_copies_of_a_long_video_are_listed_with_the_frames_of_both(cast: Cast) -> None:
    one, other = frames("film", 253), frames("film", 253, flipped_bits=9)
    item = report_item(
        cast.support_centre.actor, kind="video", fingerprints=[sha256_of("film"), *one], code="TEST"
    ).item
    assessed = assess_item(
        cast.police.actor, kind="video", fingerprints=[sha256_of("saved again"), *other], code="TEST"
    )
    assert (assessed, standing_of(item.pk).status) == (item, "admitted")
    content = content_in_force(SharedList.objects.get(slug="main"), item.pk)
    assert content is not None
    assert set(content.fingerprints) == {*one, *other}
    assert (item.entries.get().body or "").count('"kind":"video"') == 1


def test_more_fingerprints_are_taken_of_a_video_than_of_a_picture(cast: Cast, client: Client) -> None:
    def status(kind: str, count: int) -> int:
        body = {"kind": kind, "fingerprints": wire(frames(f"{kind} {count}", count)), "sightings": []}
        answer = cast.police.post(client, "reports", body)
        if answer.status_code == 422:
            assert [one["field"] for one in answer.json()["fields"]] == ["fingerprints"]
        return answer.status_code

    assert [status("picture", 64), status("picture", 65)] == [201, 422]
    assert [status("video", 256), status("video", 257)] == [201, 422]


def test_reported_assessed_and_looked_up_over_the_api(cast: Cast, client: Client) -> None:
    prints = wire([sha256_of("film"), *frames("film", 5)])
    copy = wire([sha256_of("saved again"), *frames("film", 5, flipped_bits=5)])
    reported = cast.support_centre.post(
        client, "reports", {"kind": "video", "fingerprints": prints, "sightings": [], "assessment": {"code": "TEST"}}
    )
    assert reported.status_code == 201
    assert cast.police.post(client, "lookups", {"fingerprints": copy}).status_code == 404
    looked_up = cast.police.post(client, "lookups", {"kind": "video", "fingerprints": copy})
    assert looked_up.json()["item"] == reported.json()["item"]
    assessed = cast.police.post(client, "assessments", {"kind": "video", "fingerprints": copy, "code": "TEST"})
    assert (assessed.json()["item"], assessed.json()["standing"]["status"]) == (reported.json()["item"], "admitted")
    assert cast.police.get(client, f"items/{assessed.json()['item']}").json()["kind"] == "video"
