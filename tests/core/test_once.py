"""Every form may be sent twice: it is done once, and the second time says what the first did."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.db import session
from app.core.events import Event
from app.core.once import Sending
from tests import build
from tests.escalation.test_races import at_once
from tests.pressing import Form, forms


def note_form(browser: Any, team: Any) -> tuple[Form, Any]:
    """The form for a note on the page of an incident, and the browser that shows it."""
    path = f"/incidents/{build.incident('Disk is full', team=team).id}"
    return next(form for form in forms(path, browser.get(path).text) if form.action.endswith("/notes")), browser


def test_what_is_typed_anew_is_something_new(app, signed_in, ana, payments):
    """The same page may be used for several notes: only the same words are the same note."""
    form, browser = note_form(signed_in(ana), payments)
    for body in ("first", "second", "first"):
        assert form.press(browser, body=body).status_code == 303
    assert session.scalar(select(func.count(Event.id)).where(Event.kind == "incident.note_added")) == 2


def test_what_was_refused_may_be_sent_again(app, signed_in, ana, payments):
    """A refusal did nothing, so nothing of it is kept."""
    form, browser = note_form(signed_in(ana), payments)
    assert form.press(browser, body="").status_code == 422 and session.query(Sending).count() == 0


@pytest.mark.both_databases
def test_two_presses_in_the_same_moment_are_one(app, signed_in, ana, payments):
    """QUAL-19: the second waits for the first, and is told of it."""
    form, browser = note_form(signed_in(ana), payments)
    said = []

    def press():
        window = app.test_client()
        window.set_cookie("oncall", browser.get_cookie("oncall").decoded_value)
        said.append(form.press(window, body="Looking").status_code)
    assert at_once(app, press, press) == [] and said == [303, 303]
    assert session.scalar(select(func.count(Event.id)).where(Event.kind == "incident.note_added")) == 1
