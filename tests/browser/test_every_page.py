"""What holds on every page that the side bar leads to: no fault that a scan finds, little script, and words before script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from app.identity.models import Team, User
from tests import build
from tests.browser.desk import PHONE, Site, chromium, served, window
from tests.browser.scan import WIDER, faults

pytestmark = pytest.mark.browser
STATIC = Path(__file__).parents[2] / "static"
MORE = ("/me", "/accessibility", "/settings/channels", "/settings/channels/slack", "/settings/channels/teams",
        "/settings/channels/email", "/offline", "/policies/-/new", "/schedules/-/new", "/integrations/-/new", "/incidents/1?more=1")
SCRIPT = 100_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all of these."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(app: Flask, olga: User, ana: User, bob: User, payments: Team) -> Iterator[Site]:
    """A team with something on each page, served."""
    schedule = build.schedule("primary", team=payments, turns=[[bob], [ana]])
    place = build.service("checkout", team=payments, policy=build.policy("payments", (300, [schedule]), team=payments))
    build.integration("prometheus", plugin="alertmanager", team=payments, service=place)
    build.heartbeat("nightly", team=payments)
    build.incident("Checkout is down", service=place, severity="critical")
    with served(app) as found:
        yield found


def places(page: Page) -> list[str]:
    """Where the side bar leads, and some more."""
    return [*dict.fromkeys(link.get_attribute("href") or "" for link in page.locator("nav.side a").all()), *MORE]


def test_every_page_of_the_side_bar_has_no_fault_that_a_scan_finds(browser: Browser, site: Site) -> None:
    """IPG-31, IPG-35, QUAL-21, QUAL-27 (Chromium, the width of a telephone), HRD-17: none scrolls sideways, complains on the
    console, breaks the security policy or asks for what fails."""
    page, found = window(browser, site, "olga", **PHONE), []
    page.on("console", lambda said: found.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda fault: found.append(f"{page.url}: {fault}"))
    page.on("response", lambda answer: found.append(f"{answer.url}: {answer.status}") if answer.status >= 400 else None)
    for path in places(page):
        answer = page.goto(path)
        assert answer is not None and answer.ok, path
        found += faults(page, path)
        if page.evaluate(WIDER):
            found.append(f"{path} is wider than the screen")
    assert not found, "\n".join(found)


def test_all_script_together_is_less_than_a_page_may_load() -> None:
    """Fewer than 100 kB on any page, since no page loads more than all there is."""
    files = [*STATIC.glob("js/*.js"), *STATIC.glob("vendor/htmx/*.js")]
    assert sum(file.stat().st_size for file in files) < SCRIPT


def test_a_page_is_painted_before_any_script_has_come(browser: Browser, site: Site) -> None:
    """The list stands there while every script is still on its way."""
    page = window(browser, site, "ana")
    page.route("**/*.js*", lambda route: None)
    page.goto("/incidents", wait_until="commit")
    page.wait_for_selector("text=Checkout is down", timeout=20000)
    assert page.evaluate("!window.htmx")
    page.unroute_all(behavior="ignoreErrors")
