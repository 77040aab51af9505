"""What workflows cost: a fact matched against 500 of them, steps a second, ten thousand that wait, a storm of runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import insert, select

from app.catalog.models import Service
from app.core import clock
from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.core.events import Event
from app.identity.models import Team
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.incidents.service import Opening
from app.workflows import manual, matching, service, ticks
from app.workflows.models import Workflow, WorkflowRun, WorkflowStep, WorkflowVersion
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.search import application
from tests.fakes import WebServer
from tests.servers import Redis

ENABLED, NODES, CHUNK = 500, 5, 1000
Item = dict[str, Any]


async def measure(bench: Bench) -> list[Figure]:
    """One process: every part is asked by itself, with nothing else at work but the database."""
    server, sink = Redis(), WebServer()
    try:
        app = application(bench.address, server.url, LOG_LEVEL="ERROR", OUTBOUND_ALLOW="127.0.0.0/8")
        with app.app_context():
            db.create_all()
            return _figures(bench, sink.url)
    finally:
        sink.stop()
        server.stop()


def _figures(bench: Bench, url: str) -> list[Figure]:
    facts, runs, waiting = int(bench.of(20, 500, 2000)), int(bench.of(10, 100, 500)), int(bench.of(200, 10_000, 10_000))
    _enabled(ENABLED)
    incident = _organisation()
    here = _flow("here", *({"id": f"n{at}", "kind": "action", "action": "add_note", "with": {"body": "{{ incident.title }}"}}
                           for at in range(NODES)))
    calls = _flow("calls", *({"id": f"c{at}", "kind": "action", "action": "webhook", "with": {
        "method": "POST", "url": url, "body": {"text": "{{ incident.title }}"}}} for at in range(NODES)))
    matched = _matched(facts)
    notes, called = (_steps_a_second(flow, incident, runs) for flow in (here, calls))
    _waiting(_flow("wait", {"id": "wait", "kind": "delay", "for": "30d"}), waiting)
    beside = [_timed(lambda: _worked(here, incident, 1)) * 1000 for _ in range(int(bench.of(5, 50, 200)))]
    storm = int(bench.of(20, 500, 500))
    begun = _timed(lambda: _begin(here, incident, storm))
    rest = _timed(ticks.work)
    return [
        Figure(f"a fact against {ENABLED} enabled workflows that wait for it, median", percentile(matched, .5), "ms", 5),
        Figure(f"a fact against {ENABLED} enabled workflows that wait for it, p99", percentile(matched, .99), "ms"),
        Figure("steps on an incident a second, one clock", notes, "/s"),
        Figure("steps that call an address a second, one clock", called, "/s"),
        Figure(f"beside {waiting:,} that wait: a run of {NODES} steps to its end, p99", percentile(beside, .99), "ms", 2000),
        Figure(f"{storm} runs begun", begun, "s"),
        Figure(f"{storm} runs of {NODES} steps from there to the last end", rest, "s"),
        Figure("of all runs not ended as they should", _unended(), "", 0),
    ]


def _organisation() -> int:
    """A team with a service and an incident; its number."""
    with transaction():
        team = Team(key="shop", name="Shop")
        place = Service(key="checkout", name="Checkout", team=team, tags=["tier1"])
        session.add_all([team, place])
        session.flush()
        return incidents.open_incident(Opening("Checkout is down", service=place, severity="high"), by=OPERATOR).id


def _flow(key: str, *nodes: Item) -> int:
    """A workflow by hand whose steps follow each other; its number."""
    names = ["trigger", *(node["id"] for node in nodes)]
    edges = [{"from": one, "to": two} for one, two in zip(names, names[1:], strict=False)]
    with transaction():
        return service.save_workflow({"key": key, "name": key, "trigger": {"event": "manual"}, "nodes": list(nodes),
                                      "edges": edges, "enabled": True}, by=OPERATOR).id


def _enabled(count: int) -> None:
    """Workflows that wait for the opening of an incident, each on another condition; none fits."""
    now = clock.now()
    with transaction():
        session.execute(insert(Workflow), [{
            "key": f"w{at}", "name": f"Workflow {at}", "enabled": True, "enabled_at": now, "event": "incident_opened",
            "trigger": {"event": "incident_opened", "when": _condition(at)}, "number": 1} for at in range(count)])


def _condition(at: int) -> Item:
    kinds: tuple[Item, ...] = (
        {"field": "incident.service.key", "op": "eq", "value": f"service-{at}"},
        {"all": [{"field": "incident.severity", "op": "gte", "value": "high"},
                 {"field": "incident.labels.pod", "op": "starts_with", "value": f"web-{at}"}]},
        {"field": "incident.title", "op": "matches", "value": f"^Batch {at} .* late"},
        {"any": [{"field": "incident.service.tags", "op": "contains", "value": f"tag-{at}"},
                 {"field": "team.key", "op": "in", "value": [f"team-{at}", f"team-{at + 1}"]}]})
    return kinds[at % len(kinds)]


def _matched(count: int) -> list[float]:
    """Milliseconds that matching one fact takes, each in a transaction of its own as workers do it."""
    opened = session.scalars(select(Event).where(Event.kind == "incident.opened")).one()
    fact, heard = opened.id, len(matching.listeners(["incident_opened"], opened))
    session.rollback()
    assert heard == ENABLED
    return [_timed(lambda: _considered(fact)) * 1000 for _ in range(count + 5)][5:]  # the first ones prepare statements


def _considered(fact: int) -> None:
    with transaction():
        if matching.consider(session.get_one(Event, fact)):
            raise SystemExit("a workflow began that should not")
    session.remove()


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _begin(flow: int, incident: int, count: int) -> None:
    for _ in range(count):
        with transaction():
            manual.run_by_hand(session.get_one(Workflow, flow), session.get_one(Incident, incident), by=OPERATOR)
    session.remove()


def _worked(flow: int, incident: int, count: int) -> None:
    _begin(flow, incident, count)
    ticks.work()


def _steps_a_second(flow: int, incident: int, count: int) -> float:
    _begin(flow, incident, count)
    return count * NODES / _timed(ticks.work)


def _waiting(flow: int, count: int) -> None:
    """Runs in the middle of a delay."""
    now, version = clock.now(), session.scalars(select(WorkflowVersion.id).where(WorkflowVersion.workflow_id == flow)).one()
    session.rollback()
    for start in range(0, count, CHUNK):
        keys = range(1_000_000 + start, 1_000_000 + min(start + CHUNK, count))
        _insert(WorkflowRun, ({"id": key, "workflow_id": flow, "version_id": version, "once": f"bench:{key}",
                               "state": "waiting", "started_at": now} for key in keys))
        _insert(WorkflowStep, ({"run_id": key, "node": "wait", "kind": "delay", "state": "waiting", "waits_for": "delay",
                                "started_at": now, "next_at": now.replace(year=now.year + 1)} for key in keys))


def _insert(model: type[Any], rows: Iterable[Mapping[str, Any]]) -> None:
    with transaction():
        session.execute(insert(model), list(rows))


def _unended() -> int:
    session.rollback()
    return len(session.scalars(select(WorkflowRun.id).where(
        WorkflowRun.once.not_like("bench:%"), WorkflowRun.state != "succeeded")).all())


if __name__ == "__main__":
    run("workflows", measure)
