"""What holds of every page: nothing typed becomes markup, nothing is kept, nothing comes from elsewhere."""

import re
from io import BytesIO

import pytest
from django.test import Client
from staydown_hub.lists.models import SharedList
from staydown_hub.lists.services import withdraw_entry
from staydown_hub.organisations.models import Organisation

from packages.hub.tests.cast import Cast
from packages.hub.tests.factories import admitted_item, report
from packages.hub.tests.integration.staff.conftest import Browser, request_of

MARKUP = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
ESCAPED = "&lt;script&gt;"


@pytest.fixture
def every_page(cast: Cast) -> list[str]:
    """Name the addresses of all pages, where every text that people choose is markup."""
    Organisation.objects.update(name=MARKUP)
    SharedList.objects.update(name=MARKUP)
    waiting = report(cast.support_centre, "waiting", code="A1", urls=["https://host.example/"])
    item = admitted_item(cast, "seen", urls=["https://host.example/'onmouseover='alert(1)"])
    main = SharedList.objects.get(slug="main")
    withdraw_entry(cast.police.actor, shared_list=main, position=0, reason=MARKUP)
    request = request_of(cast, "platform")
    Organisation.objects.update(name=MARKUP)
    return [
        "/",
        "/items/",
        f"/items/{item.pk}/",
        f"/items/{waiting.pk}/",
        "/lists/",
        "/lists/main/",
        "/requests/",
        f"/requests/{request.pk}/",
        "/account/",
        "/nowhere/",
    ]


def test_nothing_that_people_choose_becomes_markup(browser: Browser, every_page: list[str]) -> None:
    client = browser("police")
    for address in every_page:
        page = client.get(address).content.decode()
        assert ESCAPED in page, address
        assert "<script>alert" not in page, address
        assert "<img" not in page, address


def test_nothing_is_kept_in_a_cache(browser: Browser, every_page: list[str]) -> None:
    for client, addresses in (
        (browser("police"), [*every_page, "/accounts/2fa/", "/accounts/password/change/", "/items/?standing=x"]),
        (browser("outsider"), every_page),
        (browser("nobody"), [*every_page, "/accounts/login/"]),
    ):
        for address in addresses:
            assert "no-store" in client.get(address)["Cache-Control"], address


def test_the_policy_allows_no_inline_script_or_style_and_no_other_host(browser: Browser, every_page: list[str]) -> None:
    client = browser("police")
    for address in [*every_page, "/accounts/2fa/"]:
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        page = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=\"|javascript:", page), address
        assert not re.search(r'(?:href|src|action)="(?:https?:)?//', page), address
        assert not re.search(r"<script(?![^>]*(?:src=\"/static/|type=\"application/json\"))", page), address


def test_every_page_has_its_language_title_landmark_and_one_heading(browser: Browser, every_page: list[str]) -> None:
    client = browser("police")
    titles = set()
    for address in every_page:
        page = client.get(address).content.decode()
        assert '<html lang="en">' in page
        assert page.count("<h1") == page.count("<main") == 1
        assert 'href="#content"' in page
        assert page.count("<table") == page.count("<caption")
        (title,) = re.findall(r"<title>(.*?)</title>", page, re.DOTALL)
        titles.add(title)
    assert len(titles) == len(every_page)


def test_times_say_that_they_are_utc(browser: Browser, every_page: list[str]) -> None:
    page = browser("police").get(every_page[2]).content.decode()
    times = re.findall(r'<time datetime="([^"]+)">([^<]+)</time>', page)
    assert times
    for exact, read in times:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", exact)
        assert read == f"{exact[:10]} {exact[11:19]} UTC"


@pytest.mark.django_db
def test_static_files_stay_in_the_cache_and_no_other_files_are_served(client: Client) -> None:
    served = client.get("/static/staydown_hub/staff.css")
    assert b"color-scheme: light dark" in b"".join(served.streaming_content)  # type: ignore[attr-defined]  # a file's answer
    served.close()
    assert "no-store" not in served["Cache-Control"]
    assert client.get("/static/../config/settings.py").status_code == 404


def test_a_file_that_is_sent_is_not_taken(browser: Browser, every_page: list[str]) -> None:
    client = browser("police")
    for address in (every_page[2], "/accounts/password/change/"):
        answer = client.post(address, {"sighting": BytesIO(b"not a picture"), "file": BytesIO(b"nor this")})
        assert answer.status_code in {200, 400}
        assert b"not a picture" not in answer.content
