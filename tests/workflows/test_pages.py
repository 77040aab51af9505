"""The pages: built by forms and buttons alone, saved, run, read and undone."""

from __future__ import annotations

import json
import re

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.workflows import manual
from app.workflows.models import Workflow, WorkflowDraft
from tests import build
from tests.workflows.stories import hook, note, runs, workflow

BUILD = "/workflows/flow/build"


@pytest.fixture
def browser(house, signed_in, ana):
    """Ana's browser, with an empty workflow of her team in the builder."""
    opened = signed_in(ana)
    answer = opened.post("/workflows/-/new", data={"name": "Flow", "key": "flow", "team": "payments"})
    assert answer.headers["Location"].endswith(BUILD), answer.text
    return opened


def flow():
    session.rollback()
    session.expire_all()
    return session.query(Workflow).filter_by(key="flow").one()


def step(browser, **form):
    """One press in the builder, and the page that follows."""
    answer = browser.post(f"{BUILD}/step", data=form)
    return browser.get(answer.headers["Location"].partition("#")[0]).text


def test_a_manager_builds_saves_and_enables_with_forms_alone(browser, opens, go):
    """WF-08: a condition, two actions and a delay, without any script; then it runs."""
    browser.post(f"{BUILD}/configure", data={"node": "trigger", "event": "incident_opened"})
    assert "Add a step after trigger" in browser.get(f"{BUILD}?add=trigger").text
    step(browser, do="add", after="trigger", kind="condition")
    browser.post(f"{BUILD}/configure", data={"node": "condition", "when.group": "all", "when.0.field": "incident.severity",
                                             "when.0.op": "eq", "when.0.value": "critical", "when.1.field": ""})
    step(browser, do="add", after="condition.then", kind="action:add_note")
    page = step(browser, do="add", after="add_note", kind="delay")
    assert "add_note</a>: Note is needed" in page
    step(browser, do="add", after="condition.else", kind="action:resolve")
    browser.post(f"{BUILD}/configure", data={"node": "add_note", "with.body": "It is {{ incident.severity }}"})
    assert browser.post(f"{BUILD}/save").status_code == 303 and flow().number == 2
    browser.post("/workflows/flow/enable", data={"on": "1"})
    opens()
    go()
    assert {one.node: one.state for one in runs()[0].steps} == {
        "condition": "succeeded", "add_note": "succeeded", "delay": "waiting", "resolve": "skipped"}
    assert "add_note" in browser.get(f"/workflows/-/runs/{runs()[0].id}").text


def test_a_wrong_graph_is_not_saved_and_each_fault_leads_to_its_step(browser):
    """WF-07: 422; nothing is stored; the draft stays."""
    step(browser, do="add", after="trigger", kind="action:webhook")
    answer = browser.post(f"{BUILD}/save")
    assert answer.status_code == 422 and f"{BUILD}?step=webhook#step" in answer.text and flow().number == 1
    assert "webhook" in browser.get(BUILD).text and session.query(WorkflowDraft).count() == 1


def test_moving_connecting_removing_and_undoing_are_presses(browser):
    """WF-08: every operation of the outline."""
    for after in ("trigger", "add_note", "add_note_2"):
        step(browser, do="add", after=after, kind="action:add_note")
    step(browser, do="up", node="add_note_2")
    order = re.findall(r'class="sub">(add_note\w*)', browser.get(BUILD).text)
    assert order == ["add_note_2", "add_note", "add_note_3"]
    page = step(browser, do="connect", after="add_note_2", target="add_note_3", node="add_note_2")
    assert "→ add_note_3" in page
    assert "→ add_note_3" not in step(browser, do="disconnect", after="add_note_2.next", target="add_note_3", node="add_note_2")
    step(browser, do="remove", node="add_note")
    browser.post(f"{BUILD}/undo")
    assert 'class="sub">add_note<' in browser.get(BUILD).text
    browser.post(f"{BUILD}/discard")
    assert "add_note" not in re.findall(r'class="sub">(\w+)', browser.get(BUILD).text)


def test_saving_on_a_stale_version_is_refused(browser):
    """WF-27: 409, and what to do."""
    step(browser, do="add", after="trigger", kind="action:acknowledge")
    workflow("flow", note("other"), trigger="manual", team="payments")
    answer = browser.post(f"{BUILD}/save")
    assert answer.status_code == 409 and "Somebody saved version 2 meanwhile" in answer.text and flow().number == 2


