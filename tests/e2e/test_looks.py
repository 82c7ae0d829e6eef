"""Every page that there is, wide and narrow, light and dark: readable by all, and nothing cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.browser import NARROW, WIDE, window
from tests.e2e.looks import complaints, is_cut_off
from tests.e2e.staff import Staff

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.e2e.running import Person, Scene

LOOKS = pytest.mark.parametrize(
    ("width", "dark"), [(WIDE, True), (NARROW, False)], ids=["wide and dark", "narrow and light"]
)


def check_every_page(staff: Staff, person: Person, *, one_of_a_kind: bool) -> list[str]:
    staff.sign_in(person)
    pages = []
    for address in staff.every_page(one_of_a_kind=one_of_a_kind):
        assert complaints(staff.page) == [], address
        assert not is_cut_off(staff.page), address
        pages.append(address)
    return pages


def test_every_single_page_of_an_officer(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url) as page:
        pages = check_every_page(Staff(page), scene.officer, one_of_a_kind=False)
    assert {"/", "/items/", "/lists/", "/lists/main/", "/requests/", "/account/", "/accounts/2fa/"} <= set(pages)
    assert {"/decisions/", "/schemes/", "/lists/main/dispute/"} <= set(pages)
    for kind in ("/panels/", "/gate/", "/disputes/"):
        assert any(address.startswith(kind) for address in pages), kind
    assert {"/enforcement/", "/enforcement/main/", "/lists/main/disputes/"} <= set(pages)
    victims = [address for address in pages if address.endswith("/victim/")]
    assert sum(address.startswith("/items/") and "?" not in address for address in pages) - len(victims) == 7
    assert len(victims) == 6
    assert sum(address.startswith("/requests/") and "?" not in address for address in pages) == 3


@LOOKS
def test_each_kind_of_page_of_an_officer(browser: Browser, scene: Scene, width: int, *, dark: bool) -> None:
    with window(browser, scene.url, width=width, dark=dark) as page:
        assert len(check_every_page(Staff(page), scene.officer, one_of_a_kind=True)) > 10


@LOOKS
def test_each_kind_of_page_of_a_host(browser: Browser, scene: Scene, width: int, *, dark: bool) -> None:
    with window(browser, scene.url, width=width, dark=dark) as page:
        assert "/items/" not in check_every_page(Staff(page), scene.host, one_of_a_kind=True)


@LOOKS
def test_the_page_to_sign_in(browser: Browser, scene: Scene, width: int, *, dark: bool) -> None:
    with window(browser, scene.url, width=width, dark=dark) as page:
        page.goto("/accounts/login/")
        assert complaints(page) == []
        page.get_by_role("button", name="Sign in").click()
        page.goto("/accounts/password/reset/")
        assert complaints(page) == []
        assert not is_cut_off(page)


@LOOKS
def test_a_long_address_when_it_is_shown(browser: Browser, scene: Scene, width: int, *, dark: bool) -> None:
    with window(browser, scene.url, width=width, dark=dark) as page:
        staff = Staff(page)
        staff.sign_in(scene.officer)
        page.goto("/items/?standing=withdrawn")
        staff.row("withdrawn").get_by_role("link").click()
        staff.show_address()
        assert complaints(page) == []
        assert not is_cut_off(page)


def test_dark_follows_the_system(browser: Browser, scene: Scene) -> None:
    shades = {}
    for dark in (False, True):
        with window(browser, scene.url, dark=dark) as page:
            page.goto("/accounts/login/")
            shades[dark] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert shades[False] != shades[True]
