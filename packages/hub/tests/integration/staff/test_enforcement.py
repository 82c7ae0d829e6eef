"""The pages about what platforms do with the lists: who enforces them, what matched an item, and what is disputed."""

import uuid
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from staydown_hub.lists.models import SharedList
from staydown_hub.registry.models import Item

from packages.hub.tests.cast import Cast, Member
from packages.hub.tests.factories import admitted_item, assess
from packages.hub.tests.integration.enforcement.receipts import receipt
from packages.hub.tests.integration.enforcement.test_matches import dispute, match
from packages.hub.tests.integration.staff.conftest import Browser
from packages.hub.tests.integration.staff.test_lists import rows

NOT_HEARD_OF = "Not heard of in 30 days, or ever"


def shown(page: str, heading: str) -> str:
    """Return the part of a page below a heading, up to the next one."""
    assert f"{heading}</h2>" in page, heading
    return page.split(f"{heading}</h2>")[1].split("<h2", maxsplit=1)[0]


def report(client: Client, member: Member, **changed: object) -> None:
    assert member.post(client, "matches", {"matches": [match(**changed)]}).status_code == 200


def test_each_list_is_shown_with_how_its_filters_stand(browser: Browser, cast: Cast) -> None:
    admitted_item(cast, "a")
    page = browser("regulator").get("/enforcement/").content.decode()
    assert rows(page) == [["Main list", "1", "0", "none has reported", "nobody", "3"]]
    for member, ago in ((cast.platform, 0), (cast.platform, 3), (cast.carrier, 90)):
        receipt(member, position=0, ago=timedelta(minutes=ago))
    receipt(cast.another_platform, position=-1, state="refused", problem="shrunk")
    page = browser("oversight").get("/enforcement/").content.decode()
    assert rows(page) == [["Main list", "1", "4", "2 live 1 refused 1 silent", "Carrier, 1 h 30 min", "0"]]
    assert 'href="/enforcement/main/"' in page
    assert "/enforcement/" in browser("police").get("/").content.decode()
    assert "/enforcement/" not in browser("platform").get("/").content.decode()


def test_one_list_names_laggards_first_and_who_never_reported(browser: Browser, cast: Cast) -> None:
    for name in ("a", "b"):
        admitted_item(cast, name)
    receipt(cast.platform, position=1)
    receipt(cast.carrier, position=-1, state="refused", problem="signature", ago=timedelta(minutes=2))
    page = browser("monitor").get("/enforcement/main/").content.decode()
    first, second = rows(page)
    assert first[:5] == ["Carrier", "1", "1 refused no signature that it trusts", "nothing", "2"]
    assert first[5].startswith("2 min")
    assert second == ["Platform", "1", "1 live", "1", "none", "not late"]
    assert "Another Platform" in shown(page, NOT_HEARD_OF)
    assert "Carrier" not in shown(page, NOT_HEARD_OF)


def test_a_list_of_others_is_shown_to_who_oversees_and_to_nobody_else(browser: Browser) -> None:
    SharedList.objects.create(
        slug="inner", name="Inner list", required_kinds=["police"], codes=["A1"], audience_kinds=["police"]
    )
    for address in ("/enforcement/inner/", "/lists/inner/disputes/"):
        found = {
            name: browser(name).get(address).status_code for name in ("police", "oversight", "monitor", "platform")
        }
        assert found == {"police": 200, "oversight": 200, "monitor": 404, "platform": 403}
    assert "Inner list" not in browser("monitor").get("/enforcement/").content.decode()


def test_an_item_shows_who_enforces_it(browser: Browser, cast: Cast) -> None:
    item = admitted_item(cast, "a")
    receipt(cast.platform, position=0)
    receipt(cast.carrier, position=0)
    receipt(cast.carrier, position=-1)
    part = shown(_page(browser, item), "Who enforces it")
    carrier, platform = rows(part)
    assert carrier == ["Carrier", "1 of 2", "not all yet"]
    assert platform[:2] == ["Platform", "1 of 1"]
    assert platform[2].endswith(" UTC")
    assess(cast.police, "a", code="NONE")
    part = shown(_page(browser, item), "Who enforces it")
    assert "withdraw" in part
    assert [row[1] for row in rows(part)] == ["0 of 2", "0 of 1"]


def test_an_item_shows_matches_and_disputes_of_platforms(browser: Browser, cast: Cast, client: Client) -> None:
    item = admitted_item(cast, "a")
    report(client, cast.platform, reference="<b>r-1</b>", at="2026-01-02T03:04:05Z")
    report(client, cast.carrier, algorithm="sha256", distance_bits=0, at="2026-01-01T03:04:05Z")
    dispute(client, cast.platform, reason="A <b>drawing</b> of ours.")
    page = _page(browser, item)
    assert rows(shown(page, "Matches at platforms")) == [
        ["Platform", "Main list", "0", "pdq, 12 bits away", "&lt;b&gt;r-1&lt;/b&gt;", "2026-01-02 03:04:05 UTC"],
        ["Carrier", "Main list", "0", "sha256", "upload/2026-01/8c1d", "2026-01-01 03:04:05 UTC"],
    ]
    (disputed,) = rows(shown(page, "Disputes"))
    assert disputed[:4] == ["Platform", "Main list", "0", "A &lt;b&gt;drawing&lt;/b&gt; of ours. Where it stands"]
    oversight = browser("oversight").get(f"/items/{item.pk}/").content.decode()
    assert "sha256" in shown(oversight, "Matches at platforms")
    assert "gt;r-1" not in oversight, "a platform's reference is for those who judge items"


def test_a_list_shows_its_disputes(browser: Browser, cast: Cast, client: Client) -> None:
    assert "No platform disputes" in browser("police").get("/lists/main/disputes/").content.decode()
    item = admitted_item(cast, "a")
    dispute(client, cast.carrier)
    page = browser("police").get("/lists/main/disputes/").content.decode()
    (row,) = rows(page)
    assert row[:4] == ["Carrier", str(item.pk)[:8], "0", "A drawing of ours. Where it stands"]
    assert f'href="/items/{item.pk}/"' in page


def test_an_item_on_no_list_says_nothing_of_platforms(browser: Browser, cast: Cast) -> None:
    item = Item.objects.create(id=uuid.uuid4(), kind="picture", opened_by=cast.police.organisation)
    page = _page(browser, item)
    assert "Who enforces it" not in page
    assert "Matches at platforms" not in page


def test_a_page_costs_the_same_for_one_and_for_many(browser: Browser, cast: Cast, client: Client) -> None:
    item = admitted_item(cast, "a")
    costs = []
    for count in (1, 20):
        for _ in range(count):
            receipt(cast.platform, position=0)
            report(client, cast.platform)
        police = browser("police")
        for address in ("/enforcement/", "/enforcement/main/", f"/items/{item.pk}/"):
            with CaptureQueriesContext(connection) as captured:
                assert police.get(address).status_code == 200
            costs.append(len(captured))
    assert costs[:3] == costs[3:]
    assert max(costs) <= 24


def _page(browser: Browser, item: Item) -> str:
    return browser("police").get(f"/items/{item.pk}/").content.decode()
