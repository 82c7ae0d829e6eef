"""The pages on which people decide: what waits, who is offered a decision, and what becomes of it."""

import re
from uuid import UUID

import pytest
from django.test import Client
from staydown_hub.audit.models import AuditRecord
from staydown_hub.enforcement.models import Dispute
from staydown_hub.lists.gate import add_to_corpus
from staydown_hub.lists.models import GateOverrule, GateStop, PanelVote, Ruling
from staydown_hub.lists.queries import standing_of
from staydown_hub.organisations.models import Person
from staydown_hub.registry.models import Item

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, report, sha256_of
from packages.hub.tests.integration.staff.conftest import Browser, person_of
from packages.hub.tests.people import REASON, another, disputed_by, only_panel, trained


@pytest.fixture(autouse=True)
def training(cast: Cast) -> None:
    """Train the people who use these pages."""
    for name in ("police", "support_centre", "regulator", "monitor"):
        trained(person_of(cast, name))


@pytest.fixture
def disputed(cast: Cast) -> Item:
    """Have two organisations disagree about an item."""
    report(cast.support_centre, "boat", code="TEST")
    return assess(cast.regulator, "boat", code="NONE")


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_what_waits_is_shown_together(browser: Browser, cast: Cast, disputed: Item) -> None:
    add_to_corpus([sha256_of("tree")], source="a well-known tree")
    admitted_item(cast, "tree")
    admitted_item(cast, "lake")
    disputed_by(cast.platform)
    page = text_of(browser("monitor"), "/decisions/")
    for shown in (only_panel().pk, disputed.pk, GateStop.objects.get().pk, Dispute.objects.get().pk):
        assert str(shown)[:8] in page
    assert "a well-known tree" in page
    assert "Platform" in page
    empty = text_of(browser("oversight"), "/")
    assert "Disputes that wait 1" in empty
    assert "Entries that were wrong 0 of 1 (0 %)" in empty


def test_nothing_waits_is_said(browser: Browser) -> None:
    page = text_of(browser("police"), "/decisions/")
    assert "No panel waits." in page
    assert "Nothing is stopped." in page
    assert "No dispute waits for a reviewer." in page


@pytest.mark.usefixtures("disputed")
def test_a_panel_is_voted_on_and_its_votes_are_told_at_the_end(browser: Browser) -> None:
    address = f"/panels/{only_panel().pk}/"
    assert "others decide" in text_of(browser("regulator"), address)
    assert browser("oversight").post(address, {"reason": REASON, "answer": "qualifies"}).status_code == 403
    monitor, police = browser("monitor"), browser("police")
    assert "others&#x27; votes" not in text_of(monitor, address)
    assert monitor.post(address, {"reason": REASON, "answer": "perhaps"}).status_code == 400
    assert "This field is required" in monitor.post(address, {"answer": "qualifies"}).content.decode()
    assert monitor.post(address, {"reason": REASON, "answer": "does not"}).status_code == 302
    assert "1 of 3 seats taken" in text_of(police, address)
    assert REASON not in text_of(police, address)
    assert police.post(address, {"reason": REASON, "answer": "does not"}).status_code == 302
    decided = text_of(police, address)
    assert "it does not qualify" in decided
    assert decided.count(REASON) == 2
    again = browser("support_centre").post(address, {"reason": REASON, "answer": "qualifies"})
    assert "This panel has decided already." in again.content.decode()
    assert PanelVote.objects.count() == 2
    assert Ruling.objects.get().panel == only_panel()


def test_a_stop_takes_two_organisations(browser: Browser, cast: Cast) -> None:
    add_to_corpus([sha256_of("boat")], source="a well-known boat")
    item = admitted_item(cast, "boat")
    address = f"/gate/{GateStop.objects.get().pk}/"
    police, regulator = browser("police"), browser("regulator")
    assert "a well-known boat" in text_of(police, address)
    assert police.post(address, {"reason": REASON}).status_code == 302
    assert "another one must too" in text_of(police, address)
    assert "leave it to others" in police.post(address, {"reason": REASON}).content.decode()
    assert browser("oversight").post(address, {"reason": REASON}).status_code == 403
    assert standing_of(item.pk).status == "waiting"
    assert regulator.post(address, {"reason": REASON}).status_code == 302
    assert "It was overruled." in text_of(regulator, address)
    assert standing_of(item.pk).status == "admitted"
    assert GateOverrule.objects.count() == 2


def test_a_person_of_a_platform_disputes_and_appeals(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "boat")
    platform, regulator = browser("platform"), browser("regulator")
    assert "/lists/main/dispute/" in platform.get("/lists/main/").content.decode()
    wrong = platform.post("/lists/main/dispute/", {"position": 9, "reason": REASON})
    assert "no admission or amendment at this position" in wrong.content.decode()
    made = platform.post("/lists/main/dispute/", {"position": 0, "reason": "A drawing of ours."})
    address = made.headers["Location"]
    assert UUID(address.split("/")[2]) == Dispute.objects.get().pk
    assert "waits for somebody who neither carried" in text_of(platform, address)
    assert browser("another_platform").get(address).status_code == 404
    assert AuditRecord.objects.filter(act="page refused", subject__startswith="dispute:").exists()
    assert "leave" not in text_of(browser("police"), address)
    refused = browser("police").post(address, {"reason": REASON, "answer": "qualifies"})
    assert "This is not your organisation" in refused.content.decode()
    assert regulator.post(address, {"reason": REASON, "answer": "qualifies"}).status_code == 302
    assert "the entry is right" in text_of(platform, address)
    assert platform.post(address, {"reason": REASON, "act": "appeal"}).status_code == 302
    assert "appealed" in text_of(regulator, address)
    other = Client(raise_request_exception=False)
    actor = another("monitor", "watch")
    other.force_login(person_of_actor(actor.person), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert other.post(address, {"reason": REASON, "answer": "does not"}).status_code == 302
    assert "upheld finally" in text_of(other, address)
    assert standing_of(item.pk).status == "withdrawn"


def person_of_actor(person: UUID | None) -> Person:
    assert person
    return Person.objects.get(pk=person)
