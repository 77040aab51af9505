"""One due step: claim it, act or call with nothing open, record what came of it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, select, update

from app.core import clock
from app.core.db import AWAY, session, transaction
from app.core.errors import Failure
from app.core.events import Event, caused_by
from app.core.lanes import kept
from app.core.masking import storable
from app.core.shadow import JUST_NOW, Shadow, begun_since, newest
from app.core.worker import owner
from app.shadow import queries as shadows
from app.shadow.service import Held, note
from app.workflows import calls, remedies, requests, rules, running, verbs
from app.workflows.calls import Result
from app.workflows.declared import VERBS
from app.workflows.documents import node_of
from app.workflows.models import WorkflowRun, WorkflowStep
from app.workflows.requests import Prepared, Wish

log = structlog.get_logger()
VISITS = 64  # a key says which claim of a step is meant, so that a step may come again while others are still in hand
DIED = "Nobody knows whether it took effect: who had it died"


@dataclass(frozen=True)
class Claim:
    """A step that is ours: what it sends, and which of its claims this is."""

    step_id: int
    run_id: int
    visit: int
    prepared: Prepared
    look: bool
    shadows: int


def due(limit: int) -> list[int]:
    """Keys of steps that are due, the longest waiting first."""
    rows = session.execute(select(WorkflowStep.id, WorkflowStep.visits).where(
        WorkflowStep.next_at <= clock.now()).order_by(WorkflowStep.next_at, WorkflowStep.id).limit(limit))
    return [key * VISITS + visits % VISITS for key, visits in rows]


def work(key: int) -> bool:
    """Claim, call, record. Says whether the step was ours."""
    with transaction():
        claim = _claimed(key // VISITS)
    session.remove()
    if not isinstance(claim, Claim):
        return claim
    result = (Result(False, error=JUST_NOW, again=True, after=1) if begun_since(claim.shadows)
              else calls.perform(claim.prepared, look=claim.look))
    kept(lambda: _record(claim, result))
    return True


def failed(key: int, fault: Exception) -> None:
    """A fault of ours before or after the call ends the step, so that the run does not hang.

    Not so where the database was away, nor where another has it by now: then it is claimed again.
    """
    if isinstance(fault, AWAY):
        return
    with transaction():
        step = session.get(WorkflowStep, key // VISITS)
        run = running.held(step.run_id) if step else None
        if step is None or run is None or step.state in rules.ENDED_STEP or step.lease_owner not in (None, owner()):
            return
        with _cause(run):
            running.settle(run, step, Result(False, error=f"A fault of ours: {type(fault).__name__}: {str(fault)[:200]}"))


def _claimed(step_id: int) -> Claim | bool:
    """The claim of a step that has to call somebody; otherwise whether all of it was done here, in this transaction."""
    found = session.get(WorkflowStep, step_id)
    run = running.held(found.run_id) if found else None
    if found is None or run is None:
        return False
    step, now = found, clock.now()
    result = session.execute(update(WorkflowStep).where(
        WorkflowStep.id == step_id, WorkflowStep.next_at <= now, WorkflowStep.state.in_(("running", "waiting"))).values(
        state="running", waits_for="", lease_owner=owner(), visits=WorkflowStep.visits + 1,
        next_at=now + timedelta(seconds=60)).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return False
    died = step.lease_owner is not None
    session.refresh(step)
    node = node_of(run.version.definition, step.node)
    with _cause(run):
        return _begun(run, step, node, died=died)


def _begun(run: WorkflowRun, step: WorkflowStep, node: dict[str, Any], *, died: bool) -> Claim | bool:
    """`died`: the one who had it never said what came of it."""
    if run.state in rules.ENDED_RUN or (run.error and step.kind != "runbook"):
        running.settle(run, step, Result(False, error=DIED, unsure=True))
        return True
    run.state = rules.moved(run.state, "running")
    if step.kind == "delay":
        running.delayed(run, step, node)
        return True
    mark = requests.mark_of(run.id, run.started_at.timestamp(), step.node)
    if step.kind == "runbook":
        step.attempts = 1
        ended = remedies.begin(run, step, node, mark)
        if ended is not None:
            running.settle(run, step, ended)
        return True
    if not died:
        step.attempts += 1
    verb = VERBS.get(str(node.get("action")))
    if verb is not None and verb.here:
        running.settle(run, step, _done_here(run, step, node))
        return True
    try:
        prepared = requests.prepare(_wish(run, step, node))
    except (ValueError, Failure) as fault:
        running.settle(run, step, Result(False, error=str(fault)))
        return True
    step.request, step.warnings = storable(prepared.shown), list(prepared.warnings)[:20]
    seen = newest()
    if (shadow := _shadow(run)) is not None:
        running.settle(run, step, _withheld(run, step, prepared, shadow))
        return True
    look = died or step.unsure
    calls_made = (2 if look or prepared.oauth else 1) * max(1, len(prepared.mails))
    step.next_at = clock.now() + timedelta(seconds=prepared.timeout * calls_made + rules.LEASE)
    return Claim(step.id, run.id, step.visits, prepared, look, seen)


def _shadow(run: WorkflowRun) -> Shadow | None:
    """The shadow of its incident, or of its team."""
    return (shadows.of_incident(run.incident, run.started_at) if run.incident is not None else None) or shadows.of_team(
        run.workflow.team_id, run.started_at)


def _withheld(run: WorkflowRun, step: WorkflowStep, prepared: Prepared, shadow: Shadow) -> Result:
    """Everything up to the call, and on from there as if it had gone well."""
    note(shadow, Held(f"step:{step.id}", clock.now(), "action", prepared.slug, f"workflow {run.workflow.name}, {step.node}",
                      whom=run.workflow.name, incident=run.incident, team_id=run.workflow.team_id))
    return Result(True, warnings=(f"Not called, {shadow.words}",))


def _wish(run: WorkflowRun, step: WorkflowStep, node: dict[str, Any]) -> Wish:
    mark = requests.mark_of(run.id, run.started_at.timestamp(), step.node)
    return Wish(node, running.values_of(run), run.workflow.team_id, mark)


def _done_here(run: WorkflowRun, step: WorkflowStep, node: dict[str, Any]) -> Result:
    """An action on the incident takes effect in the same transaction as its record: exactly once."""
    if run.incident is None:
        return Result(False, error="There is no incident to act on")
    try:
        said, warnings = requests.given(_wish(run, step, node), {})
        step.request = storable({"action": node["action"], "with": said})
        with session.begin_nested():
            output = verbs.do(str(node["action"]), run.incident, said, by=running.actor_of(run))
    except (ValueError, Failure) as fault:
        return Result(False, error=str(fault))
    return Result(True, storable(output), warnings=warnings)


def _record(claim: Claim, result: Result) -> None:
    run = running.held(claim.run_id)
    step = session.get(WorkflowStep, claim.step_id, populate_existing=True)
    if run is None or step is None or step.visits != claim.visit or step.lease_owner != owner():
        log.warning("step.recorded_by_another", step=claim.step_id)
        return
    with _cause(run):
        running.settle(run, step, result)


def _cause(run: WorkflowRun) -> Any:
    """What a run does was caused by what caused the run."""
    event = session.get(Event, run.event_id) if run.event_id else None
    return caused_by(event) if event is not None else nullcontext()
