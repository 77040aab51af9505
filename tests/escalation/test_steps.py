"""Levels with conditions, people who take turns, rounds that begin later, and whoever comes on duty next."""

import pytest
import time_machine

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.jobs import function
from app.escalation.documents import policy_document
from app.escalation.models import Policy, Run
from app.escalation.policies import save_policy
from app.incidents.queries import timeline
from tests import build
from tests.escalation.test_run import play, who_was_paged
from tests.pager import firing, messages, pager, post
from tests.racing import at_once

WORKDAY = {"severity": ["critical"], "days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00",
           "time_zone": "Europe/Berlin"}
BOB, ANA = {"user": "bob@example.com"}, {"user": "ana@example.com"}
TURNS = {"users": ["ana@example.com", "bob@example.com", "carl@example.com"], "pick": "round_robin"}


def saved(*levels, **values):
    """The policy of team Payments with these levels, a minute each."""
    with transaction():
        return save_policy({"key": "payments", "name": "Payments", "team": "payments", "repeat": 0, **values, "levels": [
            {"timeout": "1m", **level} for level in levels]}, by=OPERATOR)


def opened(house, count=1, **columns):
    """Incidents of the team, each escalated in a transaction of its own."""
    for _ in range(count):
        with transaction():
            function("app.escalation.service.start")(build.incident(team=house.team, **columns))
    return [message.user.name for message in messages()]


@pytest.fixture
def house(app):
    build.user("carl")
    return pager()


@pytest.mark.parametrize(("at", "severity", "who"), [
    ("2026-03-27T08:30:00Z", "critical", "Bob"), ("2026-03-27T07:59:00Z", "critical", "Ana"),
    ("2026-03-30T07:30:00Z", "critical", "Bob"), ("2026-03-30T15:00:00Z", "critical", "Ana"),
    ("2026-03-28T10:00:00Z", "critical", "Ana"), ("2026-03-27T08:30:00Z", "high", "Ana")])
def test_a_level_counts_only_while_its_condition_holds(house, at, severity, who):
    """ESC-29: at 09:30 and not at 08:59 in Berlin, before and after the change to summer time; not at the weekend."""
    saved({"targets": [BOB], "when": WORKDAY}, {"targets": [ANA]})
    with time_machine.travel(at, tick=False):
        assert opened(house, severity=severity) == [who]


def test_a_skipped_level_says_why_on_the_timeline(house):
    """ESC-29: with a reason, in the same second."""
    saved({"targets": [BOB], "when": {"severity": ["critical"]}}, {"targets": [ANA], "when": {"urgency": "high"}})
    assert opened(house, severity="high") == ["Ana"]
    told = [event.data.get("reason") for event in timeline(session.get_one(Run, 1).incident)]
    assert "it is only for critical, and this is high" in told


def test_a_policy_without_a_level_for_this_hour_goes_to_the_catch_all(house):
    build.user("root", role="admin")
    saved({"targets": [BOB], "when": {"urgency": "low"}}, repeat=9)
    assert opened(house, severity="critical") == ["Root"]


@pytest.mark.both_databases
def test_nine_incidents_over_three_people_give_three_each(house):
    """ESC-28"""
    saved({"targets": [TURNS]})
    assert opened(house, 9) == ["Ana", "Bob", "Carl"] * 3


def test_who_is_unreachable_is_passed_over_and_keeps_the_turn(house):
    """ESC-28: a deactivated person is next again as soon as they are back."""
    saved({"targets": [TURNS]})
    with transaction():
        session.merge(house.ana).state = "deactivated"
    assert opened(house, 2) == ["Bob", "Carl"]
    with transaction():
        session.merge(house.ana).state = "active"
    assert opened(house, 2)[2:] == ["Ana", "Bob"]


@pytest.mark.race(rounds=8)
@pytest.mark.both_databases
def test_two_incidents_at_one_instant_go_to_two_people(house, app):
    """ESC-28: sixteen rounds of two that begin together: nobody is paged by both."""
    saved({"targets": [{"team": "payments", "pick": "round_robin"}]})
    for _ in range(8):
        one, other = build.incident(team=house.team).id, build.incident(team=house.team).id
        assert not at_once(app, lambda n=one: _start(n), lambda n=other: _start(n))
    names = [message.user.name for message in messages()]
    assert names == ["Ana", "Bob"] * 8


def _start(number):
    incidents, start = function("app.incidents.service.lock"), function("app.escalation.service.start")
    with transaction():
        start(incidents(number))


