"""A sighting's address: only its host until somebody who may presses the button, and that is on record."""

import json
import re
from uuid import uuid4

import pytest
from staydown_hub.audit.models import AuditRecord
from staydown_hub.registry.models import Item, Sighting
from staydown_hub.registry.sightings import Seen, add_sightings
from staydown_hub.rules.addresses import parse_infohash
from staydown_hub.rules.peers import parse_peer
from staydown_hub.takedowns.queries import requests_of_item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, prints_of, report
from packages.hub.tests.integration.staff.conftest import Browser, person_of

URL = "https://host.example/gallery/17.jpg?who=x&size=large#top"
SHOWN = "https://host.example/gallery/17.jpg?who=x&amp;size=large#top"
ASSESSORS = ("police", "support_centre", "regulator", "monitor")


@pytest.fixture
def item(cast: Cast) -> Item:
    return admitted_item(cast, "seen", urls=[URL])


def sighting_of(item: Item) -> Sighting:
    return Sighting.objects.get(item=item)


def shown_acts() -> list[AuditRecord]:
    return list(AuditRecord.objects.filter(act="address shown"))


def test_a_page_names_the_host_and_neither_address_nor_fingerprint(browser: Browser, item: Item) -> None:
    page = browser("police").get(f"/items/{item.pk}/").content.decode()
    assert "host.example" in page
    assert "gallery" not in page
    assert "1 md5, 1 pdq, 1 sha1, 1 sha256" in page
    for one in prints_of("seen"):
        assert one.value.hex()[:12] not in page
    assert shown_acts() == []


@pytest.mark.parametrize("path", ["", "requests/", "items/{item}/", "requests/{request}/"])
def test_a_page_that_shows_hosts_leaves_a_row(browser: Browser, item: Item, path: str) -> None:
    request = requests_of_item(item.pk)[0]
    answer = browser("police").get("/" + path.format(item=item.pk, request=request.pk))
    (act,) = AuditRecord.objects.filter(act="hosts shown")
    assert "host.example" in answer.content.decode()
    assert json.loads(act.detail) == {"sightings": [str(sighting_of(item).pk)]}
    assert "host.example" not in act.subject


@pytest.mark.parametrize("name", ASSESSORS)
def test_the_button_shows_it_once_as_text(browser: Browser, item: Item, cast: Cast, name: str) -> None:
    client, sighting = browser(name), sighting_of(item)
    answer = client.post(f"/items/{item.pk}/", {"sighting": str(sighting.pk)})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert f"<bdi>{SHOWN}</bdi>" in page
    assert page.count("gallery") == 1
    assert not re.search(r'(?:href|src|action|value|content)="[^"]*host\.example', page)
    (act,) = shown_acts()
    assert (act.subject, act.source) == (f"sighting:{sighting.pk}", "staff")
    assert (act.organisation, act.person) == (cast.member(name).organisation.pk, person_of(cast, name).pk)
    assert json.loads(act.detail) == {"item": str(item.pk)}
    assert "gallery" not in client.get(f"/items/{item.pk}/").content.decode()


@pytest.mark.parametrize("name", ["oversight", "platform", "another_platform", "carrier", "outsider"])
def test_who_does_not_assess_is_refused_on_record(browser: Browser, item: Item, name: str) -> None:
    answer = browser(name).post(f"/items/{item.pk}/", {"sighting": str(sighting_of(item).pk)})
    assert answer.status_code == 403
    assert "gallery" not in answer.content.decode()
    assert AuditRecord.objects.filter(act="page refused").count() == 1
    assert shown_acts() == []


def test_oversight_is_offered_no_button(browser: Browser, item: Item) -> None:
    assert "Show address" in browser("police").get(f"/items/{item.pk}/").content.decode()
    page = browser("oversight").get(f"/items/{item.pk}/").content.decode()
    assert "host.example" in page
    assert "Show address" not in page


def test_each_press_is_an_act_of_its_own(browser: Browser, item: Item) -> None:
    client = browser("police")
    for _ in range(3):
        client.post(f"/items/{item.pk}/", {"sighting": str(sighting_of(item).pk)})
    assert len(shown_acts()) == 3


def test_a_sighting_of_another_item_is_not_found(browser: Browser, item: Item, cast: Cast) -> None:
    other = report(cast.police, "other", urls=["https://elsewhere.example/other"])
    for sighting in (sighting_of(other).pk, uuid4()):
        assert browser("police").post(f"/items/{item.pk}/", {"sighting": str(sighting)}).status_code == 404
    assert shown_acts() == []


@pytest.mark.parametrize("form", [{}, {"sighting": ""}, {"sighting": "1"}, {"sighting": "x" * 10_000}])
def test_what_names_no_sighting_is_not_understood(browser: Browser, item: Item, form: dict[str, str]) -> None:
    answer = browser("police").post(f"/items/{item.pk}/", form)
    assert answer.status_code == 400
    assert "did not understand" in answer.content.decode()


def test_a_form_from_elsewhere_shows_nothing(browser: Browser, item: Item) -> None:
    client = browser("police")
    client.handler.enforce_csrf_checks = True
    answer = client.post(f"/items/{item.pk}/", {"sighting": str(sighting_of(item).pk)})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()
    assert shown_acts() == []


def share(cast: Cast) -> Item:
    """Have an item shared by two peers under one infohash."""
    item = report(cast.police, "shared")
    peers = tuple(parse_peer(at=item.opened_at, address=f"192.0.2.{last}", port=6881) for last in (7, 8))
    add_sightings(cast.monitor.actor, item=item, addresses=[Seen(parse_infohash("ab" * 20), peers=peers)])
    return item


@pytest.mark.parametrize("name", ASSESSORS)
def test_police_alone_are_shown_peers_and_on_record(browser: Browser, cast: Cast, name: str) -> None:
    item = share(cast)
    client = browser(name)
    before = client.get(f"/items/{item.pk}/").content.decode()
    assert "BitTorrent, version 1" in before
    assert "never: the hub does not go there" in before
    assert "abab" not in before
    page = client.post(f"/items/{item.pk}/", {"sighting": str(sighting_of(item).pk)}).content.decode()
    assert "ab" * 20 in page
    assert ("192.0.2.7:6881" in page) == (name == "police")
    assert AuditRecord.objects.filter(act="peers shown").count() == (name == "police")


def test_what_was_erased_is_said_to_be_and_not_shown(browser: Browser, item: Item) -> None:
    Sighting.objects.update(sealed_key=None)
    client = browser("police")
    page = client.get(f"/items/{item.pk}/").content.decode()
    assert "erased: its time was up" in page
    assert "Show address" not in page
    assert client.post(f"/items/{item.pk}/", {"sighting": str(sighting_of(item).pk)}).status_code == 404
