"""The room: how bad it is, who does what, what is to be done, what those who wait hear, and what belongs together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden
from app.core.events import Event
from app.escalation import service as escalation
from app.identity.models import Team, User
from app.incidents import merging, notes, room, service
from app.incidents.models import Incident
from app.notifications.models import Message
from tests import build
from tests.incidents.people import by, kinds

Browser = Callable[[User], FlaskClient]
Token = Callable[..., dict[str, str]]


def fresh(number: int = 1) -> Incident:
    session.expire_all()
    return session.get_one(Incident, number)


def words(kind: str = "told") -> list[tuple[str, str]]:
    """Who was told what."""
    session.expire_all()
    return [(one.user.name, one.reason) for one in session.query(Message).filter_by(kind=kind).order_by(Message.id)]


def paged(app: Flask, people: list[User], payments: Team) -> Incident:
    build.policy("payments", (300, people), team=payments)
    incident = build.incident(team=payments, severity="medium")
    with transaction():
        escalation.start(fresh(incident.id))
    return incident


def test_a_raise_pages_this_round_again_and_moves_no_timer(app: Flask, ana: User, bob: User, payments: Team,
                                                          run_jobs: Callable[[], None]) -> None:
    """ESC-04, IPG-14: both levels of time stay; a lower severity pages nobody."""
    incident = paged(app, [bob], payments)
    due = escalation.queries.running(incident.id).next_at  # type: ignore[union-attr]
    run_jobs()
    with transaction():
        room.set_severity(incident, "critical", by=by(ana))
    run_jobs()
    with transaction():
        room.set_severity(incident, "low", by=by(ana))
    run_jobs()
    pages = session.query(Message).filter_by(kind="page").order_by(Message.id).all()
    assert [(one.user.name, one.state) for one in pages] == [("Bob", "sent"), ("Bob", "sent")]
    assert escalation.queries.running(incident.id).next_at == due  # type: ignore[union-attr]
    assert [kind for kind in kinds(incident) if "severity" in kind] == ["incident.severity_raised", "incident.severity_lowered"]
    assert fresh().urgency == "low"


def test_a_raise_of_what_somebody_has_asks_them(app: Flask, ana: User, bob: User, payments: Team,
                                               run_jobs: Callable[[], None]) -> None:
    """ESC-04."""
    incident = paged(app, [bob], payments)
    with transaction():
        service.acknowledge(incident, by=by(bob))
    run_jobs()
    with transaction():
        room.set_severity(incident, "high", by=by(ana))
    run_jobs()
    assert [name for name, _ in words("request")] == ["Bob"]


def test_a_raise_ends_a_snooze_and_pages_from_the_first_level(app: Flask, ana: User, bob: User, payments: Team,
                                                             run_jobs: Callable[[], None]) -> None:
    """ESC-36."""
    incident = paged(app, [bob], payments)
    with transaction():
        service.snooze(incident, clock.now() + timedelta(hours=2), by=by(ana))
    run_jobs()
    with transaction():
        room.set_severity(incident, "critical", by=by(ana))
    run_jobs()
    assert fresh().snoozed_until is None and escalation.queries.running(1) is not None
    assert [one.state for one in session.query(Message).filter_by(kind="page").order_by(Message.id)] == ["cancelled", "sent"]


def test_roles_are_claimed_handed_over_and_given_up_by_one_press(signed_in: Browser, ana: User, bob: User, payments: Team,
                                                                run_jobs: Callable[[], None]) -> None:
    """IPG-17: on top, on the timeline, and told to the person."""
    build.incident(team=payments)
    browser = signed_in(ana)
    browser.post("/incidents/1/roles/commander", data={"person": "me"})
    browser.post("/incidents/1/roles/commander", data={"person": "bob@example.com"})
    run_jobs()
    assert [(role.name, role.user.name) for role in fresh().roles] == [("commander", "Bob")]
    assert words() == [("Bob", "Ana made Bob commander")]
    assert "Hand over commander" in browser.get("/incidents/1").text
    browser.post("/incidents/1/roles/commander", data={"person": ""})
    assert fresh().roles == [] and [kind for kind in kinds(fresh()) if ".role_" in kind] == [
        "incident.role_taken", "incident.role_given", "incident.role_released"]


def test_text_is_changed_and_the_earlier_one_stays(signed_in: Browser, ana: User, payments: Team) -> None:
    """IPG-15."""
    build.incident("Slow", team=payments)
    browser = signed_in(ana)
    browser.post("/incidents/1/edit", data={"title": "Checkout is slow in Europe", "description": "since **noon**"})
    html = browser.get("/incidents/1").text
    assert "<h1>Checkout is slow in Europe</h1>" in html and "which was: Slow" in html
    assert browser.post("/incidents/1/edit", data={"title": "", "description": ""}).status_code == 422


def test_tasks_are_added_and_ticked_off(client: FlaskClient, signed_in: Browser, ana: User, bob: User, payments: Team,
                                       token: Token, run_jobs: Callable[[], None]) -> None:
    build.incident(team=payments)
    made = client.post("/api/v1/incidents/1/tasks", headers=token(ana),
                       json={"title": "Call the provider", "owner": "bob@example.com"}).json
    run_jobs()
    assert words() == [("Bob", "Ana added the task: Call the provider")]
    signed_in(bob).post(f"/incidents/1/tasks/{made['id']}", data={"done": "1"})
    told = client.get("/api/v1/incidents/1/tasks", headers=token(ana)).json
    assert [(one["done"], one["done_by"]) for one in told] == [(True, "Bob")]
    assert signed_in(bob).post("/incidents/1/tasks", data={"title": " "}).status_code == 422


def test_who_waits_is_told_and_who_speaks_is_reminded(app: Flask, signed_in: Browser, ana: User, bob: User, charlie: User,
                                                     payments: Team, run_jobs: Callable[[], None],
                                                     tick: Callable[[str], Any]) -> None:
    """Charlie follows and hears; Bob speaks and is reminded half an hour later, once."""
    incident = build.incident(team=payments)
    signed_in(charlie).post("/incidents/1/follow", data={"follows": "1"})
    with transaction():
        room.take_role(incident, "communications", bob, by=by(bob))
        room.time_updates(incident, 30, by=by(ana))
        room.post_update(incident, "We know, and *work* on it.", by=by(ana))
    run_jobs()
    assert words() == [("Charlie", "Ana told those who wait: We know, and *work* on it.")]
    with time_machine.travel(clock.now() + timedelta(minutes=31), tick=False):
        assert [tick("app.incidents.ticks.remind_of_updates") for _ in range(2)] == [1, 0]
    run_jobs()
    assert words()[1:] == [("Bob", "An update for those who wait is due")]


@pytest.mark.parametrize("back", ["reopened", "unmerged"])
def test_updates_are_due_again_once_it_is_not_over_after_all(app: Flask, ana: User, payments: Team, back: str) -> None:
    """Every half an hour was wanted, and still is."""
    incident, other = build.incident(team=payments), build.incident(team=payments)
    with transaction():
        room.time_updates(incident, 30, by=by(ana))
        if back == "reopened":
            service.reopen(service.resolve(incident, by=by(ana)), by=by(ana))
        else:
            merging.merge(incident, other, by=by(ana))
            assert session.get_one(Incident, incident.id).update_due_at is None
            merging.unmerge(incident, by=by(ana))
    due = session.get_one(Incident, incident.id).update_due_at
    assert due is not None and timedelta(minutes=29) < due - clock.now() <= timedelta(minutes=30)


def test_one_that_can_not_be_reminded_of_keeps_no_other_waiting(app: Flask, ana: User, payments: Team,
                                                                tick: Callable[[str], Any]) -> None:
    """The first has an interval that no calendar holds: the second is reminded of, in the same look."""
    for every in (10**12, 900):
        with transaction():
            incident = session.merge(build.incident(team=payments))
            incident.update_every, incident.update_due_at = every, clock.now() - timedelta(seconds=1)
    assert tick("app.incidents.ticks.remind_of_updates") == 2
    session.expire_all()
    due = {one.id: one.update_due_at > clock.now() for one in session.query(Incident)}
    assert due == {1: True, 2: True} and [one.subject for one in session.query(Event).filter_by(
        kind="incident.update_due")] == ["incident:2"]


def test_who_was_asked_says_whether_they_come(signed_in: Browser, ana: User, charlie: User, payments: Team) -> None:
    with transaction():
        service.add_responders(build.incident(team=payments), [charlie], by=by(ana))
    browser = signed_in(charlie)
    assert "You were asked to help" in browser.get("/incidents/1").text
    browser.post("/incidents/1/answer", data={"answer": "declined"})
    assert [(one.user.name, one.state) for one in fresh().responders] == [("Charlie", "declined")]
    assert "You were asked to help" not in browser.get("/incidents/1").text
    assert signed_in(ana).post("/incidents/1/answer", data={"answer": "accepted"}).status_code == 409


def test_a_note_is_changed_by_its_author_for_a_day_and_keeps_every_version(
        client: FlaskClient, ana: User, bob: User, payments: Team, token: Token) -> None:
    """IPG-23."""
    incident = build.incident(team=payments)
    with transaction():
        note = notes.add_note(incident, "one", by=by(bob))
        notes.edit_note(incident, note.id, "two", by=by(bob))
    with pytest.raises(Forbidden), transaction():
        notes.edit_note(incident, note.id, "three", by=by(ana))
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False), pytest.raises(Conflict), transaction():
        notes.edit_note(incident, note.id, "three", by=by(bob))
    told = client.get("/api/v1/incidents/1/notes", headers=token(ana)).json
    assert [(one["body"], one["versions"]) for one in told] == [("two", ["one"])]


def test_a_deleted_note_leaves_a_mark_and_no_text(client: FlaskClient, signed_in: Browser, bob: User, payments: Team,
                                                 token: Token) -> None:
    """IPG-23: page and API agree."""
    with transaction():
        notes.add_note(build.incident(team=payments), "a secret slipped in", by=by(bob))
    browser = signed_in(bob)
    assert browser.post("/incidents/1/notes/1", data={"delete": "1"}).status_code == 303
    seen = browser.get("/incidents/1").text + client.get("/api/v1/incidents/1/timeline", headers=token(bob)).text
    assert "deleted since" in seen and "deleted a note" in seen and "slipped" not in seen


@pytest.mark.parametrize(("text", "names"), [("@bob look", ["Bob"]), ("@bob@example.com", ["Bob"]), ("mail bob@example.com", []),
                                             ("@charlie?", ["Charlie"]), ("@nobody", [])])
def test_a_name_in_a_note_tells_that_person(ana: User, bob: User, charlie: User, payments: Team, text: str,
                                           names: list[str]) -> None:
    """IPG-25."""
    assert [one.name for one in notes.mentioned(text, build.incident(team=payments))] == names


def test_nobody_is_told_of_what_they_may_not_see(ana: User, charlie: User) -> None:
    """IPG-25."""
    incident = build.incident(team=build.team("secret", manager=ana, private=True))
    assert notes.mentioned("@charlie", incident) == []


def test_a_preview_is_what_the_note_becomes(signed_in: Browser, ana: User, payments: Team) -> None:
    """IPG-23."""
    build.incident(team=payments)
    form = {"body": "- **one**\n- <script>two</script>", "to": "note"}
    looked = signed_in(ana).post("/incidents/1/notes", data={**form, "preview": "1"}).text
    assert "<strong>one</strong>" in looked and kinds(fresh()) == []
    signed_in(ana).post("/incidents/1/notes", data=form)
    shown = "<li><strong>one</strong></li>\n<li>&lt;script&gt;two&lt;/script&gt;</li>"
    assert shown in looked and shown in signed_in(ana).get("/incidents/1").text
