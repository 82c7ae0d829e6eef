"""The page about an item's victim: for police alone, each look on record, and the notice of a match at home."""

import pytest
from staydown_hub.audit.models import AuditRecord
from staydown_hub.identification import services
from staydown_hub.registry.models import Item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item
from packages.hub.tests.integration.staff.conftest import Browser


@pytest.fixture
def item(cast: Cast) -> Item:
    return admitted_item(cast, "boat")


def test_police_say_it_and_see_it_on_record(browser: Browser, item: Item) -> None:
    client = browser("police")
    path = f"/items/{item.pk}/victim/"
    assert path in client.get(f"/items/{item.pk}/").content.decode()
    assert "No police unit has said anything yet." in client.get(path).content.decode()
    answer = client.post(path, {"status": "identified", "reference": "17/2026"}, follow=True)
    page = answer.content.decode()
    assert "<strong>Victim identified</strong>" in page
    assert "17/2026" in page
    assert AuditRecord.objects.filter(act="case read").count() == 1


def test_a_name_is_no_reference(browser: Browser, item: Item) -> None:
    answer = browser("police").post(f"/items/{item.pk}/victim/", {"status": "identified", "reference": "a@b.example"})
    assert answer.status_code == 400
    assert "a file number, no name" in answer.content.decode()
    assert "a@b.example" not in answer.content.decode()
    assert browser("police").post(f"/items/{item.pk}/victim/", {"status": "found"}).status_code == 400


@pytest.mark.parametrize("name", ["support_centre", "regulator", "monitor", "oversight", "platform", "carrier"])
def test_nobody_else_sees_that_there_is_such_a_page(name: str, browser: Browser, item: Item, cast: Cast) -> None:
    services.state_case(cast.police.actor, item_id=item.pk, status="identified")
    client = browser(name)
    assert client.get(f"/items/{item.pk}/victim/").status_code == 403
    assert client.post(f"/items/{item.pk}/victim/", {"status": "unidentified"}).status_code == 403
    assert "/victim/" not in client.get(f"/items/{item.pk}/").content.decode()
    assert "ictim" not in client.get("/").content.decode()


def test_a_match_shows_at_home_without_details_until_somebody_looks(browser: Browser, item: Item, cast: Cast) -> None:
    services.state_case(cast.police.actor, item_id=item.pk, status="identified")
    client = browser("police")
    assert "Matched again" not in client.get("/").content.decode()
    services.note_matches([item.pk], source="test")
    page = client.get("/").content.decode()
    assert "Matched again" in page
    assert f"/items/{item.pk}/victim/" in page
    client.get(f"/items/{item.pk}/victim/")
    assert "Matched again" not in client.get("/").content.decode()
