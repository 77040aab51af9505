"""A graph is refused with one entry for each fault, naming the node; by page, API and document alike."""

from __future__ import annotations

import pytest

from app.core.db import session
from app.workflows import checks, documents
from app.workflows.checks import Known
from app.workflows.declared import VERBS
from app.workflows.models import Workflow
from tests import build
from tests.config.documents import apply, diff, faults, lines
from tests.workflows.stories import edges, hook, note

KNOWN = Known({slug: verb.params for slug, verb in VERBS.items()}, secrets={"hook"},
              runbook=lambda key: "" if key == "restart" else f"The runbook {key} is not approved")
YES = {"field": "incident.severity", "op": "eq", "value": "high"}


def found(*nodes, trigger="incident_opened", **more):
    """`node: sentence` of each fault."""
    said = {"trigger": {"event": trigger} if isinstance(trigger, str) else trigger, "nodes": list(nodes), **more}
    return [str(fault) for fault in checks.faults(documents.normal(said), KNOWN)]


@pytest.mark.parametrize(("nodes", "more", "fault"), [
    ([note("a"), note("b")], {"edges": edges("trigger>a", "a>b", "b>a")}, "a: Its arrows lead back to itself"),
    ([{"id": "a", "kind": "loop"}], {}, "a: There is no action loop"),
    ([{"id": "a", "kind": "action", "action": "fly"}], {}, "a: There is no action fly"),
    ([note("a")], {"trigger": {}}, "trigger: A trigger is needed"),
    ([note("a")], {"trigger": [{"event": "manual"}, {"event": "age"}]}, "trigger: A workflow has one trigger, not several"),
    ([{"id": "trigger", "kind": "trigger"}], {}, "trigger: A workflow has one trigger, which is no step"),
    ([note("a")], {"edges": edges("trigger>a", "a>nowhere")}, "nowhere: An arrow leads to a step that does not exist"),
    ([note("a")], {"edges": edges("trigger>a", "ghost>a")}, "ghost: An arrow leads from a step that does not exist"),
    ([note("a"), note("b")], {"edges": edges("trigger>a")}, "b: No arrow from the trigger leads to it"),
    ([note("a", "{{ incident.title")], {}, "a: The template can't be read"),
    ([note("a", "{{ incidents.title }}")], {}, "a: There is no incidents here"),
    ([note("a"), note("b", "{{ steps.c.output.x }}")], {}, "b: c is no step before this one"),
    ([note("a", "{{ secret.other }}")], {}, "a: There is no secret other"),
    ([{"id": "a", "kind": "runbook", "runbook": "wipe"}], {}, "a: The runbook wipe is not approved"),
    ([{"id": "a", "kind": "delay", "for": "31d"}], {}, "a: A delay is 1s to 30d"),
    ([{"id": "a", "kind": "condition"}], {}, "a: A condition asks for something"),
    ([hook("a", "https://x.example", timeout="61s")], {}, "a: The time limit of a call is 1s to 60s"),
    ([hook("a", "")], {}, "a: Address is needed"),
    ([note("A-1")], {}, "A-1: An id has 1 to 40"), ([note("a"), note("a")], {}, "a: Another step has this id"),
    ([note("a")], {"edges": edges("trigger>a", "a.then>a")}, "a: It has no output then"),
    ([note("a")], {"trigger": "sometimes"}, "trigger: There is no trigger sometimes"),
    ([note("a")], {"trigger": {"event": "age", "after": "5s"}}, "trigger: An age is 1m to 30d"),
    ([note("a")], {"trigger": {"event": "schedule", "cron": "often"}}, "trigger: Write a schedule like"),
    ([{"id": "a", "kind": ["delay"]}], {}, "a: There is no kind of step ['delay']"),
    ([{"id": "a", "kind": "action", "action": ["webhook"]}], {}, "a: There is no action ['webhook']"),
    ([note("a")], {"edges": [{"from": ["trigger"], "to": "a"}, {"from": "trigger", "to": {"a": 1}}]},
     "['trigger']: An arrow leads from a step that does not exist"),
    ([note("a", "{{ secret.hook }}")], {}, "a: There is no secret here"),
    ([{"id": "a", "kind": "runbook", "runbook": "restart", "parameters": {"x": "{{ secret.hook }}"}}], {},
     "a: There is no secret here"),
    ([note("a")], {"timeout": "2d"}, "The time limit of a run is 1m to 24h"),
])
def test_each_fault_names_its_node(nodes, more, fault):
    """WF-07, AUTO-04."""
    said = found(*nodes, **more)
    assert any(one.startswith(fault) for one in said), said


