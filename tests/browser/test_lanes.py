"""Dragging over the lanes of a schedule opens the form of an override with these times; the form works without it."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from app.identity.models import Team, User
from tests import build

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""


@pytest.fixture
def desk(app: Flask, payments: Team, ana: User, bob: User) -> Iterator[Page]:
    """Ana's browser on the coming week of a schedule; nobody is on duty at night."""
    if not Path(CHROMIUM).is_file():
        pytest.skip("there is no Chromium on this machine")
    every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    build.schedule("primary", team=payments, turns=[[ana], [bob]], unit="day", time_zone="Europe/Berlin",
                   restrictions=[{"days": every, "from": "06:00", "to": "22:00"}])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as played:
        page = played.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_context(
            base_url=f"http://127.0.0.1:{server.server_port}", viewport={"width": 1280, "height": 900}).new_page()
        page.goto("/login")
        page.fill("[name=email]", "ana@example.com")
        page.fill("[name=password]", build.PASSWORD)
        page.click("button.primary")
        page.wait_for_url(re.compile("incidents"))
        yield page
    server.shutdown()


def test_a_drag_over_the_lane_opens_the_form_with_these_times(desk: Page) -> None:
    """SCH-41: drag is an extra; every block is a link to the same form."""
    desk.goto("/schedules/primary?view=week&from=2099-06-01&zone=schedule")
    lane = desk.locator("svg.lane.final")
    box = lane.bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + box["width"] * 2 / 7, box["y"] + 20)
    desk.mouse.down()
    desk.mouse.move(box["x"] + box["width"] * 2.5 / 7, box["y"] + 20, steps=5)
    desk.mouse.up()
    desk.wait_for_url(re.compile("overrides/new"))
    assert desk.input_value("[name=starts]") == "2099-06-03T00:00"
    assert desk.input_value("[name=ends]") == "2099-06-03T12:00"
    assert desk.locator("[name=zone]").get_attribute("value") == "Europe/Berlin"


def test_a_click_on_a_shift_is_a_link_to_the_form_with_its_times(desk: Page) -> None:
    desk.goto("/schedules/primary?view=week&from=2099-06-01&zone=schedule")
    desk.locator("svg.lane.final a[aria-label^='Ana, Tue 2 June, 06:00']").focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url(re.compile("overrides/new"))
    assert (desk.input_value("[name=starts]"), desk.input_value("[name=ends]")) == ("2099-06-02T06:00", "2099-06-02T09:00")