def test_versions_show_what_changed_and_can_be_gone_back_to(browser):
    """WF-27: a new version that is equal; none is rewritten."""
    workflow("flow", note("a", "one"), trigger="manual", team="payments")
    workflow("flow", note("a", "two"), note("b"), trigger="manual", team="payments")
    page = browser.get("/workflows/flow/versions/3").text
    assert "Step a: changed" in page and "Step b: added" in page and "a → b: added" in page
    browser.post("/workflows/flow/versions/2/restore")
    assert flow().number == 4 and flow().versions[3].definition == flow().versions[1].definition


def test_a_dry_run_sends_and_changes_nothing(browser, opens, http_sink, token, ana, client):
    """WF-28: the path and each request, secrets masked."""
    build.secret("hook", "very-secret", team=flow().team)
    workflow("flow", hook("call", http_sink.url, with_={"headers": {"X-Key": "{{ secret.hook }}"}}),
             {"id": "wait", "kind": "delay", "for": "1h"}, note("a", "hello"), trigger="manual", team="payments")
    incident = opens("Disk")
    page = browser.get(f"/workflows/flow/rehearse?incident={incident.id}").text
    assert "X-Key: •••" in page and "Disk" in page and "waits 1h" in page and "very-secret" not in page
    answer = client.post("/api/v1/workflows/flow/runs", headers=token(ana), json={"incident": incident.id, "dry_run": True})
    assert (answer.status_code, answer.json["path"]) == (200, ["call", "wait", "a"])
    assert not http_sink.calls and not runs()


def test_responders_run_by_hand_and_cancel_and_others_may_not(browser, opens, go, client, token, bob, charlie, signed_in):
    """WF-29: 202 and it begins; 403 outside; no step starts after the cancel."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "5m"}, note("a"), trigger="manual", team="payments")
    incident, path = opens(), "/api/v1/workflows/flow/runs"
    assert client.post(path, headers=token(charlie), json={}).status_code == 403
    made = client.post(path, headers=token(bob), json={"incident": incident.id})
    assert (made.status_code, made.json["state"]) == (202, "waiting")
    assert "Run workflow" in signed_in(bob).get(f"/incidents/{incident.id}").text
    ended = client.post(f"/api/v1/runs/{made.json['id']}/cancel", headers=token(bob))
    assert ended.json["state"] == "cancelled" and ended.json["steps"][1]["state"] == "cancelled"
    assert client.post(f"/api/v1/runs/{made.json['id']}/cancel", headers=token(bob)).status_code == 409


def test_who_may_cancel_is_offered_it(house, signed_in, bob, charlie):
    """WF-29: also the run of everybody's workflow that is about no incident."""
    flow = workflow("flow", {"id": "wait", "kind": "delay", "for": "5m"}, trigger="manual")
    with transaction():
        run = manual.run_by_hand(flow, None, by=OPERATOR)
    offered = ["Cancel this run?" in signed_in(person).get(f"/workflows/-/runs/{run.id}").text for person in (bob, charlie)]
    assert offered == [True, False]


def test_archiving_waits_for_runs_and_keeps_the_history(browser, opens):
    """WF-34: 409 with the runs; afterwards it is read and restored."""
    workflow("flow", {"id": "wait", "kind": "delay", "for": "5m"}, trigger="manual", team="payments")
    browser.post("/workflows/flow/run", data={"incident": str(opens().id)})
    assert browser.post("/workflows/flow/archive").status_code == 409
    browser.post(f"/workflows/-/runs/{runs()[0].id}/cancel")
    assert browser.post("/workflows/flow/archive").status_code == 303
    assert "/workflows/flow" not in browser.get("/workflows").text
    assert "/workflows/flow" in browser.get("/workflows?state=archived").text
    assert "Cancelled" in browser.get("/workflows/flow").text


