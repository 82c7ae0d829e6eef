"""The items' pages: newest first, by standing, a page at a time; and one item's whole history as one timeline."""

import re

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.queries import standing_of
from staydown_hub.lists.services import withdraw_entry
from staydown_hub.registry.models import Item
from staydown_hub.registry.relaying import relay_self_report
from staydown_hub.staff.paging import page_of
from staydown_hub.staff.queries.items import items, rows_of
from staydown_hub.staff.queries.standings import STATUSES, undecided
from staydown_hub.staff.viewer import viewer_of

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, assess, prints_of, report
from packages.hub.tests.integration.staff.conftest import Browser, person_of
from packages.hub.tests.people import self_report_list


@pytest.fixture
def one_of_each(cast: Cast) -> dict[str, Item]:
    """Make an item of each standing, in this order."""
    made = {
        "open": report(cast.police, "open"),
        "waiting": report(cast.police, "waiting", code="A1"),
        "admitted": admitted_item(cast, "admitted"),
        "disputed": report(cast.police, "disputed", code="NONE"),
        "withdrawn": admitted_item(cast, "withdrawn"),
        "held": report(cast.support_centre, "held"),
    }
    withdraw(cast, position=1, reason="A press photograph")
    self_report_list()
    relay_self_report(cast.support_centre.actor, kind="picture", fingerprints=prints_of("held"))
    return made


def withdraw(cast: Cast, *, position: int, reason: str) -> None:
    main = SharedList.objects.get(slug="main")
    withdraw_entry(cast.police.actor, shared_list=main, position=position, reason=reason)


def shown(page: str) -> list[str]:
    """Return the items that a page has a row of, in its order."""
    return re.findall(r'<th role="rowheader" scope="row"[^>]*><a class="sd-id" href="/items/([^/]+)/"', page)


def test_items_are_shown_newest_first(browser: Browser, one_of_each: dict[str, Item]) -> None:
    page = browser("police").get("/items/").content.decode()
    assert shown(page) == [str(item.pk) for item in reversed(one_of_each.values())]


def test_a_filter_shows_the_items_of_one_standing(browser: Browser, one_of_each: dict[str, Item]) -> None:
    for standing, item in one_of_each.items():
        page = browser("police").get(f"/items/?standing={standing}").content.decode()
        assert shown(page) == [str(item.pk)], standing
        assert f'<a href="?standing={standing}" aria-current="true">' in page


def test_the_database_and_the_rules_agree_on_every_standing(one_of_each: dict[str, Item], cast: Cast) -> None:
    assess(cast.regulator, "admitted", code="NONE")  # a dispute after the admission undoes nothing
    assess(cast.support_centre, "disputed", code="A1")
    assess(cast.regulator, "withdrawn", code="A2")
    viewer = viewer_of(person_of(cast, "oversight"))
    assert viewer
    shown = rows_of(page_of(items(viewer, standing=None), RequestFactory().get("/")), viewer)
    found = {item.pk: getattr(item, "standing") for item in shown}  # noqa: B009 -- an annotation
    assert found == {item.pk: standing_of(item.pk).status for item in one_of_each.values()}
    assert set(found.values()) == set(STATUSES)
    assert {item.pk for item in Item.objects.filter(undecided())} == {
        pk for pk, one in found.items() if one in {"open", "waiting", "held"}
    }
    for status in STATUSES:
        assert {item.pk for item in items(viewer, standing=status)} == {
            pk for pk, one in found.items() if one == status
        }


@pytest.mark.parametrize("value", ["nonsense", "<script>alert(1)</script>", "OPEN", "open ", "x" * 5_000])
def test_an_unknown_standing_is_not_understood(browser: Browser, value: str) -> None:
    answer = browser("police").get("/items/", {"standing": value})
    assert answer.status_code == 400
    assert value not in answer.content.decode()
    assert "did not understand" in answer.content.decode()


def test_no_items_yet_says_what_to_do(browser: Browser) -> None:
    assert "staydown report FILE" in browser("police").get("/items/").content.decode()
    assert "No item stands disputed now" in browser("police").get("/items/?standing=disputed").content.decode()


