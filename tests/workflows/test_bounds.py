"""Where workflows stop: chains through their own facts, private teams, dead workers, and what may not show."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.workflows import calls, figures, manual, matching, working
from app.workflows.models import WorkflowStep
from tests import build
from tests.fakes import Reply
from tests.workflows.stories import hook, note, runs, workflow

HEAR, WORK, WAIT = "app.workflows.ticks.hear", "app.workflows.ticks.work", {"id": "wait", "kind": "delay", "for": "1s"}


def test_one_that_waits_for_workflows_is_refused_and_others_still_begin(house, opens, go, tick):
    """WF-25: its own facts lead back to it."""
    tick(HEAR)
    workflow("first", note("a"))
    workflow("echo", WAIT, trigger="workflow.*")
    workflow("beats", WAIT, trigger="heartbeat.*")
    opens()
    go()
    for _ in range(3):
        tick(HEAR)
    build.heartbeat("nightly", team=house)
    tick(HEAR)
    assert {run.state for run in runs("echo")} == {"waiting", "refused"} and len(runs("beats")) == 1
    assert runs("echo")[-1].error.endswith("(First → Echo → Echo)")


def test_a_fact_that_raises_is_passed_over(house, tick, monkeypatch):
    """Those beside it begin their runs."""
    tick(HEAR)
    workflow("flow", WAIT, trigger="heartbeat.created")
    for key in ("bad", "good"):
        build.heartbeat(key, team=house)
    real = matching.consider
    monkeypatch.setattr(matching, "consider", lambda fact: 1 / 0 if fact.data.get("name") == "Bad" else real(fact))
    tick(HEAR)
    assert [run.event["name"] for run in runs()] == ["Good"]


def test_the_facts_of_a_private_team_are_not_everybodys(house, tick):
    """WF-33: also where no incident is."""
    tick(HEAR)
    workflow("all", WAIT, trigger="heartbeat.*")
    build.heartbeat("hidden", team=build.team("secret", private=True))
    build.heartbeat("open", team=house)
    tick(HEAR)
    assert [run.event["name"] for run in runs()] == ["Open"]


def test_who_may_not_see_the_incident_sees_no_failure_of_it(house, opens, go, http_sink, ana, bob):
    """WF-33: of a workflow of everybody's that failed for a private team's incident."""
    flow = workflow("flow", hook("call", http_sink.url), trigger="manual")
    http_sink.answers(404)
    vault = build.service("vault", team=build.team("secret", manager=ana, private=True))
    incident = opens(service=vault)
    with transaction():
        manual.run_by_hand(flow, incident, by=OPERATOR)
    go()
    seen = [flow.id in figures.last_failures([flow.id], build.actor(person)) for person in (ana, bob)]
    assert seen == [True, False]


@pytest.fixture
def died(house, opens, run_jobs, tick, http_sink, monkeypatch):
    """The run of a call whose worker was killed before it could record anything."""
    workflow("flow", hook("call", http_sink.url), note("after"))
    opens()
    run_jobs()
    with monkeypatch.context() as patch:
        patch.setattr(working, "_record", lambda *_: None)
        tick(WORK)
    return runs()[0]


def test_a_call_whose_run_was_cancelled_is_not_made_again(house, died, tick, http_sink):
    """WF-11, WF-29: what came of it is unknown."""
    with transaction():
        manual.cancel(died, by=OPERATOR)
    house.at.shift(timedelta(seconds=36))
    tick(WORK)
    step = runs()[0].steps[0]
    assert (len(http_sink.calls), step.state, step.unsure, step.error) == (1, "failed", True, working.DIED)


def test_a_database_that_was_away_ends_no_step(house, died):
    """Nor does a fault of one whose step another has by now."""
    key = died.steps[0].id * working.VISITS
    working.failed(key, OperationalError("select", {}, Exception("away")))
    with transaction():
        session.get_one(WorkflowStep, key // working.VISITS).lease_owner = "elsewhere:1:1"
    working.failed(key, ValueError("late"))
    assert runs()[0].steps[0].state == "running"


def test_proofs_that_are_echoed_do_not_show(house, opens, go, http_sink):
    """WF-21: the token that was fetched, and user and password as they are sent."""
    calls.TOKENS._held.clear()
    build.secret("hook", "very-secret")
    auth = {"auth_user": "id", "auth_secret": "{{ secret.hook }}", "auth_url": f"{http_sink.url}/token"}
    workflow("flow", hook("a", http_sink.url, with_={**auth, "auth": "oauth2"}),
             hook("b", http_sink.url, with_={**auth, "auth": "basic"}))
    said = {"access_token": "token-of-theirs", "basic": "aWQ6dmVyeS1zZWNyZXQ="}
    http_sink.answer = Reply(200, json.dumps(said).encode())
    opens()
    go()
    first, second = (json.dumps([step.output, step.response]) for step in runs()[0].steps)
    assert len(http_sink.calls) == 3 and "token-of" not in first and "aWQ6" not in second


def test_another_teams_connection_is_none_at_the_run_either(house, opens, go, http_sink):
    """WF-31: it was everybody's when the workflow was saved."""
    made = build.connection("main", config={"api_url": http_sink.url, "token": "t"})
    workflow("flow", {"id": "post", "kind": "action", "action": "slack_post", "connection": "main",
                      "with": {"channel": "#ops", "text": "x"}})
    other = build.team("others").id
    with transaction():
        session.merge(made).team_id = other
    opens()
    go()
    assert not http_sink.calls and "There is no connection main any more" in runs()[0].error
