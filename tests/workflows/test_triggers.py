"""What begins runs: facts, ages, schedules, hands; once each, within their scope, and never for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.core.events import Event
from app.incidents import room
from app.incidents import service as incidents
from app.incidents.models import Note
from app.workflows import matching, service
from app.workflows.models import Workflow, WorkflowRun
from tests import build
from tests.workflows.stories import copies, note, runs, statements, when, workflow

AGES, SCHEDULES, HEAR = ("app.workflows.ticks.ages", "app.workflows.ticks.schedules", "app.workflows.ticks.hear")


def notes():
    session.rollback()
    return [one.body for one in session.query(Note).order_by(Note.id)]


def test_a_change_of_state_says_from_what_to_what(house, opens, go):
    """WF-01: `from` and `to` narrow it; the event has both."""
    workflow("flow", note("a", "{{ event.from }} to {{ event.to }} by {{ event.actor }}"),
             trigger={"event": "state_changed", "to": ["acknowledged", "resolved"]})
    incident = opens()
    for command in (incidents.acknowledge, incidents.unacknowledge, incidents.resolve):
        with transaction():
            command(incident, by=OPERATOR)
    go()
    assert notes() == ["triggered to acknowledged by Operator", "triggered to resolved by Operator"]


def test_the_trigger_sees_the_incident_as_it_was_at_the_fact(house, opens, go):
    """WF-01: lowered before anybody looked, it was critical when it opened."""
    workflow("flow", note("a", "{{ incident.severity }}"), trigger={
        "event": "incident_opened", "when": when("incident.severity", "eq", "critical")})
    incident = opens()
    with transaction():
        room.set_severity(incident, "low", by=OPERATOR)
    go()
    assert len(runs()) == 1 and notes() == ["low"]


@pytest.mark.parametrize("event", ["state_changed", "severity_changed"])
def test_conditions_know_service_labels_and_tags_for_every_trigger(house, opens, go, event):
    """WF-02."""
    asks = {"all": [when("incident.service.key", "eq", "checkout"), when("incident.service.tags", "contains", "tier1"),
                    when("incident.labels.pod", "starts_with", "web"), when("service.name", "eq", "Checkout"),
                    when("team.key", "eq", "payments")]}
    workflow("flow", note("a"), trigger={"event": event, "when": asks})
    incident = opens(labels={"pod": "web-1"})
    with transaction():
        room.set_severity(incident, "low", by=OPERATOR)
        incidents.acknowledge(incident, by=OPERATOR)
    go()
    assert len(runs()) == 1


def test_an_escalation_to_the_second_level_is_a_trigger(house, opens, go, tick, ana, bob):
    """WF-02: the first level is none."""
    build.policy("payments", (60, [bob]), (60, [ana]), team=house)
    workflow("flow", note("a", "level {{ event.level }}"), trigger={"event": "escalated", "when": when("incident.service.key", "exists")})
    opens()
    go()
    assert notes() == []
    house.at.shift(timedelta(seconds=61))
    tick("app.escalation.ticks.advance")
    go()
    assert notes() == ["level 2"]


def test_an_age_fires_once_at_its_time(house, opens, go, tick):
    """WF-03: not a second before, not an hour later, not for what was taken."""
    workflow("flow", note("a", "#{{ incident.number }}"), trigger={"event": "age", "after": "60m", "states": ["triggered"]})
    opens("one")
    taken = opens("two")
    with transaction():
        incidents.acknowledge(taken, by=OPERATOR)
    for wait, said in ((3599, []), (1, ["#1"]), (3600, ["#1"])):
        house.at.shift(timedelta(seconds=wait))
        tick(AGES)
        tick(AGES)
        go()
        assert notes() == said


def test_an_age_that_came_while_nothing_ran_is_made_up_for(house, opens, go, tick):
    """WF-03: a restart over the due moment; what was old before it was switched on is left alone."""
    opens("old")
    house.at.shift(timedelta(hours=2))
    workflow("flow", note("a", "{{ incident.title }}"), trigger={"event": "age", "after": "1h"})
    opens("new")
    house.at.shift(timedelta(hours=5))
    tick(AGES)
    go()
    assert notes() == ["new"]


def test_a_schedule_begins_runs_at_its_times(house, go, tick):
    """By the wall clock of its zone; what was missed is made up for once."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "1h"}, trigger={
        "event": "schedule", "cron": "0 12 * * *", "time_zone": "Europe/Berlin"})
    for wait, count in ((3599, 0), (1, 1), (3 * 86400 + 3600, 2), (60, 2)):
        house.at.shift(timedelta(seconds=wait))
        tick(SCHEDULES)
        assert len(runs()) == count


def test_any_fact_of_the_log_is_a_trigger(house, go, tick):
    """By name; the last half minute is looked at again and begins nothing twice."""
    tick(HEAR)
    workflow("flow", {"id": "wait", "kind": "delay", "for": "1h"}, trigger="heartbeat.*", team="payments")
    build.heartbeat("nightly", team=house)
    build.heartbeat("others", team=build.team("others"))
    for _ in range(3):
        tick(HEAR)
        house.at.shift(timedelta(seconds=20))
    assert [run.event["kind"] for run in runs()] == ["heartbeat.created"]


