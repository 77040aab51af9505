"""A runbook as a step of a workflow: its end decides how the run goes on, and a run that is cancelled stops it."""

from __future__ import annotations

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents.models import Note
from app.runbooks import executions
from app.runbooks.models import Execution
from app.runbooks.runner import runner
from app.workflows import manual, remedies
from app.workflows.models import WorkflowRun
from tests import build
from tests.fakes import Reply
from tests.workflows.stories import edges, note, runs, states, workflow


@pytest.fixture
def remedy(house, opens, go, tick, http_sink, olga):
    """`remedy(answer)`: an incident, and a workflow that waits for a runbook which is answered so."""
    build.runbook("fix", team=house, url=http_sink.url, approver=olga, retries=0)

    def act(*answers):
        http_sink.next_answers.extend(answers)
        workflow("flow", {"id": "run", "kind": "runbook", "runbook": "fix", "wait": True},
                 note("good", "found {{ steps.run.output.pods }}"), note("bad", "it failed"),
                 edges=edges("trigger>run", "run>good", "run.error>bad"), team="payments")
        opens()
        go()
        tick("app.runbooks.ticks.run")
        assert runner().settle()
        go()
    return act


def test_its_end_decides_the_way_and_what_it_said_is_used(remedy):
    """RB-23: JSON is values in later steps; the run and the execution name each other."""
    remedy(Reply(200, b'{"pods": 3}'))
    run, execution = runs()[0], session.query(Execution).one()
    assert (run.state, [one.body for one in session.query(Note)]) == ("succeeded", ["found 3"])
    assert execution.cause == run.ref and str(execution.id) in str(run.steps[0].output)


def test_an_output_that_is_nested_too_deep_is_text():
    """RB-23."""
    deep = "[" * 60_000
    assert remedies.output_of(Execution(id=1, state="succeeded", output=deep))["text"] == deep


def test_a_failure_takes_the_error_edge(remedy):
    """RB-23."""
    remedy(Reply(400, b"no such pod"))
    assert [one.body for one in session.query(Note)] == ["it failed"] and states(runs()[0])["good"] == "skipped"


def test_a_run_that_is_cancelled_stops_what_it_waits_for(house, opens, go, http_sink, olga):
    """RB-24: where the target can stop it, it is asked to."""
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    build.runbook("fix", team=house, url=http_sink.url, approver=olga, wait_for="follow")
    workflow("flow", {"id": "run", "kind": "runbook", "runbook": "fix", "wait": True}, team="payments")
    opens()
    go()
    assert runner().settle()
    with transaction():
        manual.cancel(session.query(WorkflowRun).one(), by=OPERATOR)
    go()
    assert runner().settle()
    session.rollback()
    assert session.query(Execution).one().state == "cancelled" and [one.method for one in http_sink.calls] == ["POST", "DELETE"]


def test_a_run_that_fails_awaits_what_goes_on_and_records_it(house, opens, go, http_sink, olga):
    """WF-06: nothing new starts; the runbook in hand comes to its end, then the run ends."""
    http_sink.next_answers.append(Reply(202, headers={"Location": "/jobs/1"}))
    build.runbook("fix", team=house, url=http_sink.url, approver=olga, wait_for="follow")
    workflow("flow", {"id": "run", "kind": "runbook", "runbook": "fix", "wait": True}, note("after"),
             {"id": "bad", "kind": "action", "action": "add_responder", "with": {"user": "nobody@example.com"}},
             edges=edges("trigger>run", "run>after", "trigger>bad"), team="payments")
    opens()
    go()
    assert runner().settle()
    run = runs()[0]
    assert (run.state, run.failed_step, states(run)["run"], states(run)["after"]) == ("waiting", "bad", "waiting", "cancelled")
    with transaction():
        executions.end(session.query(Execution).one(), executions.Result("succeeded"))
    go()
    assert (runs()[0].state, states(runs()[0])["run"], session.query(Note).count()) == ("failed", "succeeded", 0)
