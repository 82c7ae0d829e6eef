"""What a page is like for everybody: axe-core's rules, and whether it fits the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types

if TYPE_CHECKING:
    from playwright.sync_api import Page

# All of its rules: those of WCAG up to AA, and those of good practice.
_OPTIONS = {"resultTypes": ["violations"]}


def complaints(page: Page) -> list[str]:
    """Return what is wrong with a page for somebody: each rule with the parts that break it."""
    found = Axe().run(page, options=_OPTIONS).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def is_cut_off(page: Page) -> bool:
    """Tell whether one must scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