def test_a_team_workflow_is_for_its_team_and_a_private_one_for_nobody_else(house, opens, go, ana, signed_in):
    """WF-33: global ones act on private teams' incidents only after a manager said so."""
    workflow("own", note("a"), team="payments")
    workflow("all", note("a"))
    secret = build.team("secret", manager=ana, private=True)
    vault = build.service("vault", team=secret)
    opens(service=vault)
    opens(service=build.service("web", team=build.team("others")))
    opens()
    go()
    assert [(run.workflow.key, run.incident_id) for run in runs()] == [("all", 2), ("own", 3), ("all", 3)]
    browser = signed_in(ana)
    assert "Let them act" in browser.get("/teams/secret").text
    browser.post("/teams/secret/workflows", data={"on": "1"})
    opens(service=vault)
    go()
    assert runs()[-1].incident_id == 4


def test_two_that_feed_each_other_are_stopped_with_the_chain(house, opens, go):
    """WF-25: the second A is refused, and the reason stands on its page and the timeline."""
    workflow("a", {"id": "x", "kind": "action", "action": "set_priority", "with": {"severity": "low"}}, trigger={
        "event": "severity_changed", "to": ["high"]})
    workflow("b", {"id": "x", "kind": "action", "action": "set_priority", "with": {"severity": "high"}}, trigger={
        "event": "severity_changed", "to": ["low"]})
    incident = opens()
    with transaction():
        room.set_severity(incident, "high", by=OPERATOR)
    for _ in range(4):
        go()
    assert [(run.workflow.key, run.state) for run in runs()] == [("a", "succeeded"), ("b", "succeeded"), ("a", "refused")]
    assert "(A → B → A)" in runs()[-1].error


def test_five_in_a_row_stop_after_the_third(house, opens, go):
    """WF-25."""
    for at in range(5):
        workflow(f"w{at}", note("n", f"step {at + 1}"), trigger={
            "event": "incident.note_added", "when": when("event.body", "eq", f"step {at}")})
    incident = opens()
    with transaction():
        incidents.add_note(incident, "step 0", by=OPERATOR)
    for _ in range(6):
        go()
    assert [run.state for run in runs()] == ["succeeded"] * 3 + ["refused"]


def test_switching_off_stops_new_runs_only(house, opens, go, later):
    """WF-34: a run that waits goes on."""
    flow = workflow("flow", {"id": "wait", "kind": "delay", "for": "5m"}, note("a"))
    opens()
    go()
    with transaction():
        service.enable(flow, False, by=OPERATOR)
    opens()
    later(300)
    assert [run.state for run in runs()] == ["succeeded"] and notes() == ["noted"]


def test_an_edit_during_a_run_leaves_it_on_its_version(house, opens, go, later):
    """WF-27."""
    delay = {"id": "wait", "kind": "delay", "for": "5m"}
    workflow("flow", delay, note("a", "first"))
    opens()
    go()
    workflow("flow", delay, note("a", "second"))
    later(300)
    assert notes() == ["first"] and runs()[0].version.number == 1


def test_a_test_incident_starts_nothing(house, opens, go):
    """What a person tries out is nobody's business."""
    workflow("flow", note("a"))
    opens(test=True)
    go()
    assert session.query(WorkflowRun).count() == 0


@pytest.mark.both_databases
def test_five_hundred_enabled_ones_cost_no_statement_more(house, opens):
    """A fact reads triggers alone, in one statement; the graph of none that it does not concern."""
    workflow("other", note("a"), trigger={"event": "incident_opened", "when": when("incident.title", "eq", "other")})
    counts = []
    for more in (0, 500):
        copies("other", more)
        opens(f"one of {more}")
        fact = session.query(Event).filter(Event.kind == "incident.opened").order_by(Event.id.desc()).first()
        with statements() as counted:
            assert matching.consider(fact) == []
        counts.append(len(counted))
    assert counts[0] == counts[1] and matching.heard("incident.opened")


@pytest.mark.both_databases
def test_what_another_process_changes_counts_at_the_next_fact(house, opens):
    """WF-01: who matches remembers conditions, and yet never an old one."""
    flow = workflow("flow", note("a"), trigger={"event": "incident_opened", "when": when("workflow.name", "eq", "Flow")}).id
    other = {"event": "incident_opened", "when": when("incident.severity", "eq", "low")}
    for change, begun in (({"enabled": True}, 1), ({"enabled": False}, 0), ({"enabled": True}, 1), ({"name": "Another"}, 0),
                          ({"name": "Flow"}, 1), ({"trigger": other}, 0), ({"trigger": {"event": "incident_opened"}}, 1),
                          ({"team_id": build.team("shop").id}, 0), ({"team_id": house.id}, 1), ({"event": "escalated"}, 0)):
        session.rollback()
        with db.engine.begin() as elsewhere:
            elsewhere.execute(update(Workflow).where(Workflow.id == flow).values(**change))
        opens()
        with transaction():
            fact = session.query(Event).filter(Event.kind == "incident.opened").order_by(Event.id.desc()).first()
            assert len(matching.consider(fact)) == begun, change
