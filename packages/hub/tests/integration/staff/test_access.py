"""Who sees which page: every page of the URL map is tried by everybody, and every refusal is on record."""

import re
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.urls import URLPattern, reverse
from staydown_hub.audit.models import AuditRecord
from staydown_hub.lists.models import GateStop
from staydown_hub.lists.proposed import propose_withdrawal
from staydown_hub.lists.queries import list_called
from staydown_hub.staff.urls import pages

from packages.hub.tests.cast import KIND_OF_MEMBER, Cast
from packages.hub.tests.factories import assess, report
from packages.hub.tests.integration.staff.conftest import Browser, request_of
from packages.hub.tests.people import disputed_by, only_panel

READERS = ("police", "support_centre", "regulator", "monitor", "oversight")
FOLLOWERS = ("police", "support_centre", "regulator", "monitor", "platform", "another_platform", "carrier")
WITHDRAWERS = ("police", "support_centre", "regulator")
EVERYBODY = tuple(KIND_OF_MEMBER)
MEMBERS = tuple(name for name in EVERYBODY if name != "outsider")


@dataclass(frozen=True)
class Row:
    """Who sees a page, and what the other members get."""

    seen_by: tuple[str, ...]
    otherwise: int = 403
    hidden_from: tuple[str, ...] = ()


ROWS = {
    "home": Row(MEMBERS),
    "items": Row(READERS),
    "item": Row(READERS),
    "case": Row(("police",)),
    "lists": Row(MEMBERS),
    "decisions": Row(READERS),
    "propose_rule": Row(()),
    "panel": Row(READERS),
    "gate_stop": Row(READERS),
    "dispute": Row((*READERS, "platform"), otherwise=404),
    "dispute_entry": Row(FOLLOWERS, otherwise=404),
    "schemes": Row(MEMBERS),
    "list": Row(FOLLOWERS, otherwise=404),
    "disputes": Row(READERS),
    "enforcement": Row(READERS),
    "list_enforcement": Row(READERS),
    "requests": Row(MEMBERS),
    "request": Row((*READERS, "platform"), otherwise=404),
    "propose_on_entry": Row(WITHDRAWERS),
    "proposals": Row(WITHDRAWERS),
    "proposal": Row(("police",), hidden_from=("support_centre", "regulator")),
    "propose_organisation": Row(()),
    # For administrators; the people of the cast are assessors (see ``test_people``).
    "people": Row(()),
    "person": Row(()),
    "keys": Row(()),
    "account": Row(EVERYBODY),
}
NAMES = tuple(str(pattern.name) for pattern in pages)


def expected(page: str, member: str) -> int:
    if member in ROWS[page].seen_by:
        return 200
    if member in ROWS[page].hidden_from:
        return 404
    return 403 if member == "outsider" else ROWS[page].otherwise


@pytest.fixture
def addresses(cast: Cast) -> dict[str, str]:
    """Name the address of each page, of something that exists."""
    request = request_of(cast, "platform")
    main = list_called("main")
    assert main is not None
    waiting = propose_withdrawal(cast.police.actor, shared_list=main, position=0, reason="The wrong file.")
    report(cast.support_centre, "panel", code="TEST")
    stopped = assess(cast.regulator, "panel", code="NONE")
    arguments: dict[str, dict[str, object]] = {
        "panel": {"panel_id": only_panel().pk},
        "gate_stop": {"stop_id": GateStop.objects.create(item=stopped, low_quality=True).pk},
        "dispute": {"dispute_id": disputed_by(cast.platform).pk},
        "dispute_entry": {"slug": "main"},
        "propose_rule": {"slug": "main"},
        "propose_on_entry": {"slug": "main", "position": 0, "word": "withdraw"},
        "person": {"person_id": request.pk},
        "proposal": {"proposal_id": waiting.pk},
        "item": {"item_id": request.sighting.item_id},
        "case": {"item_id": request.sighting.item_id},
        "list": {"slug": "main"},
        "disputes": {"slug": "main"},
        "list_enforcement": {"slug": "main"},
        "request": {"request_id": request.pk},
    }
    return {name: reverse(f"staff:{name}", kwargs=arguments.get(name)) for name in NAMES}


def test_every_page_of_the_url_map_has_a_row() -> None:
    assert all(isinstance(pattern, URLPattern) for pattern in pages)
    assert sorted(ROWS) == sorted(NAMES)


@pytest.mark.parametrize("member", EVERYBODY)
def test_each_page_is_for_those_it_is_for(browser: Browser, addresses: dict[str, str], member: str) -> None:
    found = {name: browser(member).get(address).status_code for name, address in addresses.items()}
    assert found == {name: expected(name, member) for name in NAMES}


@pytest.mark.parametrize("member", EVERYBODY)
def test_each_refusal_is_on_record(browser: Browser, addresses: dict[str, str], cast: Cast, member: str) -> None:
    client = browser(member)
    for address in addresses.values():
        client.get(address)
    records = AuditRecord.objects.filter(act="page refused")
    assert records.count() == sum(expected(name, member) != 200 for name in NAMES)
    for record in records:
        assert record.organisation == cast.member(member).organisation.pk
        assert record.person is not None
        assert record.source == "staff"


def test_nobody_is_asked_to_sign_in_everywhere(browser: Browser, addresses: dict[str, str]) -> None:
    for address in addresses.values():
        for answer in (browser("nobody").get(address), browser("nobody").post(address)):
            assert answer.status_code in {302, 405}
            assert answer.status_code == 405 or answer["Location"].startswith("/accounts/login/?next=/")


def test_a_refusal_says_so_in_a_sentence_and_leads_to_the_account(browser: Browser) -> None:
    page = browser("outsider").get("/").content.decode()
    assert "This page is not for your organisation" in page
    assert 'href="/account/"' in page
    assert 'href="/items/"' not in page


def test_the_header_offers_only_what_may_be_opened(browser: Browser, addresses: dict[str, str]) -> None:
    for member in MEMBERS:
        page = browser(member).get("/").content.decode()
        for name in ("items", "lists", "requests"):
            assert (f'href="{addresses[name]}"' in page) == (member in ROWS[name].seen_by), (member, name)


@pytest.mark.parametrize(
    "address", ["/items/{}/", "/lists/none/", "/items/1/", "/lists/a b/", "/requests/{}/", "/nowhere/"]
)
def test_what_does_not_exist_is_not_found_and_no_act(browser: Browser, address: str) -> None:
    before = AuditRecord.objects.count()
    answer = browser("police").get(address.format(uuid4()))
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert AuditRecord.objects.filter(act="page refused").count() == 0
    assert AuditRecord.objects.count() == before + 1  # the signing in


@pytest.mark.parametrize(
    ("page", "none", "member"), [("list", "/lists/none/", "oversight"), ("request", "/requests/{}/", "carrier")]
)
def test_what_is_another_s_looks_like_nothing(
    browser: Browser, addresses: dict[str, str], page: str, none: str, member: str
) -> None:
    client = browser(member)
    pages = [client.get(address).content.decode() for address in (addresses[page], none.format(uuid4()))]
    hidden, none = (re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page) for page in pages)
    assert hidden == none
