"""Level by level until somebody answers, at the right second, from frozen policies."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.events import Event, sentence
from app.escalation.models import Policy, Run
from app.escalation.policies import save_policy
from app.incidents import service
from app.incidents.models import Incident
from app.oncall.queries import schedule_by_key
from app.oncall.service import add_override
from tests import build
from tests.pager import firing, messages, pager, post, run

START = "2026-03-02T12:00:00Z"


@pytest.fixture
def now():
    """A clock that stands still until a test moves it."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


def who_was_paged(since=0):
    return [(int((message.queued_at.timestamp()) - since), message.user.name) for message in messages()
            if message.kind == "page"]


def play(now, tick, seconds, step=1):
    """Let that many seconds pass, the clock ticking each."""
    for _ in range(0, seconds, step):
        now.shift(step)
        tick("app.escalation.ticks.advance")


@pytest.mark.both_databases
def test_each_level_is_paged_at_its_time_and_each_round_once_more(app, client, run_jobs, tick, now):
    """ESC-19, ESC-20: level 1 for 60 s, level 2 for 120 s, twice; then exhausted, then the catch-all."""
    house = pager()
    build.user("root", role="admin")
    post(client, house, firing())
    run_jobs()
    start = messages()[0].queued_at.timestamp()
    play(now, tick, 365, step=5)
    assert who_was_paged(start) == [(0, "Bob"), (60, "Ana"), (180, "Bob"), (240, "Ana"), (360, "Root")]
    assert [(row.state, row.catch_all) for row in session.query(Run).order_by(Run.id)] == [
        ("exhausted", False), ("running", True)]


def test_a_gap_is_passed_at_once_and_the_incident_says_whose_and_until_when(app, client, run_jobs, tick, now):
    """SCH-29: nobody waits for the time that the level would have had."""
    house = pager()
    with transaction():
        add_override(schedule_by_key("primary"), starts=clock.now(), ends=clock.now() + timedelta(hours=2), people=[],
                     replaces=house.bob, confirmed=True, by=Actor(house.ana.ref, "Ana", "web", user_id=house.ana.id))
    post(client, house, firing())
    run_jobs()
    assert who_was_paged(messages()[0].queued_at.timestamp()) == [(0, "Ana")]
    [skipped] = session.scalars(select(Event).where(Event.kind == "escalation.level_skipped"))
    assert "nobody on duty in Primary until 2026-03-02T14:00:00" in sentence(skipped)


def test_after_a_pause_one_level_is_paged_not_all_that_were_missed(app, client, run_jobs, tick, now):
    """ESC-22: overdue by several levels: one now, then its own time."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    now.shift(1000)
    tick("app.escalation.ticks.advance")
    tick("app.escalation.ticks.advance")
    assert [name for _, name in who_was_paged()] == ["Bob", "Ana"]
    assert (run().next_at - messages()[-1].queued_at).total_seconds() == 120


def test_a_level_that_means_nobody_is_skipped_at_once_with_the_reason(app, client, smtp, run_jobs):
    """ESC-24: the first level has a person without a proven method: the second is paged in the same second."""
    ana, dan = build.user("ana"), build.user("dan", reachable=False)
    team = build.team("payments", manager=ana)
    build.policy("payments", (60, [dan]), (60, [ana]), team=team)
    build.integration("prometheus", plugin="alertmanager", team=team)
    client.post("/in/token-of-prometheus-0123456789", json=firing())
    run_jobs()
    assert [message.user.name for message in messages() if message.kind == "page"] == ["Ana"]
    from app.incidents.queries import timeline

    texts = [event.data.get("reason") for event in timeline(session.get_one(Incident, 1))]
    assert "Dan has no proven contact method" in texts


def test_a_policy_that_means_nobody_goes_to_the_catch_all_without_its_repeats(app, client, smtp, run_jobs):
    """ESC-24: all levels unresolvable: the catch-all at once."""
    ana, root = build.user("ana", reachable=False), build.user("root", role="admin")
    team = build.team("payments", manager=ana)
    build.policy("payments", (60, [ana]), (60, [team]), team=team, repeat=9)
    build.integration("prometheus", plugin="alertmanager", team=team)
    client.post("/in/token-of-prometheus-0123456789", json=firing())
    run_jobs()
    assert [message.user_id for message in messages() if message.kind == "page"] == [root.id]
    assert session.query(Run).count() == 2


def test_a_team_means_managers_and_responders_once_but_no_observer(app, client, run_jobs):
    """ESC-25: Bob is in the team and named besides: one page; the observer gets none."""
    ana, bob, olga = build.user("ana"), build.user("bob"), build.user("olga")
    team = build.team("payments", manager=ana, responders=[bob], observers=[olga])
    build.policy("payments", (60, [team, bob]), team=team)
    build.integration("prometheus", plugin="alertmanager", team=team)
    client.post("/in/token-of-prometheus-0123456789", json=firing())
    run_jobs()
    assert [message.user.name for message in messages()] == ["Ana", "Bob"]


def test_an_edited_policy_does_not_derail_a_page_in_flight(app, client, run_jobs, tick, now):
    """ESC-27: the run goes on with its frozen copy, even when the policy is emptied."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    with transaction():
        session.get_one(Policy, house.policy.id).levels = []
    now.shift(61)
    tick("app.escalation.ticks.advance")
    assert [name for _, name in who_was_paged()] == ["Bob", "Ana"]


