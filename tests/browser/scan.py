"""The automated scan of a page: which faults it finds by WCAG 2.2 AA."""

from __future__ import annotations

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# Only what is wrong comes back from the browser: all that is right is many times as long.
SCAN = """async (rules) => (await axe.run({runOnly: rules, resultTypes: ['violations']})).violations
  .flatMap((one) => one.nodes.slice(0, 3).map((node) => `${one.id} ${node.target.join(' ')}`))"""
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def faults(page: Page, name: str, only: str = "") -> list[str]:
    """What the scan finds, one line each; `only` is one rule."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(SCAN, {"type": "rule", "values": [only]} if only else RULES)
    return [f"{name}: {one}" for one in found]


def seen(page: Page, name: str) -> list[str]:
    """The faults of a page as it stands: all rules in light, what is read in dark, and nothing beside the screen."""
    page.emulate_media(color_scheme="light")
    found = faults(page, name)
    page.emulate_media(color_scheme="dark")
    found += faults(page, f"{name} in dark", only="color-contrast")
    page.emulate_media(color_scheme="light")
    return found + ([f"{name} is wider than the screen"] if page.evaluate(WIDER) else [])
