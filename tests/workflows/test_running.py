"""Runs: the chosen side alone, joins once, waits that cost nothing, calls that are repeated, and crashes."""

from __future__ import annotations

import random

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents import service as incidents
from app.incidents.models import Incident, Note
from tests.fakes import Reply
from tests.workflows.stories import edges, hook, note, runs, states, when, workflow

CRITICAL = when("incident.severity", "eq", "critical")


def test_opening_starts_one_run_and_its_steps_stand_on_the_timeline(house, opens, go, http_sink, client, token, ana):
    """WF-01, WF-23: start, steps and end, by the workflow."""
    workflow("flow", hook("post", http_sink.url))
    incident = opens()
    go()
    (run,) = runs()
    assert (run.state, states(run)) == ("succeeded", {"post": "succeeded"})
    assert http_sink.calls[0].json() == {"text": "Checkout is down"}
    entries = client.get(f"/api/v1/incidents/{incident.id}/timeline", headers=token(ana)).json
    said = [(one["kind"], one["actor"]["name"]) for one in entries if one["kind"].startswith("workflow.")]
    assert said == [(f"workflow.{what}", "workflow Flow") for what in ("run_started", "step_ended", "run_ended")]


@pytest.mark.both_databases
def test_only_the_chosen_side_is_called_over_many_runs(house, opens, go, http_sink):
    """WF-04, AUTO-03."""
    workflow("flow", {"id": "bad", "kind": "condition", "when": CRITICAL}, hook("then", f"{http_sink.url}/then"),
             hook("other", f"{http_sink.url}/else"), edges=edges("trigger>bad", "bad.then>then", "bad.else>other"))
    chosen = random.Random(4)
    severities = [chosen.choice(["critical", "high", "low"]) for _ in range(40)]
    for number, severity in enumerate(severities):
        opens(f"{severity} {number}", severity=severity)
    go()
    assert len(http_sink.calls) == 40 and all(run.state == "succeeded" for run in runs())
    assert all((call.path == "/then") == call.json()["text"].startswith("critical") for call in http_sink.calls)


def test_a_join_runs_once_after_the_side_that_was_taken(house, opens, go):
    """WF-05: a diamond."""
    workflow("flow", {"id": "bad", "kind": "condition", "when": CRITICAL}, note("a"), note("b"), note("join", "joined"),
             edges=edges("trigger>bad", "bad.then>a", "bad.else>b", "a>join", "b>join"))
    opens()
    go()
    assert states(runs()[0]) == {"bad": "succeeded", "a": "succeeded", "b": "skipped", "join": "succeeded"}
    assert [one.body for one in session.query(Note)] == ["noted", "joined"]


def test_two_arrows_from_one_output_run_both_and_the_join_waits(house, opens, go, later):
    """WF-05: the join comes after the slower side."""
    workflow("flow", note("a", "a"), {"id": "wait", "kind": "delay", "for": "5m"}, note("join", "joined"),
             edges=edges("trigger>a", "trigger>wait", "a>join", "wait>join"))
    opens()
    go()
    assert [one.body for one in session.query(Note)] == ["a"] and runs()[0].state == "waiting"
    later(300)
    assert [one.body for one in session.query(Note)] == ["a", "joined"] and runs()[0].state == "succeeded"


def test_a_delay_waits_as_a_row_and_ends_early_where_it_makes_no_sense_any_more(house, opens, go, later):
    """WF-09: at 29:59 nothing, at 30:00 the rest; `stop_when` ends the run."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "30m", "stop_when": ["resolved"]}, note("after"))
    first, second = opens("one"), opens("two")
    go()
    with transaction():
        incidents.resolve(second, by=OPERATOR)
    later(1799)
    assert session.query(Note).count() == 0
    later(1)
    assert [one.incident_id for one in session.query(Note)] == [first.id]
    assert [run.state for run in runs()] == ["succeeded", "succeeded"] and states(runs()[1])["after"] == "cancelled"


@pytest.mark.parametrize(("answers", "calls", "state"), [
    ([500, 500, 200], 3, "succeeded"), ([400], 1, "failed"), ([500, 500, 500, 500], 4, "failed"), ([302], 1, "failed"),
    ([408, 425, 200], 3, "succeeded")])
def test_what_may_pass_is_tried_again_with_one_key(house, opens, go, later, http_sink, answers, calls, state):
    """WF-12: after 1, 2 and 4 seconds; every other 4xx and redirects are final."""
    workflow("flow", hook("post", http_sink.url))
    http_sink.answers(*answers)
    opens()
    go()
    for wait in (0.9, 0.1, 1.9, 0.1, 3.9, 0.1, 60):
        before = len(http_sink.calls)
        later(wait)
        assert wait in (0.1, 60) or len(http_sink.calls) == before
    step = runs()[0].steps[0]
    assert (len(http_sink.calls), step.attempts, step.state, runs()[0].state) == (calls, calls, state, state)
    assert len({call.headers["idempotency-key"] for call in http_sink.calls}) == 1


def test_the_other_side_may_say_when_to_come_again(house, opens, go, later, http_sink):
    """WF-12: 429 with Retry-After 5."""
    workflow("flow", hook("post", http_sink.url))
    http_sink.next_answers.append(Reply(429, headers={"Retry-After": "5"}))
    opens()
    go()
    later(4.9)
    assert len(http_sink.calls) == 1 and runs()[0].state == "waiting"
    later(0.1)
    assert len(http_sink.calls) == 2 and runs()[0].state == "succeeded"


def test_a_failure_takes_its_own_arrow_or_ends_the_run(house, opens, go, http_sink):
    """An error edge goes on; without one nothing new starts."""
    workflow("caught", hook("post", http_sink.url), note("sorry", "{{ steps.post.status }}"), note("fine", "fine"),
             edges=edges("trigger>post", "post.error>sorry", "post>fine"))
    workflow("not-caught", hook("post", http_sink.url), note("fine", "fine"))
    http_sink.answer = Reply(404)
    opens()
    go()
    assert [(run.state, run.failed_step) for run in runs()] == [("succeeded", ""), ("failed", "post")]
    assert [one.body for one in session.query(Note)] == ["failed"]
    assert states(runs()[1]) == {"post": "failed", "fine": "cancelled"}


def test_a_run_that_is_at_work_too_long_is_ended(house, opens, go, later, tick, http_sink):
    """The limit counts active time; the delay before it does not."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "1h"}, hook("post", http_sink.url), timeout="1m")
    http_sink.answer = Reply(429, headers={"Retry-After": "60"})
    opens()
    go()
    later(3600)
    tick("app.workflows.ticks.limit")
    assert runs()[0].state == "waiting"
    later(61)
    tick("app.workflows.ticks.limit")
    assert (runs()[0].state, "more than 1m" in runs()[0].error) == ("timed_out", True)