def test_export_and_import_round_trip_and_name_what_is_missing(browser, http_sink):
    """WF-34: an import is switched off and says which secret it needs."""
    build.secret("hook", "x", team=flow().team)
    workflow("flow", hook("call", http_sink.url, with_={"headers": {"X": "{{ secret.hook }}"}}), trigger="manual", team="payments")
    text = browser.get("/workflows/flow/export").text
    form = {"import": "1", "text": text, "key": "again", "name": "Again", "team": "payments"}
    assert browser.post("/workflows/-/new", data=form).status_code == 303
    again = session.query(Workflow).filter_by(key="again").one()
    assert not again.enabled and again.versions[-1].definition == flow().versions[-1].definition
    other = browser.post("/workflows/-/new", data={**form, "key": "third", "text": text.replace("secret.hook", "secret.gone")})
    assert "There is no secret gone" in browser.get(other.headers["Location"]).text


@pytest.mark.parametrize("graph", [
    {"nodes": ["x"]}, {"nodes": [note("a")], "edges": [{"from": "a", "to": "gone"}]}, {"nodes": [{"id": "a", "kind": ["x"]}]},
    {"nodes": [], "trigger": [{"event": "age"}, {"event": "manual"}]}, {"nodes": [note("a")], "edges": [{"from": ["a"], "to": "a"}]},
    {"nodes": [note("a", when=7)], "trigger": {"event": ["age"]}}, {"nodes": [{"id": "a", "kind": "condition", "when": ["x"]}]},
    {"nodes": [{"id": "a", "type": "add_note", "with": "x"}]}, {"nodes": [{"id": "a", "kind": "runbook", "parameters": ["x"]}]},
    {"nodes": [{**note("a"), "with": ["x"]}]}, {"nodes": [{"id": "a", "kind": "delay", "for": ["1s"]}]}])
def test_what_is_no_graph_is_not_imported(browser, graph):
    """WF-34: 422 and why; nothing is stored that no page can show."""
    text = json.dumps({"trigger": "manual", "key": "odd", "name": "Odd", **graph})
    answer = browser.post("/workflows/-/new", data={"import": "1", "text": text, "team": "payments"})
    stored = session.query(Workflow).filter_by(key="odd").count()
    assert (answer.status_code, stored) == (422, 0) or browser.get("/workflows/odd/build").status_code == 200


def test_figures_are_counts_over_the_runs(browser, opens, go, http_sink):
    """WF-35: share, failing nodes."""
    workflow("flow", hook("call", http_sink.url), team="payments")
    http_sink.answers(200, 404, 200, 200)
    for _ in range(4):
        opens()
    go()
    page = browser.get("/workflows/flow?days=7").text
    assert "75.0 %" in page and "call (1)" in page and "4 runs in 7 days, 3 good" in page
    assert "75 % good" in browser.get("/workflows").text


def test_an_incident_shows_its_runs_with_their_steps(browser, opens, go):
    """WF-23: nested, with a link to the run."""
    workflow("flow", note("a"), team="payments")
    incident = opens()
    go()
    page = browser.get(f"/incidents/{incident.id}").text
    assert f"/workflows/-/runs/{runs()[0].id}" in page and "a: succeeded" in page


def test_a_failed_run_tells_its_editor_once_and_quietly(house, opens, go, tick, http_sink, smtp, client, token, ana):
    """WF-24: a notice with workflow, node, error and link; no page."""
    answer = client.post("/api/v1/workflows", headers=token(ana), json={
        "key": "flow", "name": "Flow", "team": "payments", "trigger": {"on": "incident.opened"}, "nodes": [hook("call", http_sink.url)]})
    assert answer.status_code == 201, answer.text
    http_sink.answers(404)
    opens()
    go()
    tick("app.notifications.ticks.send")
    (mail,) = smtp.to("ana@example.com")
    assert "Workflow Flow failed at call" in mail.text + mail.subject and "/workflows/-/runs/" in mail.text


def test_a_copy_is_switched_off(browser):
    """Under the next free key."""
    browser.post("/workflows/flow/duplicate")
    assert "Flow (copy)" in browser.get("/workflows/flow-2").text


def test_every_page_of_a_workflow_opens_for_an_observer(house, signed_in, charlie, opens, go):
    """Members read; what they may not do is not offered."""
    workflow("flow", note("a"), team="payments")
    opens()
    go()
    browser = signed_in(charlie)
    for path in ("/workflows", "/workflows/-/library", "/workflows/flow", "/workflows/flow/versions/1", f"/workflows/-/runs/{runs()[0].id}"):
        assert browser.get(path).status_code == 200
    assert "Run now" not in browser.get("/workflows/flow").text and browser.get(BUILD).status_code == 403
