"""The lists' pages: which an organisation follows, and the entries of one by position."""

import re

from django.db import connection
from django.test.utils import CaptureQueriesContext
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.services import Confirmation, redact, withdraw_entry

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess
from packages.hub.tests.integration.staff.conftest import Browser


def rows(page: str) -> list[list[str]]:
    """Return the cells of a page's table as text, row by row."""
    found = re.findall(r'<tr role="row">\s*<th role="rowheader" scope="row".*?</tr>', page, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [[" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in row] for row in cells]


def test_a_list_is_shown_with_its_rule_and_how_much_holds(browser: Browser, cast: Cast) -> None:
    for name in ("a", "b"):
        admitted_item(cast, name)
    main = SharedList.objects.get(slug="main")
    withdraw_entry(cast.police.actor, shared_list=main, position=0, reason="wrong")
    (row,) = rows(browser("platform").get("/lists/").content.decode())
    rule = "2 organisations, one of them police or support centre"
    assert row == ["Main list", rule, "A1, A2, B1, B2, NCII, TEST", "1", "3"]


def test_entries_are_shown_by_position_newest_first(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "a")
    assess(cast.regulator, "a", code="A1")
    main = SharedList.objects.get(slug="main")
    withdraw_entry(cast.police.actor, shared_list=main, position=1, reason="a reason that stays with the members")
    page = browser("platform").get("/lists/main/").content.decode()
    short = str(item.pk)[:8]
    assert [row[:5] for row in rows(page)] == [
        ["2", "withdraw", short, "none", "none"],
        ["1", "amend", short, "A1, TEST", "4"],
        ["0", "admit", short, "TEST", "4"],
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", row[5]) for row in rows(page))
    assert "stays with the members" not in page


def test_a_redacted_entry_shows_no_category(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "a")
    people = [Confirmation(one.organisation.pk, one.organisation.pk) for one in (cast.police, cast.monitor)]
    main = SharedList.objects.get(slug="main")
    redact(shared_list=main, position=0, reason="A mistake.", confirmed_by=people, source="test")
    page = browser("police").get("/lists/main/").content.decode()
    short = str(item.pk)[:8]
    assert [row[:5] for row in rows(page)] == [
        ["1", "redact", short, "none", "none"],
        ["0", "admit", short, "none", "none"],
    ]
    assert "Redacted from" in browser("police").get(f"/items/{item.pk}/").content.decode()


def test_only_who_sees_items_is_led_to_them(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "a")
    assert f'href="/items/{item.pk}/"' in browser("police").get("/lists/main/").content.decode()
    assert f'href="/items/{item.pk}/"' not in browser("platform").get("/lists/main/").content.decode()


def test_a_list_of_others_is_not_named(browser: Browser) -> None:
    SharedList.objects.create(
        slug="inner", name="Inner list", required_kinds=["police"], codes=["A1"], audience_kinds=["police"]
    )
    assert "Inner list" in browser("police").get("/lists/").content.decode()
    assert "Inner list" not in browser("platform").get("/lists/").content.decode()
    assert browser("platform").get("/lists/inner/").status_code == 404


def test_an_audience_of_no_list_is_told_whom_to_ask(browser: Browser) -> None:
    page = browser("oversight").get("/lists/").content.decode()
    assert "in no list&#x27;s audience" in page or "in no list's audience" in page


def test_an_empty_list_says_when_it_fills(browser: Browser) -> None:
    page = browser("police").get("/lists/main/").content.decode()
    assert "The list is empty" in page
    assert "2 organisations" in page


def test_a_page_of_entries_costs_the_same_for_one_and_for_many(browser: Browser, cast: Cast) -> None:
    costs = []
    for names in (["a"], [f"b{number}" for number in range(10)]):
        for name in names:
            admitted_item(cast, name)
        client = browser("police")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/lists/main/").status_code == 200
        costs.append(len(captured))
    assert costs[0] == costs[1] <= 6
