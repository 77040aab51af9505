"""Two people look at one incident: each sees at once what the other does, also after a while without a network."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route

from app.core.access import Actor
from app.core.db import session, transaction
from app.identity.models import Team, User
from app.incidents import service
from app.incidents.models import Incident
from app.notifications.compose import compose
from app.notifications.models import Message
from tests import build
from tests.browser.desk import Site, chromium, served, window
from tests.notifications.paged import message
from tests.notifications.paged import page as paged
from tests.servers import eventually

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all of these."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def site(app: Flask, ana: User, payments: Team) -> Iterator[Site]:
    """An incident of Ana's and Bob's team, served."""
    build.incident("Checkout is down", team=payments, severity="high")
    with served(app) as found:
        yield found


def looking(page: Page, path: str) -> Page:
    """The page, once it is live: its socket has brought everything."""
    heard: list[object] = []
    page.goto("about:blank")  # where it was has a socket, too
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(frame)))
    page.goto(path)
    eventually(lambda: page.evaluate("true") and heard, what=f"a first frame on {path}")
    return page


def seen_after(page: Page, text: str, act: Callable[[], object]) -> float:
    """Seconds until the text stands on the page after what somebody does elsewhere."""
    begun = time.perf_counter()
    act()
    page.wait_for_selector(f"text={text}", timeout=20000)
    return time.perf_counter() - begun


def test_two_browsers_see_each_other_within_two_seconds(browser: Browser, site: Site) -> None:
    """IPG-26, IPG-03: on the incident and in the list, without a reload. Each is seen; on a machine that does other work
    too, the quicker of the two says how long it takes."""
    ana, bob = window(browser, site), window(browser, site, "bob")
    looking(bob, "/incidents")
    looking(ana, "/incidents/1").evaluate("window.mark = 'same page'")
    taken = seen_after(ana, "Acknowledged by Bob", lambda: bob.click("#row-1 button:has-text('Acknowledge')"))
    assert ana.evaluate("window.mark") == "same page"
    looking(bob, "/incidents")
    ana.click("text=Resolve…")
    resolved = seen_after(bob, "Nothing is open", lambda: ana.click("form button:has-text('Resolve')"))
    assert min(taken, resolved) < 2


def test_a_page_is_live_also_when_the_script_for_sockets_comes_late(browser: Browser, site: Site) -> None:
    """IPG-26: htmx begins by itself, perhaps before that script has come."""
    page = window(browser, site, service_workers="block")

    def late(route: Route) -> None:
        time.sleep(0.5)  # the network's slowness, which nothing can be waited for instead
        route.continue_()

    page.route("**/hx-ws.min.js*", late)
    looking(page, "/incidents/1")


def test_after_a_minute_without_a_network_everything_is_right_and_nothing_twice(
    browser: Browser, site: Site, bob: User,
) -> None:
    """IPG-27, QUAL-28: ten things happened meanwhile; the page equals a fresh load in what is looked at."""
    page = looking(window(browser, site), "/incidents/1")
    page.context.set_offline(True)
    site.stop()
    by = Actor(bob.ref, bob.name, "web", bob.id)
    with transaction():
        incident = session.get_one(Incident, 1)
        for number in range(9):
            service.add_note(incident, f"Note number {number}", by=by)
        service.acknowledge(incident, by=by)
    site.start()
    page.context.set_offline(False)
    page.wait_for_selector("text=Acknowledged by Bob", timeout=20000)
    page.wait_for_selector("text=Note number 8")
    assert [page.locator(f"#timeline >> text=Note number {number}").count() for number in range(9)] == [1] * 9


def test_from_a_push_to_acknowledged_are_two_taps_without_a_login(browser: Browser, site: Site, ana: User) -> None:
    """IPG-34: the tap on the push opens the link's page; its one button does it."""
    paged(ana, title="Disk is full")
    with site.app.app_context(), transaction():
        link = compose(session.get_one(Message, message().id)).links[0].url
    page = browser.new_context(base_url=site.url).new_page()
    page.goto(link.removeprefix("http://localhost"))
    page.click("button:has-text('Acknowledge')")
    page.wait_for_selector("text=Acknowledged by Ana")