def test_later_rounds_begin_at_the_level_that_the_policy_says(house, client, run_jobs, tick):
    """Ana once, then Bob and Carl again and again; frozen with the run."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as now:
        saved({"targets": [ANA]}, {"targets": [BOB]}, {"targets": [{"user": "carl@example.com"}]}, repeat=2, repeat_from=2)
        post(client, house, firing())
        run_jobs()
        start = messages()[0].queued_at.timestamp()
        play(now, tick, 400, step=10)
    assert who_was_paged(start) == [(0, "Ana"), (60, "Bob"), (120, "Carl"), (180, "Bob"), (240, "Carl"), (300, "Bob"),
                                    (360, "Carl")]


def test_next_on_duty_is_whoever_comes_after_the_next_hand_off(house):
    """ESC-31: Bob is on duty now and after the next hand-off too: Carl, who comes after that."""
    carl = build.user("carla")
    build.schedule("hours", team=house.team, turns=[[house.bob], [house.bob], [carl]], starts="2026-03-02T11:00", unit="hour")
    saved({"targets": [{"schedule": "hours", "next": True}]})
    with time_machine.travel("2026-03-02T11:10:00Z", tick=False):
        assert opened(house) == ["Carla"]


@pytest.mark.parametrize(("level", "field"), [
    ({"targets": [{"user": "ana@example.com", "pick": "round_robin"}]}, "levels[0].targets[0]"),
    ({"targets": [{"users": ["ana@example.com", "bob@example.com"]}]}, "levels[0].targets[0]"),
    ({"targets": [{"team": "payments", "next": True}]}, "levels[0].targets[0]"),
    ({"targets": [{"users": ["ana@example.com"], "pick": "round_robin"}]}, "levels[0].targets[0].users"),
    ({"targets": [ANA], "when": {"severity": ["loud"]}}, "levels[0].when.severity"),
    ({"targets": [ANA], "when": {"from": "9"}}, "levels[0].when.from"),
    ({"targets": [ANA], "when": {"time_zone": "Mars/North"}}, "levels[0].when.time_zone")])
def test_what_cannot_be_meant_is_refused_at_the_field(house, level, field):
    """ESC-32"""
    with pytest.raises(Invalid) as refused:
        saved(level)
    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_repeat_begins_at_a_level_that_exists(house):
    """ESC-32, also when levels go away later."""
    with pytest.raises(Invalid) as refused:
        saved({"targets": [ANA]}, repeat_from=2)
    assert refused.value.problems[0].field == "repeat_from"
    saved({"targets": [ANA]}, {"targets": [BOB]}, repeat_from=2)
    assert saved({"targets": [ANA]}).repeat_from == 0


def test_the_form_and_the_document_say_the_same(house, signed_in):
    """A manager lets two people take turns, on workdays, and repeats from level 2; the form opens with it again."""
    browser = signed_in(house.ana)
    form = {"name": "Payments", "team": "payments", "repeat": "1", "repeat-from": "2", "version": "1", "levels": "2",
            "timeout-0": "5m", "target-0": ["user:ana@example.com", "user:bob@example.com"], "severity-0": "critical",
            "days-0": ["mon", "tue"], "from-0": "09:00", "to-0": "17:00", "zone-0": "Europe/Berlin", "timeout-1": "5m",
            "target-1": ["turn-team:payments", "next-schedule:primary"], "zone-1": "Europe/Berlin"}
    page = browser.post("/policies/payments/edit", data=form | {"action": "take-turns:0"}).text
    assert "In turn: Ana, Bob" in page and 'value="users:ana@example.com,bob@example.com"' in page
    form["target-0"] = "users:ana@example.com,bob@example.com"
    assert browser.post("/policies/payments/edit", data=form).status_code == 303
    session.expire_all()
    document = policy_document(session.query(Policy).one())
    assert document["repeat_from"] == 2 and document["levels"][1]["targets"] == [
        {"team": "payments", "pick": "round_robin"}, {"schedule": "primary", "next": True}]
    assert document["levels"][0]["when"] == WORKDAY | {"days": ["mon", "tue"]} and "when" not in document["levels"][1]
    assert "only critical; mon, tue 09:00 to 17:00 Europe/Berlin" in browser.get("/policies/payments").text
    assert 'value="users:ana@example.com,bob@example.com"' in browser.get("/policies/payments/edit").text


def test_the_simulation_skips_and_takes_turns_without_taking_any(house, client, token):
    """ESC-41: the skipped level with its reason, whose turn it is, and the turn is still theirs afterwards."""
    saved({"targets": [ANA], "when": WORKDAY}, {"targets": [TURNS]})
    asked = {"service": "checkout", "severity": "high", "at": "2026-03-02T12:00:00Z"}
    for _ in range(2):
        said = client.post("/api/v1/simulate", headers=token(house.ana), json=asked).json
        assert [one["user"]["name"] for one in said["pages"]][:1] == ["Ana"]
        assert said["skipped"][0]["reason"] == "it is only for critical, and this is high"
    assert opened(house, severity="high")[0] == "Ana"
