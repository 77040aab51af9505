"""What readers and partners have before them: no fault that a scan finds, nothing needs script, and with script news appear."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.identity.models import Team
from app.status_pages import notices, shelf
from app.status_pages.models import StatusPage
from app.status_pages.notices import Said
from tests import build
from tests.browser.desk import Site, chromium, served
from tests.browser.scan import seen

pytestmark = pytest.mark.browser
NARROW = {"viewport": {"width": 320, "height": 700}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all of these."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(app: Flask, payments: Team, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A public page that Pat was granted, too."""
    monkeypatch.setattr(shelf, "LOOK", 0.0)
    shelf.shelf(app).forget()
    build.partner("pat", build.status_page("shop", team=payments))
    write("Cards fail")
    with served(app) as found:
        app.config["BASE_URL"] = found.url
        yield found


def write(title: str) -> str:
    """A notice for everybody."""
    with transaction():
        page = session.query(StatusPage).one()
        return notices.open_notice(page, {"title": title, "components": [page.components[0].public_id]},
                                   Said("identified", "A *cable*."), by=OPERATOR).public_id


def window(browser: Browser, site: Site, **more: Any) -> Page:
    """Somebody who is not signed in."""
    return browser.new_context(base_url=site.url, reduced_motion="reduce", **more).new_page()


def faults(page: Page, path: str) -> list[str]:
    """What a scan finds there."""
    page.goto(path)
    return seen(page, path)


def press(page: Page, words: str) -> None:
    """Reach the button by the keyboard alone."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "BUTTON" and words in page.evaluate("document.activeElement.innerText"):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"no way to {words}")


def test_a_partner_comes_in_by_keyboard_without_script_and_no_scan_finds_a_fault(
        browser: Browser, site: Site, tick: Any, smtp: Any) -> None:
    """PTN-27, QUAL-25: login, link, list, page, month and what is not there, at 320 px, light and dark; STAT-19: the public
    pages likewise."""
    page, found = window(browser, site, **NARROW), []
    quiet = window(browser, site, java_script_enabled=False, **NARROW)
    quiet.goto("/partner/login")
    quiet.keyboard.press("Tab")
    quiet.fill("[name=email]", "pat@partner.example")
    press_without_script(quiet)
    tick("app.partners.ticks.send")
    link = re.search(r"/partner/open/[\w-]+", smtp.to("pat@partner.example")[0].text)[0]
    found += faults(page, "/partner/login") + faults(page, link)
    press(page, "Open the status pages")
    page.wait_for_url("**/partner")
    key = write("More")
    for path in ("/partner", "/partner/pages/shop", "/partner/pages/shop/history", f"/partner/pages/shop/notices/{key}",
                 "/partner/pages/none", "/status/shop", "/status/shop/history", "/status/shop/subscribe"):
        found += faults(page, path)
    assert not found, "\n".join(found)


def press_without_script(page: Page) -> None:
    """Enter in the field sends the form."""
    page.keyboard.press("Enter")
    page.wait_for_selector("text=on its way")


def test_news_appear_by_themselves_within_half_a_minute_and_nothing_reloads_without_script(browser: Browser, site: Site) -> None:
    """STAT-20: the page is the same one, no address was loaded anew; without script it stays as it was read."""
    page, quiet = window(browser, site), window(browser, site, java_script_enabled=False)
    page.clock.install()
    for one in (page, quiet):
        one.goto("/status/shop")
    page.evaluate("window.same = true")
    loads: list[str] = []
    quiet.on("request", lambda request: loads.append(request.url))
    write("Everything fails")
    page.clock.fast_forward(30_000)
    page.wait_for_selector("text=Everything fails", timeout=10_000)
    assert page.evaluate("window.same") and not loads and "Everything fails" not in quiet.content()
