"""No page breaks WCAG 2.2 AA by an automated scan: wide and narrow, light and dark."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from app.core import clock
from app.core.db import session, transaction
from app.escalation import service as escalation
from app.identity.models import Team, User
from app.incidents import merging, room, service
from app.incidents.models import Incident
from tests import build
from tests.browser.scan import faults, seen
from tests.incidents.people import by

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
PAGES = ("/incidents", "/incidents?status=resolved&q=nothing", "/incidents/1", "/incidents/4?itself=1", "/incidents/new",
         "/incidents/1/resolve", "/incidents/1/merge", "/incidents/1/roles/scribe", "/incidents/1/print", "/search?q=checkout",
         "/on-call", "/schedules", "/schedules/primary", "/services", "/services/checkout", "/people", "/teams/payments",
         "/policies", "/integrations", "/me", "/audit", "/status/shop", "/status-pages/shop", "/status-pages/shop/notices/-/new")


@pytest.fixture
def room_of_one(ana: User, bob: User, payments: Team) -> None:
    """An incident with everything on its page, others in each state, and who is on duty."""
    schedule = build.schedule("primary", team=payments, turns=[[bob], [ana]])
    place = build.service("checkout", team=payments,
                          policy=build.policy("payments", (300, [schedule]), (600, [ana]), team=payments))
    build.integration("prometheus", plugin="alertmanager", team=payments, service=place)
    build.status_page("shop", team=payments, components=[{"name": "Checkout", "services": ["checkout"]}])
    for severity in ("critical", "high", "low", "medium"):
        incident = build.incident(f"Checkout is {severity}", service=place, severity=severity, labels={"region": "eu"})
        build.alert(incident, dedup_key=severity, labels={"job": "checkout"})
        with transaction():
            escalation.start(session.get_one(Incident, incident.id))
    with transaction():
        fill(*(session.get_one(Incident, number) for number in (1, 2, 3, 4)), ana, bob)


def fill(one: Incident, two: Incident, three: Incident, four: Incident, ana: User, bob: User) -> None:
    """What people did."""
    merging.merge(four, one, by=by(ana))
    room.take_role(one, "commander", bob, by=by(ana))
    room.add_task(one, "Call the provider", bob, by=by(ana))
    room.change_task(one, room.add_task(one, "Look at the queue", None, by=by(ana)).id, by=by(bob), done=True)
    room.time_updates(one, 30, by=by(bob))
    room.post_update(one, "We *know*", by=by(bob))
    service.add_note(one, "| a | b |\n|---|---|\n| `1` | <https://example.com> |", by=by(ana))
    service.add_responders(one, [ana], by=by(bob))
    service.acknowledge(two, by=by(bob))
    service.snooze(three, clock.now() + timedelta(hours=1), by=by(bob))


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """The application, served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A browser."""
    if not Path(CHROMIUM).is_file():
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as played:
        opened = played.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def signed_in(browser: Browser, address: str, **context: Any) -> Page:
    """Ana's window."""
    page = browser.new_context(base_url=address, reduced_motion="reduce", **context).new_page()
    page.goto("/login")
    page.fill("[name=email]", "ana@example.com")
    page.fill("[name=password]", build.PASSWORD)
    page.click("button.primary")
    page.wait_for_url("**/incidents")
    return page


def test_no_page_has_a_fault_that_a_scan_finds(app: Flask, room_of_one: None, browser: Browser, address: str) -> None:
    """IPG-31, IPG-35, QUAL-21, QUAL-24: in light and dark, contrast included; and no page scrolls sideways on a telephone."""
    page, found = signed_in(browser, address), []
    for path in PAGES:
        assert page.goto(path).ok, path  # type: ignore[union-attr]
        for width in (1280, 375):
            page.set_viewport_size({"width": width, "height": 900})
            found += seen(page, f"{path} at {width}")
    assert not found, "\n".join(found)
    page.evaluate("document.querySelector('main').append(new Image())")
    assert faults(page, "a picture without words")  # the scan does look


def test_with_keys_only(app: Flask, room_of_one: None, browser: Browser, address: str) -> None:
    """IPG-30, QUAL-22: walk, tick, acknowledge what is ticked, find by Ctrl-K; the scan finds names and roles."""
    page = signed_in(browser, address)
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("[data-bulk-count]").inner_text() == "1 selected"
    page.keyboard.press("a")
    page.wait_for_url("**/incidents?done=1")
    assert "1 acknowledged." in page.locator(".banner[role=status]", has_text="acknowledged").inner_text()
    page.keyboard.press("Control+k")
    page.keyboard.type("#2")
    page.locator("[data-hit]", has_text="#2 Checkout is high").wait_for()
    assert not faults(page, "the palette")
    page.locator("[data-hit]", has_text="#2 Checkout is high").press("Enter")
    page.wait_for_url("**/incidents/2")


def test_a_key_does_nothing_while_typing_or_when_switched_off(app: Flask, room_of_one: None, browser: Browser,
                                                              address: str) -> None:
    """IPG-30, QUAL-26: they are listed under `?`, where each can be turned off."""
    page = signed_in(browser, address)
    page.goto("/incidents/2")
    page.keyboard.press("n")
    page.keyboard.type("a j k ?")
    assert page.locator("textarea[name=body]").input_value() == "a j k ?" and page.url.endswith("/incidents/2")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert not faults(page, "the help sheet")
    page.locator("label", has_text="snooze").locator("input").uncheck()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    page.keyboard.press("s")
    page.keyboard.press("r")
    page.wait_for_url("**/incidents/2/resolve")


def test_ticks_outlive_what_others_do(app: Flask, room_of_one: None, browser: Browser, address: str, bob: User) -> None:
    """IPG-06, IPG-26, QUAL-23: the row of another changes by itself, the tick stays."""
    page = signed_in(browser, address)
    page.locator("input[name=id][value='2']").check()
    with transaction():
        service.acknowledge(session.get_one(Incident, 1), by=by(bob))
    page.evaluate("dispatchEvent(new Event('online'))")  # the page looks again, as it does without a socket
    page.locator("#row-1", has_text="Acknowledged").wait_for()
    assert page.locator("input[name=id][value='2']").is_checked()
    assert page.locator("[data-bulk-count]").inner_text() == "1 selected"
