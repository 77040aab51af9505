"""Runbooks for machines, and in the configuration document."""

from __future__ import annotations

import pytest
import yaml

from app.config.service import export
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.runbooks import service
from app.runbooks.models import Execution, Runbook
from tests import build
from tests.config.documents import apply, diff, lines

SPEC = yaml.safe_load("""
key: restart-checkout
name: Restart checkout
description: Restarts one pod and waits until it is healthy.
team: payments
target: {plugin: webhook, config: {method: POST, url: "https://ops.example.com/run",
  headers: {Authorization: "Bearer {{ secret.ops }}"}, body: {pod: "{{ params.pod }}", incident: "{{ incident.number }}"}}}
parameters: {type: object, required: [pod], properties: {pod: {type: string, pattern: "^[a-z0-9-]+$"},
  grace: {type: integer, default: 30, minimum: 0}}}
timeout: 60s
wait_for: response
concurrency: per_incident
""")
PLAIN = {"key": "restart", "name": "Restart", "team": "payments", "target": "webhook", "config": {
    "url": "https://ops.example.com", "method": "POST"}, "parameters": {"type": "object", "properties": {}},
    "payload": '{"a": "{{ incident.title }}"}', "timeout": "5m"}


def test_both_forms_of_the_document_are_applied_once_exported_and_never_approved(app, payments):
    """RB-29, 13 Document: an applied change leaves a draft."""
    document = {"runbooks": [SPEC, PLAIN]}
    said = lines(apply(document))
    assert "created runbook restart-checkout" in said and "created runbook restart" in said
    assert lines(diff(document)) == []
    assert lines(diff({"runbooks": export()["runbooks"]})) == []
    assert {one.state for one in session.query(Runbook)} == {"draft"}


def test_what_was_exported_makes_the_same_again_as_a_draft(restart, payments):
    """RB-29: without the secrets that it names."""
    build.secret("ops", "hunter2-hunter2", team=payments)
    made = restart(config={"headers": {"Authorization": "Bearer {{ secret.ops }}"}}, services=[])
    document = export()["runbooks"]
    assert "hunter2" not in str(document) and "secret.ops" in str(document)
    with transaction():
        service.remove_runbook(session.get(Runbook, made.id), by=OPERATOR)
    apply({"runbooks": document})
    assert export()["runbooks"] == document and session.query(Runbook).one().state == "draft"


def test_a_changed_document_drops_the_approval(app, olga, payments):
    """RB-02: apply counts as a change by the operator."""
    apply({"runbooks": [PLAIN]})
    build.session.query(Runbook).update({"state": "approved", "approved_version": 1})
    build.session.commit()
    apply({"runbooks": [{**PLAIN, "timeout": "1m"}]})
    assert session.query(Runbook).one().state == "draft"


@pytest.fixture
def call(client, token):
    """`call(bob, "POST", "/runbooks/…", …)`: the answer of the API."""
    return lambda person, method, path, **more: client.open(f"/api/v1{path}", method=method, headers=token(person), **more)


def test_from_writing_to_running_by_the_api(app, call, ana, bob, olga, payments, work, http_sink):
    """CONTRACT: approve, executions, cancel; 202 with the execution."""
    made = call(ana, "POST", "/runbooks", json={**PLAIN, "config": {"url": http_sink.url}})
    assert made.status_code == 201 and made.json["target"] == "webhook"
    assert call(bob, "POST", "/runbooks/restart/executions", json={"parameters": {}}).status_code == 409
    assert call(ana, "POST", "/runbooks/restart/approve").status_code == 403
    assert call(olga, "POST", "/runbooks/restart/approve").json["state"] == "approved"
    build.incident("Checkout", team=payments)
    started = call(bob, "POST", "/incidents/1/runbooks/restart/executions", json={"parameters": {}})
    assert (started.status_code, started.json["state"]) == (202, "pending")
    work()
    found = call(bob, "GET", f"/executions/{started.json['id']}").json
    assert (found["state"], found["incident"], found["started_by"]) == ("succeeded", "1", "Bob")
    assert http_sink.calls[0].json() == {"a": "Checkout"}
    assert call(bob, "POST", f"/executions/{started.json['id']}/cancel").status_code == 409


def test_wrong_parameters_are_422_with_one_entry_each_and_nothing_starts(restart, call, bob):
    """RB-07."""
    restart()
    answer = call(bob, "POST", "/runbooks/restart/executions", json={"parameters": {"grace": "x", "more": 1}})
    assert answer.status_code == 422 and session.query(Execution).count() == 0
    assert sorted(one["field"] for one in answer.json["errors"]) == ["parameters.grace", "parameters.more", "parameters.pod"]


def test_an_approver_who_wrote_it_gets_the_reason(restart, call, olga):
    """RB-01."""
    restart(approver=None)
    call(olga, "PATCH", "/runbooks/restart", json={"timeout": "1m"})
    answer = call(olga, "POST", "/runbooks/restart/approve")
    assert answer.status_code == 403 and "You changed it" in answer.json["detail"]


def test_others_get_403_by_id_too(restart, call, bob, charlie):
    """RB-05."""
    restart()
    number = call(bob, "POST", "/runbooks/restart/executions", json={"parameters": {"pod": "a"}}).json["id"]
    assert call(charlie, "POST", "/runbooks/restart/executions", json={}).status_code == 403
    assert call(charlie, "POST", f"/executions/{number}/cancel").status_code == 403


def test_the_same_key_gives_the_first_execution(restart, call, bob):
    """RB-20."""
    restart(concurrency="unlimited")
    ids = {call(bob, "POST", "/runbooks/restart/executions", json={"parameters": {"pod": "a"}, "key": "k"}).json["id"] for _ in "12"}
    assert len(ids) == 1


def test_one_with_executions_cannot_be_deleted(restart, call, ana, bob):
    """RB-27."""
    restart()
    call(bob, "POST", "/runbooks/restart/executions", json={"parameters": {"pod": "a"}})
    assert call(ana, "DELETE", "/runbooks/restart").status_code == 409
    assert call(ana, "POST", "/runbooks/restart/deprecate").json["state"] == "deprecated"
    restart("never")
    assert call(ana, "DELETE", "/runbooks/never").status_code == 204


def test_figures_equal_counts_over_executions(restart, app):
    """RB-30."""
    from app.runbooks import rules
    found = rules.stats([("succeeded", 10.0), ("succeeded", 20.0), ("failed", 1.0), ("timed_out", 30.0), ("cancelled", 500.0)])
    assert (found.runs, found.good, found.share, found.median, found.p95) == (4, 2, 50, 15.0, 30.0)
