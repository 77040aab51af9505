"""What holds at the edges: restarts over a delay, thousands that wait, storms, endless answers, addresses that change."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest
from sqlalchemy import insert

from app.core import clock, http, outbound, templating
from app.core.access import OPERATOR
from app.core.acting import Call
from app.core.db import session, transaction
from app.incidents.models import Note
from app.notifications.models import Message
from app.runbooks.service import deprecate
from app.timetable import PERIODIC
from app.workflows import calls, checks, queries, working
from app.workflows.models import WorkflowRun, WorkflowStep
from app.workflows.requests import KEPT, Prepared
from app.workflows.rules import OUTPUTS
from tests import build
from tests.workflows.stories import edges, hook, note, runs, states, when, workflow

DELAY, WORK = {"id": "wait", "kind": "delay", "for": "30m"}, "app.workflows.ticks.work"


def after_a_restart(house, go, tick, *, minutes):
    """So many minutes later everything starts again, as if it had been killed."""
    house.at.shift(timedelta(minutes=minutes))
    tick("app.workflows.ticks.release_dead")
    go()


def test_a_delay_outlives_a_restart_to_the_second(house, opens, go, later, tick):
    """WF-09: everybody dies at minute 10 and is back at minute 20; what was done is not repeated."""
    workflow("flow", note("before", "before"), DELAY, note("after", "after"))
    opens()
    go()
    after_a_restart(house, go, tick, minutes=20)
    later(599)
    assert [one.body for one in session.query(Note)] == ["before"]
    later(1)
    assert [one.body for one in session.query(Note)] == ["before", "after"] and runs()[0].state == "succeeded"


def test_a_delay_that_ended_while_nothing_ran_goes_on_at_the_first_turn(house, opens, go, tick):
    """WF-09: and that comes well within five seconds."""
    workflow("flow", DELAY, note("after"))
    opens()
    go()
    after_a_restart(house, go, tick, minutes=45)
    assert states(runs()[0]) == {"wait": "succeeded", "after": "succeeded"}
    assert next(one.seconds for one in PERIODIC if one.path == WORK) < 5


def wait_for_ever(flow, count):
    """So many runs in the middle of a delay."""
    now = clock.now()
    about = {"workflow_id": flow.id, "version_id": queries.version_of(flow).id, "state": "waiting", "started_at": now}
    step = {"node": "wait", "kind": "delay", "state": "waiting", "waits_for": "delay", "next_at": now + timedelta(minutes=30)}
    with transaction():
        session.execute(insert(WorkflowRun), [{**about, "id": key, "once": f"{key}"} for key in range(1, count + 1)])
        session.execute(insert(WorkflowStep), [{**step, "run_id": key} for key in range(1, count + 1)])


def test_thousands_that_wait_hold_nobody(house, opens, go, bob):
    """WF-10: nobody looks at them before their time; another run and a page go on beside them."""
    build.policy("payments", (60, [bob]), team=house)
    wait_for_ever(workflow("wait", DELAY, trigger="manual"), 10_000)
    assert working.due(10) == []
    session.rollback()
    workflow("quick", note("a"))
    opens()
    go()
    assert runs("quick")[0].state == "succeeded" and session.query(Message).filter_by(kind="page").count() == 1
    assert session.query(WorkflowStep).filter(WorkflowStep.visits > 0, WorkflowStep.node == "wait").count() == 0


def test_a_storm_ends_in_full_and_pages_do_not_wait_for_it(house, opens, run_jobs, go, bob):
    """WF-36: a storm, here twelve at once; each page is under way before the first step of any run."""
    build.policy("payments", (60, [bob]), team=house)
    workflow("flow", {"id": "if", "kind": "condition", "when": when("incident.title", "exists")}, note("a"),
             {"id": "x", "kind": "action", "action": "acknowledge"}, edges=edges("trigger>if", "if.then>a", "a>x"))
    for at in range(12):
        opens(str(at))
    run_jobs()
    assert session.query(Message).filter_by(kind="page").count() == 12
    assert session.query(WorkflowStep).filter(WorkflowStep.visits > 0).count() == 0
    go()
    assert {run.state for run in runs()} == {"succeeded"} and len(runs()) == 12


@pytest.fixture
def endless():
    """The address of a server whose answer never ends; how much it could send."""
    door, sent = socket.create_server(("127.0.0.1", 0)), []

    def answer():
        line, _ = door.accept()
        line.recv(65536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        try:
            while True:
                line.sendall(b"x" * 65536)
                sent.append(65536)
        except OSError:
            line.close()
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}/", sent
    thread.join(10)
    door.close()


def test_an_answer_without_end_is_cut(app, endless):
    """WF-13: 64 KiB are kept, and what is on the way then is not read."""
    url, sent = endless
    found = calls.perform(Prepared("webhook", 20.0, call=Call("GET", url)), look=False)
    assert found.succeeded and len(found.response["body"]) == KEPT == 64 * 1024
    assert sum(sent) < 32 * 2**20


def test_a_name_that_answers_otherwise_the_next_time_is_refused(house, opens, go, http_sink, monkeypatch):
    """WF-20: it is looked up once, and where that lies inside, nothing is sent."""
    answers = iter(["10.0.0.7", "127.0.0.1"])
    http.configure("127.0.0.0/8")
    port = int(http_sink.url.rpartition(":")[2])
    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda host, port, **_: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))])
    workflow("flow", hook("call", f"https://rebinding.example:{port}/"))
    opens()
    go()
    step = runs()[0].steps[0]
    assert (step.state, step.attempts, http_sink.calls) == ("failed", 1, []) and "at a private address" in step.error


@pytest.mark.parametrize(("url", "kind"), [
    ("https://127.0.0.1/", "loopback"), ("https://169.254.169.254/", "link-local"), ("https://10.0.0.1/", "private"),
    ("https://100.64.0.1/", "carrier NAT"), ("https://224.0.0.1/", "multicast"),
    ("https://0.0.0.0/", "unspecified")])
def test_the_refusal_names_the_class_of_the_address(app, url, kind):
    """WF-20."""
    http.configure("")
    found = calls.perform(Prepared("webhook", 5.0, call=Call("GET", url)), look=False)
    assert not found.succeeded and not found.again and f"at a {kind} address" in found.error


@pytest.mark.parametrize("text", [
    "{{ ''.__class__ }}", "{{ incident.title() }}", "{{ 7 * 7 }}", "{{ config }}", "{{ self }}",
    "{{ incident.title|attr('x') }}", "{{ range(9) }}", "{% for x in incident %}{% endfor %}"])
def test_no_text_is_a_program(house, text):
    """WF-31: the four kinds of step act or wait; templates name values and filters, and nothing else is stored."""
    assert set(OUTPUTS) == {"condition", "action", "runbook", "delay"}
    graph = {"trigger": {"event": "manual"}, "timeout": "15m", "nodes": [note("a", text)], "edges": edges("trigger>a")}
    assert checks.faults(graph, queries.known_for(None)), text


def test_no_name_leads_into_the_program():
    """WF-31, WF-19: what is no value of the incident is empty."""
    assert templating.render({"a": "{{ incident.__class__.__mro__ }}"}, {"incident": {}}).value == {"a": ""}


def test_a_runbook_that_is_approved_no_more_runs_nothing(house, opens, go, http_sink, olga):
    """WF-31: approval counts at the run."""
    made = build.runbook("restart", team=house, url=http_sink.url, approver=olga)
    workflow("flow", {"id": "fix", "kind": "runbook", "runbook": "restart"}, team="payments")
    with transaction():
        deprecate(session.merge(made), by=OPERATOR)
    opens()
    go()
    assert runs()[0].state == "failed" and not http_sink.calls
