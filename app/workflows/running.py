"""Runs as they go on: begun once, advanced under their row's lock, ended with what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from app.core import clock
from app.core.access import Actor
from app.core.db import db, locked, session
from app.core.events import Kind, record
from app.core.forms import duration
from app.incidents.models import Incident
from app.workflows import conditions, context, events, rules
from app.workflows.calls import Result
from app.workflows.documents import graph_of, node_of
from app.workflows.models import Workflow, WorkflowRun, WorkflowStep, WorkflowVersion

OUTCOMES = {"succeeded": "is done", "failed": "failed", "timed_out": "took too long", "cancelled": "was cancelled"}


@dataclass(frozen=True)
class Cause:
    """Why a run begins: `once` names the cause, `reason` says it in words, `event` is what happened, by name.

    `event_id` is the fact in the log; `chain` are the runs that led to it.
    """

    once: str
    reason: str
    event: Mapping[str, Any] = field(default_factory=dict)
    event_id: int | None = None
    chain: tuple[Mapping[str, Any], ...] = ()


def actor_of(run: WorkflowRun) -> Actor:
    """Who acts when a run acts."""
    return Actor(run.ref, f"workflow {run.workflow.name}"[:200], via="workflow")


def begin(workflow: Workflow, incident: Incident | None, cause: Cause) -> WorkflowRun | None:
    """One run for one cause: None when it was begun before. Where the chain is too long it is refused, with the reason."""
    version = session.scalar(select(WorkflowVersion).where(
        WorkflowVersion.workflow_id == workflow.id, WorkflowVersion.number == workflow.number))
    if version is None:
        return None
    fault = rules.chain_fault(cause.chain, workflow.id)
    run = _inserted(workflow, version, incident, cause, refused=bool(fault))
    if run is None:
        return None
    if fault:
        _refuse(run, fault, cause)
        return run
    for node in version.definition["nodes"]:
        session.add(WorkflowStep(run_id=run.id, node=node["id"], kind=node["kind"]))
    session.flush()
    said(events.RUN_STARTED, run, reason=cause.reason, version=version.number)
    advance(run)
    return run


def _inserted(workflow: Workflow, version: WorkflowVersion, incident: Incident | None, cause: Cause, *,
              refused: bool) -> WorkflowRun | None:
    maker = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    now = clock.now()
    made = session.execute(maker(WorkflowRun).values(
        workflow_id=workflow.id, version_id=version.id, incident_id=incident.id if incident else None,
        event_id=cause.event_id, once=cause.once, state=rules.REFUSED if refused else "running", reason=cause.reason[:300],
        error="", failed_step="", event=dict(cause.event), chain=[dict(one) for one in cause.chain], started_at=now,
        active_seconds=0.0, active_since=None if refused else now,
    ).on_conflict_do_nothing(index_elements=["workflow_id", "once"]).returning(WorkflowRun.id)).scalar()
    return session.get(WorkflowRun, made) if made is not None else None


def _refuse(run: WorkflowRun, fault: str, cause: Cause) -> None:
    names = [str(one["name"]) for one in cause.chain] + [run.workflow.name]
    run.error, run.ended_at = f"Refused: {fault} ({' → '.join(names)})"[:500], clock.now()
    said(events.REFUSED, run, reason=f"{fault} ({' → '.join(names)})", chain=names)


def said(kind: Kind, run: WorkflowRun, **data: Any) -> None:
    """A fact about a run: on its incident, where it has one."""
    subject = run.incident.ref if run.incident is not None else run.ref
    team = run.incident.team_id if run.incident is not None else run.workflow.team_id
    also = [run.ref, run.workflow.ref, f"workflow/{run.workflow.key}", "workflows", *([f"team:{team}"] if team else [])]
    record(kind, subject, by=actor_of(run), also=also, workflow=run.workflow.name, run=run.id, **data)


def held(run_id: int) -> WorkflowRun | None:
    """The run, fresh and locked, with its steps as they are now."""
    run, steps = locked(WorkflowRun, run_id), select(WorkflowStep).where(WorkflowStep.run_id == run_id)
    if run is not None:
        list(session.scalars(steps.execution_options(populate_existing=True)))
        session.expire(run, ["steps"])
    return run


def advance(run: WorkflowRun) -> None:
    """Start what can start, decide conditions at once, and end the run when nothing is left. Its row is locked."""
    graph, definition = graph_of(run.version.definition), run.version.definition
    steps = {step.node: step for step in run.steps}
    while not run.error:
        found = rules.progress(graph, {node: rules.Stand(step.state, frozenset(step.taken))
                                       for node, step in steps.items()})
        for node in found.skip:
            _end(steps[node], "skipped")
        for node in found.start:
            _start(run, steps[node], node_of(definition, node))
        if not found.skip and not any(steps[node].state in rules.ENDED_STEP for node in found.start):
            break
    _settle_run(run)


def _start(run: WorkflowRun, step: WorkflowStep, node: Mapping[str, Any]) -> None:
    """A condition is decided now, a delay begins to wait, anything else becomes due."""
    step.started_at = now = clock.now()
    if step.kind == "condition":
        verdict = conditions.holds(node["when"], values_of(run))
        _end(step, "succeeded", rules.taken("condition", "succeeded", verdict))
        step.output = {"result": verdict}
        tell(run, step, "yes" if verdict else "no")
    elif step.kind == "delay":
        step.state, step.waits_for = "waiting", "delay"
        step.next_at = now + timedelta(seconds=duration(node["for"]))
    else:
        step.state, step.next_at = "running", now


def values_of(run: WorkflowRun) -> dict[str, Any]:
    """What conditions and templates of this run can name now."""
    return context.values(run.workflow, run.incident, run.event, run=run, steps=run.steps)


def _end(step: WorkflowStep, state: str, taken: frozenset[str] = frozenset()) -> None:
    step.state, step.taken, step.ended_at = state, sorted(taken), clock.now()
    step.next_at = step.lease_owner = None
    step.waits_for = ""


def tell(run: WorkflowRun, step: WorkflowStep, outcome: str) -> None:
    """What came of a step, on the timeline."""
    took = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else 0.0
    said(events.STEP_ENDED, run, step=step.node, outcome=outcome, state=step.state, seconds=round(took, 3),
         attempts=step.attempts, error=step.error[:300])


def delayed(run: WorkflowRun, step: WorkflowStep, node: Mapping[str, Any]) -> None:
    """A delay is over: the run goes on, or ends where its incident is in a state that makes it pointless."""
    if run.incident is not None and run.incident.status in (node.get("stop_when") or ()):
        step.error = f"The incident is {run.incident.status}"
        _end(step, "succeeded")
        tell(run, step, f"over; the incident is {run.incident.status}, so the run ends here")
        _cancel_rest(run)
    else:
        _end(step, "succeeded", frozenset({"next"}))
        tell(run, step, "over")
    advance(run)


def park(run: WorkflowRun, step: WorkflowStep, what: str, seconds: float) -> None:
    """It waits for something that goes on elsewhere; it is looked at again after so many seconds at the latest."""
    step.state, step.waits_for, step.lease_owner = "waiting", what, None
    step.next_at = clock.now() + timedelta(seconds=seconds)
    _settle_run(run)


def settle(run: WorkflowRun, step: WorkflowStep, result: Result) -> None:
    """What came of an attempt: the next try is due later, or the step has ended and the run goes on."""
    node = node_of(run.version.definition, step.node)
    step.output, step.response, step.unsure = result.output, result.response, result.unsure
    step.warnings = list(dict.fromkeys([*step.warnings, *result.warnings]))[:20]
    step.error = result.error
    tries = int(node.get("retries", len(rules.WAITS)))
    wait = rules.wait_after(step.attempts, result.after, tries) if result.again else None
    if not result.succeeded and wait is not None and run.state not in rules.ENDED_RUN and not run.error:
        step.state, step.waits_for, step.lease_owner = "waiting", "retry", None
        step.next_at = clock.now() + timedelta(seconds=wait)
        _settle_run(run)
        return
    state = "succeeded" if result.succeeded else "failed"
    _end(step, state, rules.taken(step.kind, state))
    if result.ticket is not None:
        _keep_ticket(run, step, result)
    tell(run, step, "done" if result.succeeded else f"failed: {result.error}"[:300])
    if run.state in rules.ENDED_RUN:
        return
    if not result.succeeded and not run.error and not rules.is_caught(graph_of(run.version.definition), step.node):
        fail(run, step.node, result.error)
    advance(run)


def _keep_ticket(run: WorkflowRun, step: WorkflowStep, result: Result) -> None:
    assert result.ticket is not None
    step.output = {**step.output, "key": result.ticket.key, "url": result.ticket.url}
    said(events.TICKET_MADE, run, key=result.ticket.key, url=result.ticket.url,
         product=str(node_of(run.version.definition, step.node).get("action", "")))


def fail(run: WorkflowRun, node: str, error: str) -> None:
    """Nothing new starts; calls in hand and runbooks that go on are awaited."""
    run.error, run.failed_step = (error or "It failed")[:500], node
    _cancel_rest(run)


def _cancel_rest(run: WorkflowRun, *, awaited: bool = False) -> None:
    """What has not begun ends here; with `awaited` also the waiting for runbooks."""
    for step in run.steps:
        idle = step.state in ("pending", "waiting") or (step.state == "running" and step.lease_owner is None)
        if idle and (awaited or step.waits_for != "runbook"):
            _end(step, "cancelled")


def cancel(run: WorkflowRun, state: str, error: str = "") -> None:
    """End it now, as `cancelled` or `timed_out`: no step starts any more; a call in hand is recorded when it is over."""
    run.error = error[:500] or run.error
    _cancel_rest(run, awaited=True)
    _end_run(run, state)


def _settle_run(run: WorkflowRun) -> None:
    """How the run stands after a step changed: at work, waiting, or over."""
    left = [step for step in run.steps if step.state not in rules.ENDED_STEP]
    if not left:
        _end_run(run, "failed" if run.error else "succeeded")
        return
    run.state = rules.moved(run.state, "running" if any(step.state == "running" for step in left) else "waiting")
    _count_time(run, all(step.state == "pending" or step.waits_for in ("delay", "runbook") for step in left))


def _count_time(run: WorkflowRun, idle: bool) -> None:
    """The time limit counts while something is in hand."""
    now = clock.now()
    if run.active_since is not None:
        run.active_seconds += (now - run.active_since).total_seconds()
    run.active_since = None if idle else now
    limit = duration(run.version.definition["timeout"])
    run.deadline_at = None if idle else now + timedelta(seconds=max(limit - run.active_seconds, 0))


def _end_run(run: WorkflowRun, state: str) -> None:
    _count_time(run, True)
    run.state, run.ended_at = rules.moved(run.state, state), clock.now()
    where = f" at {run.failed_step}" if state == "failed" and run.failed_step else ""
    words, took = f"{OUTCOMES[state]}{where}" + (f": {run.error}" if run.error else ""), run.ended_at - run.started_at
    said(events.RUN_ENDED, run, outcome=words[:300], state=state, error=run.error, seconds=round(took.total_seconds(), 3))
