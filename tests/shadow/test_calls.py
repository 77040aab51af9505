"""What would call outward in shadow: webhooks, runbooks, workflows, readers, copies, plugins that listen, calendars."""

from __future__ import annotations

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.events import Event
from app.incidents.service import Opening, open_incident
from app.notifications import sending
from app.notifications.models import Message
from app.runbooks import calls, executions, outcomes
from app.runbooks.models import Execution
from app.runbooks.runner import runner
from app.shadow.queries import hushed
from tests import build
from tests.config.documents import apply
from tests.notifications.paged import page
from tests.workflows import stories

SEND = "app.notifications.ticks.send"


@pytest.fixture
def outage(payments):
    """`outage()`: an incident of Checkout opens."""
    place = build.service("checkout", team=payments)

    def opened(**more):
        with transaction():
            return open_incident(Opening("Checkout is down", service=session.merge(place), **more), by=OPERATOR)
    return opened


def webhook(url, **values):
    apply({"webhooks": [{"key": "bus", "name": "Bus", "url": url, "events": ["incident.opened"],
                         "secret": "a-secret-of-16-or-more", **values}]})


@pytest.mark.parametrize("owner", ["payments", None])
def test_a_webhook_hears_nothing_of_it_then_or_later(app, now, http_sink, outage, run_jobs, tick, shade, live, listed, owner):
    """MIG-22, MIG-24: the team's own, and everybody's."""
    webhook(f"{http_sink.url}/hook", team=owner)
    shadow = shade("team", "payments")
    outage()
    run_jobs()
    live(shadow)
    now.shift(7200)
    tick("app.webhooks.ticks.send")
    assert http_sink.calls == [] and [(one.name, one.reason) for one in listed("webhook")] == [("Bus", "incident.opened")]
    outage()
    run_jobs()
    assert len(http_sink.calls) == 1


def test_a_runbook_is_not_run(app, now, http_sink, payments, bob, olga, outage, tick, shade, listed):
    """MIG-22: it ends with the reason, whoever starts it."""
    runbook = build.runbook("restart", team=payments, url=f"{http_sink.url}/run", approver=olga)
    found = outage()
    shade("service", "checkout")
    with transaction():
        executions.start(session.merge(runbook), parameters={}, by=build.actor(bob), incident=session.merge(found))
    tick("app.runbooks.ticks.run")
    assert runner().settle()
    session.rollback()
    one = session.query(Execution).one()
    assert (one.state, one.error) == ("cancelled", "Not run, in shadow: the service Checkout") and http_sink.calls == []
    assert [(row.name, row.incident_id) for row in listed("runbook")] == [("Restart", found.id)]


def test_who_started_it_is_not_told_what_came_of_it(app, now, payments, bob, olga, run_jobs, tick, left, shade, listed):
    """MIG-22: nor when a call of before ends so that nobody knows how."""
    runbook = build.runbook("restart", team=payments, approver=olga)
    with transaction():
        made = executions.start(session.merge(runbook), parameters={}, by=build.actor(bob))
    shade()
    with transaction():
        executions.end(session.merge(made), executions.Result("failed", error=outcomes.UNKNOWN))
    run_jobs()
    tick(SEND)
    assert left == [] and [(one.name, one.team_id) for one in listed("alarm")] == [("Bob", payments.id)]


def test_a_workflow_does_everything_up_to_the_call_and_what_follows(app, now, http_sink, payments, olga, outage, run_jobs, tick,
                                                                    shade, listed):
    """MIG-22: calls and runbooks count as done, and nothing leaves."""
    build.runbook("restart", team=payments, url=f"{http_sink.url}/run", approver=olga)
    stories.workflow("flow", stories.hook("tell", f"{http_sink.url}/hook"),
                     {"id": "fix", "kind": "runbook", "runbook": "restart"}, stories.note("end"), team="payments")
    shade("team", "payments")
    outage()
    for _ in range(3):
        run_jobs()
        tick("app.workflows.ticks.work")
        tick("app.runbooks.ticks.run")
        assert runner().settle()
    run_jobs()
    run, = stories.runs()
    assert http_sink.calls == [] and stories.states(run) == {"tell": "succeeded", "fix": "succeeded", "end": "succeeded"}
    assert run.steps[0].warnings == ["Not called, in shadow: the team Payments"]
    assert {one.kind for one in listed("action", "runbook")} == {"action", "runbook"}


def test_plugins_that_listen_hear_nothing_of_it(app, outage, shade):
    """MIG-22."""
    shade("service", "checkout")
    found = outage()
    other = build.incident("Else")
    events = {event.subject: event for event in session.query(Event).filter(Event.subject.like("incident:%"))}
    assert hushed(events[found.ref]) and other.ref not in events


def test_what_begins_between_claim_and_call_still_holds(app, now, ana, left, tick, shade, monkeypatch, listed):
    """MIG-24: the last look is right before the call."""
    page(ana)
    called = sending._call
    monkeypatch.setattr(sending, "_call", lambda claim: (shade(), called(claim))[1])
    tick(SEND)
    monkeypatch.setattr(sending, "_call", called)
    now.shift(2)
    tick(SEND)
    assert left == [] and [one.state for one in session.query(Message).filter_by(kind="page")] == ["unsent"]
    assert len(listed("page")) == 1


def test_what_was_begun_by_then_goes_out(app, http_sink, payments, bob, olga, outage, tick):
    """Without a shadow nothing of this is in the way."""
    runbook = build.runbook("restart", team=payments, url=f"{http_sink.url}/run", approver=olga)
    found = outage()
    with transaction():
        executions.start(session.merge(runbook), parameters={}, by=build.actor(bob), incident=session.merge(found))
    assert calls.due(("start",), 5)
    tick("app.runbooks.ticks.run")
    assert runner().settle() and len(http_sink.calls) == 1
