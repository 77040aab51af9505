"""Every form may be sent twice: it is done once, and the second time says what the first did."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.db import session
from app.core.events import Event
from app.core.once import Sending
from tests import build
from tests.application import count_nobody
from tests.pressing import Form, forms
from tests.racing import at_once
from tests.test_access_matrix import PUBLIC, address, routes, world

NEW_PROOF = ("/logout", "/me/prove", "/me/password")  # after these every page that is open is out of date: 403, and nothing is done
LAST = re.compile(r"/(archive|deactivate|delete|remove|end|logout|revoke|resolve|shadow)\b")  # what others stand on goes last


def facts() -> int:
    """How much happened so far."""
    session.rollback()
    return session.scalar(select(func.count(Event.id))) or 0


def pages(app: Any, browser: Any) -> dict[str, str]:
    """The text of every page by its address."""
    found = {address(rule): browser.get(address(rule)) for rule, method, _ in routes(app)
             if method == "GET" and not PUBLIC.fullmatch(rule.rule)}
    return {path: answer.text for path, answer in found.items() if answer.status_code == 200 and answer.mimetype == "text/html"}


def told(browser: Any, answer: Any) -> str:
    """What the answer says, in itself or on the page that it leads to."""
    with browser.session_transaction() as cookie:
        said = cookie.pop("_flashes", [])
    return answer.text + " ".join(text for _, text in said)


@pytest.mark.soak
def test_every_form_of_every_page_sent_twice_is_done_once(app, signed_in, monkeypatch):
    """QUAL-19: all forms of all pages of an organisation with one of each thing, each pressed as it stands, and pressed again."""
    count_nobody(app, monkeypatch)
    browser = signed_in(world()["admin"])
    browser.own_pages = False  # each form has to prove by itself where it comes from
    found = [form for path, text in pages(app, browser).items() for form in forms(path, text) if form.action not in NEW_PROOF]
    once = sorted({(form.action, *sorted(form.values)): form for form in found}.values(), key=lambda form: bool(LAST.search(form.action)))
    done, faults = 0, []
    for form in once:
        before, first = facts(), form.press(browser)
        told(browser, first)
        after, second = facts(), form.press(browser)
        if after > before:
            done += 1
            if facts() > after or "it was done once" not in told(browser, second).lower():
                faults.append(f"{form.action}: {first.status_code}, {second.status_code}, {facts() - after} more")
    assert done > 60 and faults == []


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


def test_what_has_transactions_of_its_own_is_done_once_too(app, signed_in, ana, payments):
    """QUAL-19: a test of a sender, which waits for what comes of it."""
    build.integration("prometheus", plugin="alertmanager", team=payments)
    browser = signed_in(ana)
    form = next(one for one in forms("", browser.get("/integrations/prometheus").text) if one.action.endswith("/test"))
    assert [form.press(browser).status_code for _ in range(2)] == [303, 303]
    assert session.scalar(select(func.count(Event.id)).where(Event.kind == "integration.tested")) == 1


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
