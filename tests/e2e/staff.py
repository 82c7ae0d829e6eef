"""The staff pages as a person uses them: each method is one thing that somebody does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from tests.e2e.running import Person

_MOST_PAGES = 60
_TOTP_STEP_S = 30


class Staff:
    """A person in front of a window."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sign_in(self, person: Person) -> None:
        """Sign in over the form."""
        self.page.goto("/")
        self.page.get_by_label("Email").fill(person.email)
        self.page.get_by_label("Password").fill(person.password)
        self.page.get_by_role("button", name="Sign in").click()

    def confirm_with_password(self, person: Person) -> None:
        """Give the password again where it is asked for."""
        self.page.get_by_label("Password").fill(person.password)
        self.page.get_by_role("button", name="Confirm").click()

    def sign_out(self) -> None:
        """Sign out by the button of the header."""
        self.page.get_by_role("button", name="Sign out").click()
        self.sees_title("Sign in")

    def go_to(self, place: str) -> None:
        """Follow a link of the header."""
        self.page.get_by_role("banner").get_by_role("link", name=place, exact=True).click()

    def sees_title(self, title: str) -> None:
        """Check which page this is, by its one heading of the first rank."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def row(self, text: str) -> Locator:
        """Return the first row of a table that holds a text."""
        return self.page.get_by_role("row").filter(has_text=text).first

    def show_address(self) -> str:
        """Press the first such button and return what is shown."""
        self.page.get_by_role("button", name="Show address").first.click()
        return self.page.locator(".sd-address").inner_text()

    def every_page(self, *, one_of_a_kind: bool = False) -> Iterator[str]:
        """Follow every link from home on; gives each page's address while the window shows it.

        With ``one_of_a_kind`` of all items only the first is visited, and so with everything that there are many of.
        """
        kind = _kind_of if one_of_a_kind else str
        met, left = {"/"}, ["/"]
        while left:
            address = left.pop(0)
            answer = self.page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            yield address
            for link in self._links():
                if kind(link) not in met:
                    met.add(kind(link))
                    left.append(link)
            assert len(met) < _MOST_PAGES

    def _links(self) -> list[str]:
        """Return where the page leads within the hub; ``?page=2`` and its like are pages of their own."""
        hrefs = self.page.eval_on_selector_all(
            "a[href]", "links => links.map(link => { const to = new URL(link.href); return to.pathname + to.search })"
        )
        return [str(href) for href in hrefs]


def _kind_of(address: str) -> str:
    """Return an address without what tells one of many from the others."""
    return re.sub(r"[0-9a-f-]{36}|=\w+", "", address)


def one_time_code(secret: str) -> str:
    """Return the code that an authenticator app shows now (RFC 6238 with its defaults)."""
    counter = struct.pack(">Q", int(time.time()) // _TOTP_STEP_S)
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 15)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
