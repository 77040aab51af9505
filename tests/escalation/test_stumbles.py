"""A fault of ours with one incident: the others are paged in time, and that one is paged by what still works."""

from contextlib import contextmanager
from datetime import timedelta
from itertools import count

import pytest
import time_machine
from sqlalchemy import select, text, update

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event, sentence
from app.escalation.models import Run
from app.incidents.models import Incident
from app.oncall.models import Schedule
from tests import build
from tests.pager import firing, messages, pager, post

refusals = count(1)


@pytest.fixture
def now():
    """A clock that stands still until a test moves it."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as moved:
        yield moved


def paged():
    return [(message.incident_id, message.user.name) for message in messages() if message.kind == "page"]


def said(incident, kind):
    return [sentence(event) for event in session.scalars(
        select(Event).where(Event.subject == f"incident:{incident}", Event.kind == kind).order_by(Event.id))]


def opened(client, house, run_jobs, *names):
    for name in names:
        post(client, house, firing(name))
    run_jobs()
    return list(session.scalars(select(Run.incident_id).order_by(Run.id)))


@pytest.mark.both_databases
def test_a_run_that_cannot_go_on_keeps_no_other_from_being_paged(app, client, run_jobs, tick, now):
    """Its second level has lost its time: the third counts at once, and the other incident is paged in the same look."""
    house = pager()
    bad, good = opened(client, house, run_jobs, "Disk", "Load")
    with transaction():
        run = session.scalars(select(Run).where(Run.incident_id == bad)).one()
        levels = [dict(level) for level in run.levels]
        del levels[1]["timeout"]
        run.levels = levels
    now.shift(61)
    tick("app.escalation.ticks.advance")
    assert (good, "Ana") in paged()
    tick("app.escalation.ticks.advance")
    assert paged()[-1] == (bad, "Bob") and said(bad, "escalation.stumbled") == [
        "Level 2 could not be paged, a fault of ours (KeyError: 'timeout'): the next one is paged"]


@pytest.mark.both_databases
def test_a_run_whose_every_level_fails_ends_in_the_catch_all(app, client, run_jobs, tick, now):
    house = pager()
    build.user("root", role="admin")
    bad, = opened(client, house, run_jobs, "Disk")
    with transaction():
        session.execute(update(Run).values(levels=[{"timeout": 60}, {"timeout": 60}]))
    now.shift(61)
    for _ in range(4):
        tick("app.escalation.ticks.advance")
    assert paged() == [(bad, "Bob"), (bad, "Root")]


@contextmanager
def refused(which="1"):
    """The database takes no messages of which this is true. A name is used once: SQLite's other connections keep, until they
    next read, the trigger that was there, and will make none of its name."""
    name = f"no_page_{next(refusals)}"
    with transaction():
        session.execute(text(f"CREATE TRIGGER {name} BEFORE INSERT ON messages WHEN {which} "
                             "BEGIN SELECT RAISE(ABORT, 'refused'); END"))
    try:
        yield
    finally:
        session.rollback()
        with transaction():
            session.execute(text(f"DROP TRIGGER {name}"))


def test_what_can_not_be_paged_by_any_level_is_tried_again_each_minute(app, client, run_jobs, tick, now):
    house = pager()
    build.user("root", role="admin")
    incident, = opened(client, house, run_jobs, "Disk")
    now.shift(61)
    with refused():
        for _ in range(5):
            tick("app.escalation.ticks.advance")
    assert paged() == [(incident, "Bob")] and said(incident, "escalation.stumbled")[-1].endswith("it is tried again in a minute")
    now.shift(61)
    tick("app.escalation.ticks.advance")
    assert paged()[-1] == (incident, "Root")


@pytest.mark.both_databases
def test_a_schedule_that_cannot_be_worked_out_hands_over_to_the_next_level(app, client, run_jobs, now):
    """The delivery is taken as ever: a broken schedule is one level less, said on the incident, not an alert less."""
    house = pager()
    with transaction():
        session.execute(update(Schedule).values(time_zone="Nowhere/At all"))
    incident, = opened(client, house, run_jobs, "Disk")
    assert paged() == [(incident, "Ana")]
    assert "its schedule can't be worked out: a fault of ours (" in said(incident, "escalation.level_skipped")[0]


@pytest.mark.both_databases
def test_an_alert_whose_policy_is_broken_is_taken_and_pages_by_its_next_level(app, client, run_jobs, tick, now):
    house = pager()
    with transaction():
        policy = session.merge(house.policy)
        policy.levels = [{"timeout": 60}, policy.levels[1]]
    incident, = opened(client, house, run_jobs, "Disk")
    assert paged() == [] and said(incident, "escalation.stumbled") == [
        "Level 1 could not be paged, a fault of ours (KeyError: 'targets'): it is tried once more"]
    tick("app.escalation.ticks.advance")
    tick("app.escalation.ticks.advance")
    assert paged() == [(incident, "Ana")]


@pytest.mark.parametrize("lost", [True, False])
def test_an_incident_that_cannot_be_started_is_paged_level_by_level(app, client, run_jobs, tick, now, lost):
    """The database refuses Bob's pages: Ana gets hers, whether a snooze ended or the start was lost on the way."""
    house = pager()
    incident, = opened(client, house, run_jobs, "Disk")
    with transaction():
        session.execute(update(Run).values(state="voided", started_at=clock.now() - timedelta(hours=1)))
        session.get_one(Incident, incident).snoozed_until = None if lost else clock.now() + timedelta(minutes=1)
    now.shift(61)
    with refused(f"NEW.user_id = {house.bob.id}"):
        for path in ("end_snoozes", "start_missing", "advance", "advance"):
            tick(f"app.escalation.ticks.{path}")
    assert paged()[-1] == (incident, "Ana") and session.get_one(Incident, incident).snoozed_until is None