def test_the_person_on_duty_when_the_level_starts_is_paged(app, client, run_jobs, tick, now):
    """ESC-26: the hand-off between opening and level 2 counts."""
    ana, bob, carl = (build.user(name) for name in ("ana", "bob", "carl"))
    team = build.team("payments", manager=ana)
    schedule = build.schedule("hourly", team=team, turns=[[bob], [carl]], starts="2026-03-02T11:00", unit="hour")
    build.policy("payments", (3600, [schedule]), (3600, [schedule]), team=team)
    build.integration("prometheus", plugin="alertmanager", team=team)
    client.post("/in/token-of-prometheus-0123456789", json=firing())
    run_jobs()
    now.shift(3601)
    tick("app.escalation.ticks.advance")
    assert [message.user.name for message in messages()] == ["Carl", "Bob"]


def test_given_back_it_starts_again_from_the_first_level(app, client, run_jobs, tick, now):
    """State table: unacknowledge makes a new run from level 1; the old pages are not sent any more."""
    house = pager()
    bob = Actor(house.bob.ref, "Bob", "web", house.bob.id)
    post(client, house, firing())
    run_jobs()
    now.shift(10)
    with transaction():
        service.acknowledge(session.get_one(Incident, 1), by=bob)
    run_jobs()
    now.shift(10)
    with transaction():
        service.unacknowledge(session.get_one(Incident, 1), by=bob)
    run_jobs()
    assert [row.state for row in session.query(Run).order_by(Run.id)] == ["voided", "running"]
    assert [name for _, name in who_was_paged()] == ["Bob", "Bob"]


def test_an_incident_whose_start_was_lost_is_started_by_the_clock(app, run_jobs, tick, now):
    """DESIGN: a triggered incident without a run is found, whatever happened to the wake-up."""
    house = pager()
    build.incident("Born by hand", team=house.team)
    now.shift(6)
    tick("app.escalation.ticks.start_missing")
    assert [name for _, name in who_was_paged()] == ["Bob"]


def test_a_snooze_pages_from_level_one_when_it_ends(app, client, run_jobs, tick, now):
    """ESC-36: silent while it lasts, triggered again at its end."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    until = session.get_one(Incident, 1).opened_at.replace(minute=30)
    with transaction():
        service.snooze(session.get_one(Incident, 1), until, by=Actor(house.ana.ref, "Ana", "web", house.ana.id))
    run_jobs()
    play(now, tick, 600, step=60)
    assert len(who_was_paged()) == 1
    now.move_to(until)
    tick("app.escalation.ticks.end_snoozes")
    assert [name for _, name in who_was_paged()] == ["Bob", "Bob"]


@pytest.mark.parametrize(("change", "field"), [
    ({"levels": []}, "levels"), ({"repeat": 10}, "repeat"),
    ({"levels": [{"timeout": "1s", "targets": [{"user": "ana@example.com"}]}]}, "levels[0].timeout"),
    ({"levels": [{"timeout": "5m", "targets": []}]}, "levels[0].targets"),
    ({"levels": [{"timeout": "5m", "targets": [{"user": "nobody@example.com"}]}]}, "levels[0].targets[0].user"),
    ({"levels": [{"timeout": "5m", "targets": [{"planet": "mars"}]}]}, "levels[0].targets[0]"),
])
def test_a_policy_outside_the_numbers_is_refused_at_the_field(app, change, field):
    """ESC-32: nothing is saved."""
    from app.core.access import OPERATOR
    from app.core.errors import Invalid

    build.user("ana")
    with pytest.raises(Invalid) as refused, transaction():
        save_policy({"key": "strange", "name": "Strange", **change}, by=OPERATOR)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert session.query(Policy).count() == 0


@pytest.mark.both_databases
def test_a_critical_incident_is_paged_again_every_hour_when_even_the_catch_all_was_silent(app, tick, run_jobs, now):
    """State table: exhausted: for critical again every 60 min until somebody acts."""
    house = pager(repeat=0)
    build.user("root", role="admin")
    build.incident("Down", team=house.team, severity="critical")
    now.shift(6)
    tick("app.escalation.ticks.start_missing")
    play(now, tick, 1200, step=60)
    assert run().state == "exhausted" and run().catch_all
    before = len(messages())
    now.shift(3601)
    tick("app.escalation.ticks.insist")
    assert [message.user.name for message in messages()[before:]] == ["Root"]