def test_every_fault_is_an_entry_of_its_own():
    """WF-07: three at once."""
    said = found(note("a", "{{ nothing.x }}"), {"id": "b", "kind": "delay", "for": "soon"}, note("c"), edges=edges("trigger>a", "a>b"))
    assert len(said) == 3 and {one[0] for one in said} == {"a", "b", "c"}


def test_a_right_graph_has_none():
    """Both ways of writing a workflow."""
    assert not found(note("a"), hook("b", "https://x.example/{{ incident.number }}", with_={"headers": {"A": "{{ secret.hook }}"}}))
    short = {"trigger": {"on": "incident.opened"}, "nodes": [{"id": "a", "type": "condition", "when": {"severity": ["critical"]}},
             {"id": "b", "type": "add_note", "body": "x"}], "edges": [{"from": "a", "to": "b", "via": "then"}]}
    normal = documents.normal(short)
    assert not checks.faults(normal, KNOWN) and normal["trigger"] == {"event": "incident_opened"}
    assert normal["edges"] == [{"from": "trigger", "to": "a"}, {"from": "a", "to": "b", "out": "then"}]
    assert normal["nodes"][1] == {"id": "b", "kind": "action", "action": "add_note", "with": {"body": "x"}}


BAD = {"key": "bad", "name": "Bad", "team": "payments", "trigger": {"event": "manual"}, "nodes": [note("a", "{{ nothing.x }}")],
       "edges": edges("trigger>a", "a>b")}


def test_the_api_refuses_with_each_fault_and_stores_nothing(app, client, token, ana, payments):
    """WF-07: 422, the nodes named."""
    answer = client.post("/api/v1/workflows", headers=token(ana), json=BAD)
    assert answer.status_code == 422 and len(answer.json["errors"]) == 2
    assert any(one["message"].startswith("a: There is no nothing") for one in answer.json["errors"])
    assert session.query(Workflow).count() == 0


def test_the_document_refuses_with_the_place(app):
    """WF-07: the same by `oncall apply`."""
    said = faults({"teams": [{"key": "payments", "name": "Payments"}], "workflows": [BAD]})
    assert len(said) == 2 and any("a.yaml:" in one and "a: There is no nothing here" in one for one in said)
    assert session.query(Workflow).count() == 0


def test_the_document_round_trips_in_both_forms(app):
    """Exported in one form; applied again it changes nothing."""
    from app.config.service import export

    short = {"key": "ticket", "name": "Ticket", "trigger": {"on": "incident.opened"}, "nodes": [
        {"id": "a", "type": "condition", "when": {"severity": ["critical"]}}, note("b")], "edges": [{"from": "a", "to": "b", "via": "then"}]}
    assert "created workflow ticket" in lines(apply({"workflows": [short]}))
    assert lines(diff({"workflows": [short]})) == [] and lines(diff({"workflows": export()["workflows"]})) == []


def test_a_schedule_or_fact_is_a_trigger_too(app):
    """Cron and the name of any fact."""
    assert not found(note("a"), trigger={"event": "schedule", "cron": "0 9 * * 1-5", "time_zone": "Europe/Berlin"})
    assert not found(note("a"), trigger={"event": "heartbeat.late"}) and not found(note("a"), trigger={"event": "message.*"})


def test_a_connection_must_be_the_actions_and_in_reach(app, ana, payments):
    """Another team's connection is none."""
    from app.workflows.queries import known_for

    build.connection("jira", action="jira_issue", team=build.team("others"))
    node = {"id": "a", "kind": "action", "action": "jira_issue", "connection": "jira", "with": {"project": "A", "title": "t"}}
    said = checks.faults(documents.normal({"trigger": "manual", "nodes": [node]}), known_for(payments.id))
    assert [str(one) for one in said] == ["a: There is no connection jira for this action that this workflow may use"]
