"""Whatever a responder needs works by links and forms alone: no script runs here, and nothing is sent that no page holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.core.db import session
from app.core.events import Event
from app.incidents.models import Incident
from app.oncall.models import Override
from tests import build
from tests.pager import pager
from tests.pressing import Form, forms


@pytest.fixture
def browser(app: Any) -> Any:
    """Bob's browser, from the sign-in on; two incidents are his team's."""
    house = pager()
    for title in ("Disk is full", "Queue is long"):
        build.incident(title, team=house.team)
    opened = app.test_client()
    opened.own_pages = False
    answer = found(opened, "/login", "/login").press(opened, email="bob@example.com", password=build.PASSWORD)
    assert answer.status_code == 303
    return opened


def found(browser: Any, page: str, action: str) -> Form:
    """The form of a page that leads there."""
    return next(form for form in forms(page, browser.get(page).text) if form.action.endswith(action))


def press(browser: Any, page: str, action: str, **typed: str) -> str:
    """Send the form and go where it leads; what stands there then."""
    answer = found(browser, page, action).press(browser, **typed)
    assert answer.status_code == 303, (page, action, answer.status_code)
    return str(browser.get(answer.location).text)


def test_an_incident_is_found_taken_handed_on_and_ended(browser: Any) -> None:
    """QUAL-25: list, filter, pages, incident, acknowledge, note, reassign, escalate, resolve."""
    assert 'href="/incidents/1"' in browser.get("/incidents").text
    assert "Queue is long" not in browser.get("/incidents?q=disk").text
    assert "Acknowledged by Bob" in press(browser, "/incidents/1", "/acknowledge")
    assert "I look at it" in press(browser, "/incidents/1", "/notes", body="I look at it")
    assert "Ana" in press(browser, "/incidents/1/assign", "/assign", others="ana@example.com")
    press(browser, "/incidents/1", "/escalate")
    press(browser, "/incidents/1/resolve", "/resolve")
    assert session.get_one(Incident, 1, populate_existing=True).status == "resolved"
    kinds = {kind for kind, in session.query(Event.kind).filter_by(subject="incident:1")}
    assert {"incident.acknowledged", "incident.note_added", "incident.assigned", "incident.resolved"} <= kinds


def test_who_is_on_duty_is_seen_and_changed(browser: Any) -> None:
    """QUAL-25: on duty, a schedule, an override."""
    assert "Bob" in browser.get("/on-call").text and 'href="/schedules/primary"' in browser.get("/schedules").text
    press(browser, "/schedules/primary/overrides/new", "/overrides/new", ends=f"{clock.now() + timedelta(hours=8):%Y-%m-%dT%H:%M}")
    assert session.query(Override).count() == 1
