"""What must never happen: secrets that show, addresses that are reached, actions that happen twice."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

import pytest

from app.core.access import OPERATOR
from app.core.acting import Call
from app.core.db import session, transaction
from app.core.events import Event
from app.identity.teams import archive_team, restore_team
from app.incidents.models import Note
from app.runbooks import vault
from app.workflows import calls, working
from app.workflows.models import WorkflowStep
from app.workflows.requests import Prepared
from tests import build
from tests.fakes import Reply
from tests.racing import at_once
from tests.workflows.stories import hook, note, runs, workflow


def test_a_secret_shows_nowhere_even_when_it_is_echoed(house, opens, go, http_sink, client, token, ana):
    """WF-21: request, answer, output, error, API, log."""
    build.secret("hook", "very-secret-value")
    workflow("flow", hook("call", http_sink.url, with_={"headers": {"Authorization": "Bearer {{ secret.hook }}"}}),
             note("tell", "{{ steps.call.output.body.echo }}"))
    http_sink.answer = Reply(200, json.dumps({"echo": "very-secret-value"}).encode())
    opens()
    go()
    assert http_sink.calls[0].headers["authorization"] == "Bearer very-secret-value"
    run = client.get(f"/api/v1/runs/{runs()[0].id}", headers=token(ana)).text
    said = run + "".join(str(event.data) for event in session.query(Event)) + session.query(Note).one().body
    assert "very-secret" not in said and "•••" in session.query(Note).one().body


def test_a_replaced_secret_counts_from_the_next_step(house, opens, go, later, http_sink):
    """WF-22: also for runs that go on; one in use is not deleted."""
    secret = build.secret("hook", "one")
    header = {"headers": {"X": "{{ secret.hook }}"}}
    workflow("flow", hook("a", http_sink.url, with_=header), {"id": "wait", "kind": "delay", "for": "5m"},
             hook("b", http_sink.url, with_=header))
    opens()
    go()
    with transaction():
        vault.replace(session.get_one(type(secret), secret.id), "two", by=build_operator())
    later(300)
    assert [call.headers["x"] for call in http_sink.calls] == ["one", "two"]
    assert [use.name for use in vault.uses(session.get_one(type(secret), secret.id), build_operator())] == ["Workflow Flow"]


def build_operator():
    from app.core.access import OPERATOR

    return OPERATOR


@pytest.mark.parametrize(("url", "word"), [("ftp://example.com/", "https://"), ("https://user:pass@example.com/", "user name")])
def test_what_is_no_plain_web_address_is_refused_and_nothing_is_sent(house, opens, go, http_sink, url, word):
    """WF-20: it is not tried again. Addresses inside are in `test_reach.py`."""
    workflow("flow", hook("call", url))
    opens()
    go()
    step = runs()[0].steps[0]
    assert (step.state, step.attempts, http_sink.calls) == ("failed", 1, []) and word in step.error


def test_a_long_answer_is_cut(house, opens, go, http_sink):
    """WF-13: 64 KiB are read and kept."""
    workflow("long", hook("call", http_sink.url))
    http_sink.answer = Reply(200, b"x" * 200_000)
    opens()
    go()
    step = runs()[0].steps[0]
    assert len(step.response["body"]) == 64 * 1024 and step.state == "succeeded"


def test_an_answer_that_never_comes_ends_at_the_limit(app, http_sink):
    """WF-13: the attempt fails after one second, and may be repeated."""
    http_sink.answer = Reply(200, delay=1.5)
    found = calls.perform(Prepared("webhook", 1.0, call=Call("GET", http_sink.url)), look=False)
    assert not found.succeeded and found.again and "did not answer within 1 s" in found.error


def test_who_died_in_a_call_is_followed_with_the_same_key(house, opens, run_jobs, tick, http_sink, monkeypatch):
    """WF-11: nothing before the lease ends, then the same call once more."""
    workflow("flow", hook("call", http_sink.url), note("after"))
    opens()
    run_jobs()
    with monkeypatch.context() as patch:
        patch.setattr(working, "_record", lambda *_: None)  # killed after the call, before its record
        tick("app.workflows.ticks.work")
    tick("app.workflows.ticks.work")
    assert len(http_sink.calls) == 1
    house.at.shift(timedelta(seconds=36))
    tick("app.workflows.ticks.work")
    assert len({call.headers["idempotency-key"] for call in http_sink.calls}) == 1 and len(http_sink.calls) == 2
    assert runs()[0].state == "succeeded" and session.query(Note).count() == 1


def test_who_comes_late_changes_nothing(house, opens, run_jobs, tick, http_sink, monkeypatch):
    """The first one's answer arrives after the second has recorded its own."""
    workflow("flow", hook("call", http_sink.url))
    opens()
    run_jobs()
    late = []
    with monkeypatch.context() as patch:
        patch.setattr(working, "_record", lambda *args: late.append(args))
        tick("app.workflows.ticks.work")
    house.at.shift(timedelta(seconds=36))
    tick("app.workflows.ticks.work")
    with transaction():
        working._record(*late[0])
    assert runs()[0].steps[0].visits == 2 and len([one for one in session.query(Event) if one.kind == "workflow.step_ended"]) == 1


@pytest.mark.race(rounds=25)
@pytest.mark.both_databases
def test_two_workers_at_once_do_a_step_once(house, opens, app, run_jobs):
    """WF-26, WF-11: the claim decides; at a barrier for each step."""
    workflow("flow", note("a"))
    for at in range(25):
        opens(str(at))
    run_jobs()
    for key in [step.id * working.VISITS for step in session.query(WorkflowStep)]:
        assert at_once(app, *[partial(working.work, key)] * 4) == []
    assert session.query(Note).count() == 25 and {run.state for run in runs()} == {"succeeded"}


def test_an_oauth_token_is_fetched_once_and_again_for_another_secret(house, opens, go, http_sink):
    """WF-22: client credentials; cached until the secret changes."""
    calls.TOKENS._held.clear()
    secret = build.secret("client", "one")
    workflow("flow", hook("call", f"{http_sink.url}/api", with_={
        "auth": "oauth2", "auth_url": f"{http_sink.url}/token", "auth_user": "id", "auth_secret": "{{ secret.client }}"}))
    http_sink.answer = Reply(200, b'{"access_token": "at", "expires_in": 3600}')
    for value in ("one", "one", "two"):
        with transaction():
            vault.replace(session.get_one(type(secret), secret.id), value, by=build_operator())
        opens()
        go()
    assert [call.path for call in http_sink.calls] == ["/token", "/api", "/api", "/token", "/api"]
    assert http_sink.calls[1].headers["authorization"] == "Bearer at"


def test_the_times_of_an_archived_team_pass(house, go, tick):
    """Nobody answers for it; once it is back the next time counts, and nothing is made up for."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "1h"}, team="payments", trigger={
        "event": "schedule", "cron": "0 12 * * *", "time_zone": "Europe/Berlin"})
    with transaction():
        archive_team(session.merge(house), by=OPERATOR)
    house.at.shift(timedelta(hours=1))
    tick("app.workflows.ticks.schedules")
    with transaction():
        restore_team(session.merge(house), by=OPERATOR)
    for wait, count in ((1, 0), (86400, 1)):
        house.at.shift(timedelta(seconds=wait))
        tick("app.workflows.ticks.schedules")
        assert len(runs()) == count
