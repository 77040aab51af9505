"""The editor keeps what is typed: after a pause, over a lost connection, and with a preview as readers will see it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, TimeoutError

from app.core.db import session
from app.postmortems.models import PostmortemVersion, Unsaved
from tests import build
from tests.browser.scan import faults
from tests.browser.test_accessibility import address, browser, signed_in  # noqa: F401
from tests.servers import eventually

pytestmark = pytest.mark.browser


def kept(page: Page, wanted: Callable[[], bool]) -> None:
    """Wait until the server has what is wanted."""
    for _ in range(60):
        session.rollback()
        if wanted():
            return
        page.wait_for_timeout(250)
    raise AssertionError("it was never kept")


def text() -> str:
    """Bob's unsaved text."""
    found = session.query(Unsaved).one_or_none()
    return str(found.content) if found else ""


def test_typed_text_survives_a_lost_connection_and_is_no_version(app, ana, payments, browser, address):  # noqa: F811
    """PM-11: it says that nothing is kept while the network is away, keeps it after, and saving is no conflict."""
    found = build.postmortem(build.incident(team=payments), author=ana)
    page = signed_in(browser, address)
    page.clock.install()
    page.goto(f"/postmortems/{found.id}/edit")
    page.context.set_offline(True)
    page.fill("#body-1", "1,140 *payments* failed")
    page.clock.fast_forward(10_100)  # ten seconds after the last key
    page.wait_for_selector("text=Not kept: no connection", timeout=20_000)
    page.context.set_offline(False)
    kept(page, lambda: "1,140 *payments* failed" in text())
    page.click("text=Preview >> nth=1")
    page.wait_for_selector("#preview-1 em")
    page.click(".bulk button.primary")
    page.wait_for_url(f"**/postmortems/{found.id}")
    session.rollback()
    assert text() == "" and session.query(PostmortemVersion).count() == 2 and not faults(page, "the page")


def is_refused(page: Page) -> bool:
    """Whether the editor says after ten seconds that it can't keep the text; if it has not tried yet, the next time."""
    page.clock.fast_forward(10_100)
    try:
        page.locator("text=Not kept: save to see why.").wait_for(timeout=3000)
    except TimeoutError:
        return False
    return True


def test_a_refusal_is_no_lost_connection_and_leaving_asks_first(app, ana, payments, browser, address):  # noqa: F811
    """PM-11: what is not kept holds the window, also before the first try."""
    found = build.postmortem(build.incident(team=payments), author=ana)
    page, asked = signed_in(browser, address), []
    page.clock.install()
    page.goto(f"/postmortems/{found.id}/edit")
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.route("**/unsaved", lambda route: route.fulfill(status=422))
    page.locator("[data-toolbar]").first.wait_for()  # the script listens
    page.click("#body-1")
    page.keyboard.type("Half a sen")

    eventually(lambda: is_refused(page), within=30, what="a word that it is not kept")
    page.goto("/postmortems")
    assert asked == ["beforeunload"]