def test_the_same_fact_twice_gives_one_run(house, opens, go, http_sink, app):
    """WF-26: dispatched again, and by another worker."""
    from app.core import jobs
    from app.core.events import Event

    workflow("flow", hook("post", http_sink.url))
    opens()
    go()
    event = session.query(Event).filter(Event.kind == "incident.opened").one()
    jobs.deliver("app.workflows.reactions.consider", [event.id])
    go()
    assert len(runs()) == len(http_sink.calls) == 1


def test_actions_on_the_incident_go_through_the_same_commands(house, opens, go, bob, olga):
    """WF-16: responders, severity, acknowledge and resolve; the workflow is who did it."""
    workflow("flow", {"id": "help", "kind": "action", "action": "add_responder", "with": {"user": bob.email}},
             {"id": "weigh", "kind": "action", "action": "set_priority", "with": {"priority": "P1", "severity": "high"}},
             {"id": "take", "kind": "action", "action": "acknowledge"},
             {"id": "tell", "kind": "action", "action": "status_update", "with": {"body": "We are on it"}},
             {"id": "end", "kind": "action", "action": "resolve", "with": {"note": "by itself"}})
    opens()
    go()
    incident = session.query(Incident).one()
    assert runs()[0].state == "succeeded", [step.error for step in runs()[0].steps]
    assert (incident.status, incident.severity, incident.priority) == ("resolved", "high", "P1")
    assert incident.resolved_by.startswith("workflow_run:") and incident.resolved_name == "workflow Flow"
    assert [one.user.name for one in incident.responders if one.kind == "responder"] == ["Bob"]


def test_a_title_arrives_exactly_and_is_no_template(house, opens, go, http_sink):
    """WF-17, WF-18: quotes, line breaks, emoji and braces; a single expression keeps its type; a URL is encoded."""
    workflow("flow", hook("post", http_sink.url + "/{{ incident.title }}?n={{ incident.number }}", with_={"body": {
        "title": "{{ incident.title }}", "tags": "{{ incident.service.tags }}", "n": "{{ incident.number }}"}}))
    title = 'a "b" \\ \n 🔥 {{ secret.x }}/?&'
    opens(title)
    go()
    call = http_sink.calls[0]
    assert call.json() == {"title": title, "tags": ["tier1"], "n": 1}
    assert "/?&" not in call.path.partition("?")[0] and call.path.endswith("?n=1")


def test_a_line_break_in_a_header_fails_the_step(house, opens, go, http_sink):
    """WF-18."""
    workflow("flow", hook("post", http_sink.url, with_={"headers": {"X-Title": "{{ incident.title }}"}}))
    opens("two\r\nX-Evil: yes")
    go()
    assert not http_sink.calls and "line break" in runs()[0].error


def test_a_missing_leaf_is_empty_and_warns(house, opens, go, http_sink):
    """WF-19."""
    body = {"a": "{{ incident.labels.pod }}", "b": "{{ incident.labels.pod|default('none') }}"}
    workflow("flow", hook("post", http_sink.url, with_={"body": body}))
    opens()
    go()
    assert http_sink.calls[0].json() == {"a": "", "b": "none"}
    assert runs()[0].steps[0].warnings == ["incident.labels.pod is empty"]


def test_a_step_uses_what_an_earlier_one_gave(house, opens, go, http_sink):
    """The answer's JSON is the step's output."""
    http_sink.answer = Reply(200, b'{"id": 7, "name": "T-7"}')
    workflow("flow", hook("make", http_sink.url), note("tell", "made {{ steps.make.output.body.name }}"))
    opens()
    go()
    assert [one.body for one in session.query(Note)] == ["made T-7"]