def many(cast: Cast, count: int) -> None:
    Item.objects.bulk_create(Item(kind="picture", opened_by=cast.police.organisation) for _ in range(count))


def test_pages_hold_fifty_and_keep_the_filter(browser: Browser, cast: Cast) -> None:
    many(cast, 101)
    client = browser("police")
    first, last = (client.get(f"/items/?standing=open&page={page}").content.decode() for page in (1, 3))
    assert (len(shown(first)), len(shown(last))) == (50, 1)
    assert "1 to 50 of 101 items" in first
    assert 'href="?standing=open&amp;page=2"' in first
    assert 'rel="next"' not in last


@pytest.mark.parametrize(
    ("number", "rows"), [("0", 1), ("-3", 1), ("99999999999999999999", 1), ("x", 50), ("", 50), ("1e3", 50)]
)
def test_a_page_number_that_is_none_gives_the_nearest(browser: Browser, cast: Cast, number: str, rows: int) -> None:
    many(cast, 51)
    answer = browser("police").get("/items/", {"page": number})
    assert (answer.status_code, len(shown(answer.content.decode()))) == (200, rows)


def queries_of(browser: Browser, address: str) -> int:
    client = browser("police")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_a_page_of_items_costs_the_same_for_one_and_for_fifty(browser: Browser, cast: Cast) -> None:
    many(cast, 1)
    one = queries_of(browser, "/items/")
    many(cast, 49)
    assert queries_of(browser, "/items/") == one <= 6


def test_an_item_costs_the_same_with_one_event_and_with_many(browser: Browser, cast: Cast) -> None:
    small = admitted_item(cast, "small", urls=["https://host.example/0"])
    withdraw(cast, position=0, reason="small")
    one = queries_of(browser, f"/items/{small.pk}/")
    large = admitted_item(cast, "large", urls=[f"https://host{number}.example/" for number in range(60)])
    for code in ("A1", "A2") * 6:
        assess(cast.regulator, "large", code=code)
    assert queries_of(browser, f"/items/{large.pk}/") <= one <= 23


def test_the_history_tells_everything_newest_first(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "seen", urls=["https://host.example/a"])
    assess(cast.regulator, "seen", code="A1")
    withdraw(cast, position=0, reason="A press photograph")
    page = browser("police").get(f"/items/{item.pk}/").content.decode()
    timeline = re.sub(r"<[^>]+>", "", page[page.index("sd-timeline") :])
    told = [line.strip() for line in timeline.splitlines() if line.strip().endswith((".", "”"))]
    assert told[:8] == [
        "Withdrawn from Main list at position 2. Police: “A press photograph”",
        "Police assessed it as NONE (baseline-1).",
        "Amended on Main list at position 1.",
        "Regulator assessed it as A1 (baseline-1), independently.",
        "Admitted to Main list at position 0.",
        "Police assessed it as TEST (baseline-1), independently; superseded since.",
        "Support Centre assessed it as TEST (baseline-1), independently.",
        "Support Centre reported it at host.example.",
    ]
    assert told[8] == "Support Centre opened the item."


def test_a_long_history_is_paged_beside_the_sightings(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "seen", urls=[f"https://host{number:03}.example/" for number in range(100)])
    client = browser("police")
    first = client.get(f"/items/{item.pk}/").content.decode()
    assert "1 to 50 of 100 sightings" in first
    assert "1 to 50 of 204 events" in first
    later = client.get(f"/items/{item.pk}/?seen=2&page=5").content.decode()
    assert "51 to 100 of 100 sightings" in later
    assert "201 to 204 of 204 events" in later
    assert 'href="?seen=2&amp;page=4"' in later
    assert "opened the item" in later


def test_an_item_seen_nowhere_says_what_that_means(browser: Browser, cast: Cast) -> None:
    item = report(cast.police, "unseen")
    page = browser("police").get(f"/items/{item.pk}/").content.decode()
    assert "reported without an address" in page
    assert escape("staydown assess FILE --code CODE") in page
