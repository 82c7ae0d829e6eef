"""The staff pages in a real browser, on a real hub: what people of each kind do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error, expect

from tests.e2e.browser import window
from tests.e2e.looks import complaints
from tests.e2e.running import LONG, SEEN_AT, Person, Scene
from tests.e2e.staff import Staff, one_time_code

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_an_officer_follows_an_item_to_its_removal(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url) as page:
        staff = Staff(page)
        staff.sign_in(scene.officer)
        staff.sees_title("Northland Police, Unit for Online Offences")
        staff.go_to("Items")
        page.get_by_role("link", name="admitted").click()
        staff.row("admitted").get_by_role("link").click()
        expect(page.get_by_text("Admitted to Main list at position 0.")).to_be_visible()
        expect(page.get_by_text("Request for 127.0.0.1: notice sent")).to_be_visible()
        page.get_by_role("link", name="sent").first.click()
        expect(page.get_by_text("Harbour Hosting, abuse@harbour.example")).to_be_visible()
        staff.go_to("Lists")
        page.get_by_role("link", name="Main list").click()
        expect(staff.row("withdraw")).to_contain_text("2")


def test_an_address_is_shown_as_text_and_only_once(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url) as page:
        staff = Staff(page)
        staff.sign_in(scene.officer)
        page.goto("/items/?standing=admitted")
        staff.row("admitted").get_by_role("link").click()
        assert "gallery" not in page.content()
        assert staff.show_address() == f"{SEEN_AT}&admitted"
        assert page.locator("a, img, iframe").evaluate_all(
            "all => all.every(one => !one.outerHTML.includes('gallery'))"
        )
        address = page.url.partition("#")[0]
        page.goto(address)
        assert "gallery" not in page.content()


def test_after_signing_out_the_back_button_shows_nothing(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url) as page:
        staff = Staff(page)
        staff.sign_in(scene.officer)
        page.goto("/items/?standing=admitted")
        staff.row("admitted").get_by_role("link").click()
        staff.show_address()
        page.goto("/account/")
        staff.sign_out()
        page.go_back()
        staff.sees_title("Sign in")
        # The page that showed it was the answer to a form: the browser would have to send that again, and does not.
        with pytest.raises(Error, match="ERR_CACHE_MISS"):
            page.go_back()
        expect(page.locator("body")).not_to_contain_text("gallery")


def test_a_host_sees_what_is_asked_of_it_and_where(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url) as page:
        staff = Staff(page)
        staff.sign_in(scene.host)
        expect(page.get_by_role("link", name="Items")).to_have_count(0)
        staff.row("sent").get_by_role("link").click()
        expect(page.get_by_text("Notice sent", exact=True).first).to_be_visible()
        assert "Police" not in page.content()
        assert staff.show_address() == f"{SEEN_AT}&admitted"


def test_an_outsider_is_told_and_finds_the_account(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url, refusals=1) as page:
        staff = Staff(page)
        staff.sign_in(scene.visitor)
        staff.sees_title("This page is not for your organisation")
        expect(page.get_by_role("navigation")).to_have_count(0)
        page.get_by_role("link", name="Go to your account").click()
        staff.sees_title("Account")
        staff.sign_out()


def test_everything_works_without_scripts(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url, script=False) as page:
        staff = Staff(page)
        staff.sign_in(scene.officer)
        page.goto("/items/?standing=withdrawn")
        staff.row("withdrawn").get_by_role("link").click()
        assert staff.show_address() == f"{LONG}&far"
        staff.sign_out()


def test_a_second_factor_is_set_up_and_asked_for(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url, dark=True) as page:
        staff = Staff(page)
        staff.sign_in(scene.analyst)
        secret = _set_up_authenticator(staff, scene.analyst)
        staff.sign_out()
        staff.sign_in(scene.analyst)
        staff.sees_title("Two-Factor Authentication")
        assert complaints(page) == []
        page.get_by_label("Code").fill(one_time_code(secret))
        page.get_by_role("button", name="Sign In").click()
        staff.sees_title("Lantern Support Centre")


def _set_up_authenticator(staff: Staff, person: Person) -> str:
    page = staff.page
    staff.go_to("Account")
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Activate").click()
    assert complaints(page) == []
    staff.confirm_with_password(person)
    assert complaints(page) == []
    secret = page.get_by_label("Authenticator secret").input_value()
    page.get_by_label("Authenticator code").fill(one_time_code(secret))
    page.get_by_role("button", name="Activate").click()
    staff.sees_title("Recovery Codes")
    assert complaints(page) == []
    for address in ("/accounts/2fa/", "/accounts/2fa/webauthn/add/", "/accounts/2fa/totp/deactivate/"):
        page.goto(address)
        assert complaints(page) == [], address
    return secret


def test_the_keyboard_reaches_the_content_at_once(browser: Browser, scene: Scene) -> None:
    with window(browser, scene.url) as page:
        staff = Staff(page)
        staff.sign_in(scene.officer)
        page.goto("/items/")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="all")).to_be_focused()
