"""Debian's Chromium, watched: what a page asks for, and what it complains about."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, ConsoleMessage, Request

WIDE, NARROW = 1200, 360

_FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium; it can reach nothing but this machine."""
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("The browser tests drive Chromium, which is missing. Install it: apt install chromium")
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *as_root])
        yield browser
        browser.close()


class Watch:
    """What happened in a window: every address asked for, and every complaint of the browser."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked: list[str] = []
        self.complaints: list[str] = []
        context.on("request", self._note_request)
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _note_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")

    def hosts(self) -> set[str | None]:
        """Return every host that was asked for anything; pages carry small pictures of their own as data."""
        return {urlsplit(url).hostname for url in self.asked if not url.startswith("data:")}


@contextmanager
def window(
    browser: Browser, url: str, *, width: int = WIDE, dark: bool = False, script: bool = True, refusals: int = 0
) -> Iterator[Page]:
    """Open a window of its own on a hub, and hold it to asking nobody else and to complaining about nothing.

    The browser notes each page that is refused: of these notes there must be as many as ``refusals`` says.
    """
    context = browser.new_context(
        base_url=url,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
    )
    watch = Watch(context)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()
    assert watch.hosts() <= {"127.0.0.1"}, watch.hosts()
    others = [one for one in watch.complaints if "responded with a status of 403" not in one]
    assert not others, others
    assert len(watch.complaints) == refusals, watch.complaints
