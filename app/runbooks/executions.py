"""Commands on executions: start, cancel, and every way in which one ends. One road for pages, API and workflows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import CursorResult, update
from sqlalchemy.exc import IntegrityError

from app.core import clock, secrets
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.events import Event, Kind, record
from app.core.forms import Problems, duration
from app.core.jobs import stir, wake
from app.identity.queries import allow, may, may_anywhere
from app.incidents.models import Incident
from app.runbooks import events, queries, requests, rules, subjects
from app.runbooks.models import Execution, Runbook
from app.runbooks.parameters import check_values

TICK, QUEUE = "app.runbooks.ticks.run", "default"  # no page waits behind it
SAID = {"succeeded": "succeeded", "failed": "failed", "timed_out": "ran out of time", "cancelled": "was cancelled"}


@dataclass(frozen=True)
class Start:
    """What comes with a start beside the parameters. `form_key` makes a repeated form one execution; `cause` is the
    reference of what started it (`run:7`) and `cause_url` its page."""

    form_key: str | None = None
    reason: str = ""
    cause: str = ""
    cause_url: str = ""


def start(runbook: Runbook, *, parameters: Any, by: Actor, incident: Incident | None = None,
          how: Start | None = None) -> Execution:
    """Run the approved version, as soon as a worker is free. The same form twice gives the first execution.

    Raises Forbidden, Conflict (not approved, incident resolved, one is running) or Invalid with a fault for each field.
    """
    how = how or Start()
    check_right(runbook, incident, by)
    if how.form_key and (former := queries.execution_of(how.form_key)) is not None:
        if former.started != by.ref or former.runbook_id != runbook.id:
            raise NotFound
        return former
    if runbook.state != "approved":
        raise Conflict(f"{runbook.name} is not approved", {"state": runbook.state})
    if incident is not None and incident.status == "resolved":
        raise Conflict(f"#{incident.id} is resolved", {"status": incident.status})
    document = queries.version_of(runbook.id, runbook.version).document
    problems = Problems()
    clean = check_values(document["parameters"], parameters, problems.at("parameters"))
    problems.raise_if_any()
    execution = _new(runbook, incident, how, by)
    execution.subject = subjects.run_values(runbook, incident, by)
    _give(execution, document, clean)
    if (former := _insert(execution)) is not None:
        return former
    told = requests.hidden(document, clean)
    tell(events.QUEUED, execution, by=by, parameters=told, version=execution.version, cause=how.cause,
         why=f"({how.reason})" if how.reason else "")
    wake(TICK, QUEUE)
    return execution


def told(runbook: Runbook, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as everybody may see them."""
    if not runbook.version:
        return {}
    return requests.hidden(queries.version_of(runbook.id, runbook.version).document, parameters)


def check_right(runbook: Runbook, incident: Incident | None, by: Actor) -> None:
    """Raise unless the actor may run it there: a team's own for that team's incidents, global ones for any team's."""
    allow(by, "runbook.run", team_id=runbook.team_id or (incident.team_id if incident else None))
    if incident is not None and not queries.in_scope(runbook, incident.team_id):
        owner = runbook.team.name if runbook.team else "another team"
        raise Forbidden(f"{runbook.name} is {owner}’s; it runs for their incidents only.")


def check_somewhere(by: Actor) -> None:
    """Raise unless there is a team for which the actor may run something: the question before a body is read."""
    if not may_anywhere(by, "runbook.run"):
        raise Forbidden("Your role does not include this.")


def _new(runbook: Runbook, incident: Incident | None, how: Start, by: Actor) -> Execution:
    token = secrets.new_token()
    digest = secrets.digest(token)
    return Execution(
        key=str(uuid4()), form_key=how.form_key, runbook=runbook, runbook_id=runbook.id, version=runbook.version,
        incident=incident, incident_id=incident.id if incident else None, state="pending", phase="start",
        team_id=runbook.team_id or (incident.team_id if incident else None), started=by.ref,
        started_name=by.name[:200], started_id=by.user_id, via=by.via[:40], reason=how.reason[:500],
        cause=how.cause[:120], cause_url=how.cause_url[:300],
        token_hash=digest, token_sealed=secrets.seal(token, bound_to=f"execution:{digest}/token"),
        lock=rules.lock_of(runbook.concurrency, runbook.id, incident.id if incident else None), next_at=clock.now())


def _give(execution: Execution, document: Mapping[str, Any], clean: dict[str, Any]) -> None:
    """The parameters; those that are secret stand apart, sealed."""
    closed = set(requests.secret_names(document)) & clean.keys()
    execution.parameters = {name: value for name, value in clean.items() if name not in closed}
    if closed:
        execution.parameters_sealed = secrets.seal(json.dumps({name: clean[name] for name in sorted(closed)}),
                                                   bound_to=f"execution:{execution.token_hash}/parameters")


def given(execution: Execution) -> dict[str, Any]:
    """All parameters, the secret ones too: for the request alone."""
    if not execution.parameters_sealed:
        return dict(execution.parameters)
    closed = json.loads(secrets.open_(execution.parameters_sealed, bound_to=f"execution:{execution.token_hash}/parameters"))
    return {**execution.parameters, **closed}


def token_of(execution: Execution) -> str:
    """The last part of its way back."""
    return secrets.open_(execution.token_sealed, bound_to=f"execution:{execution.token_hash}/token")


def _insert(execution: Execution) -> Execution | None:
    """The database decides who is first: gives what the same form started at the same instant, None where this one is
    the first. Raises Conflict with the one that runs already."""
    try:
        with session.begin_nested():
            session.add(execution)
            session.flush()
            return None
    except IntegrityError:
        session.expire_all()
        if execution.form_key and (former := queries.execution_of(execution.form_key)) is not None:
            return former
        other = queries.holder_of(execution.lock) if execution.lock else None
        said = {"execution": str(other.id), "url": f"/executions/{other.id}"} if other else {}
        raise Conflict("It is running already" + (f": execution {other.id}" if other else ""), said) from None


def tell(kind: Kind, execution: Execution, *, by: Actor = SYSTEM, **data: Any) -> Event:
    """Record a fact about an execution: on its incident, where it has one, and on its runbook."""
    runbook, incident = execution.runbook, execution.incident
    also = [execution.ref, "executions", runbook.ref, f"runbook/{runbook.key}",
            *([f"team:{execution.team_id}"] if execution.team_id else [])]
    subject = incident.ref if incident is not None else execution.ref
    return record(kind, subject, by=by, also=also, runbook=runbook.key, name=runbook.name, execution=str(execution.id),
                  via=execution.via, **data)


def move(execution: Execution, *, to: str, seen: tuple[str, ...], **columns: Any) -> bool:
    """Compare-and-set: whether it was this call that changed the state, from one of `seen`."""
    result = session.execute(update(Execution).where(Execution.id == execution.id, Execution.state.in_(seen)).values(
        state=to, **columns).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        session.refresh(execution)
        return False
    session.refresh(execution)
    return True


@dataclass(frozen=True)
class Result:
    """How an execution ends."""

    state: str
    output: str = ""
    error: str = ""
    said: str = ""


def end(execution: Execution, result: Result, *, by: Actor = SYSTEM, at: datetime | None = None) -> bool:
    """Give it its final state once; whoever comes later changes nothing. What waits behind it may begin."""
    values = {"ended_at": at or clock.now(), "next_at": None, "lease_until": None, "lease_owner": None, "calling_at": None,
              "phase": "over"}
    if result.output:
        values["output"] = rules.kept(result.output)
    if not move(execution, to=result.state, seen=rules.OPEN, error=result.error[:4000], **values):
        return False
    seconds = execution.seconds
    tell(events.ENDED, execution, by=by, said=result.said or _words(execution), state=result.state, seconds=seconds,
            output=rules.shown(execution.output), error=rules.shown(execution.error), cause=execution.cause)
    wake(TICK, QUEUE)
    return True


def _words(execution: Execution) -> str:
    took = f" after {execution.seconds:.1f} s" if execution.seconds is not None else ""
    why = f": {execution.error[:300]}" if execution.error else ""
    return f"{SAID[execution.state]}{took}{why}"


def tell_progress(execution: Execution) -> None:
    """Let open pages look again: progress comes too often to be a fact."""
    stir(execution.ref, "runbook.execution_progress")


def late(execution: Execution, said: str) -> None:
    """A result that came after the end is noted, not applied."""
    tell(events.LATE, execution, said=said[:500])


def cancel(execution: Execution, *, by: Actor) -> Execution:
    """End it now, and ask the target to stop where it can. Raises Conflict with the state when it is over."""
    allow(by, "runbook.run", team_id=execution.team_id)
    execution = locked(Execution, execution.id) or execution
    if execution.state not in rules.OPEN:
        raise Conflict(f"It is over: {SAID[execution.state]}", {"state": execution.state})
    target = queries.target_of(execution.runbook.target)
    begun, handle = execution.started_at is not None, dict(execution.handle)
    can = target is not None and "cancel" in target.can
    said = "was cancelled before it began" if not begun else (
        "was cancelled; the target is asked to stop it" if can and handle else
        "was cancelled; the target can’t stop it, so it may still come to its end there" if not can else
        "was cancelled; the target had not said yet what would be stopped")
    if not end(execution, Result("cancelled", said=said), by=by):
        raise Conflict(f"It is over: {SAID[execution.state]}", {"state": execution.state})
    if begun and can and handle:
        execution.phase, execution.next_at, execution.looks = "cancel", clock.now(), 0
        wake(TICK, QUEUE)
    return execution


def still_wanted(execution: Execution) -> str:
    """Why an execution that waits must not begin, "" when it may: approval and right are asked again."""
    runbook = session.get_one(Runbook, execution.runbook_id, populate_existing=True)
    if runbook.state != "approved" or execution.version < approved_since(runbook):
        return "no longer approved"
    starter = Actor(execution.started, execution.started_name, via=execution.via, user_id=execution.started_id)
    return "" if may(starter, "runbook.run", team_id=execution.team_id) else f"{execution.started_name} may no longer run it"


def approved_since(runbook: Runbook) -> int:
    """The oldest version that the approval covers."""
    return runbook.approved_version or 0


def timeout_of(document: Mapping[str, Any]) -> timedelta:
    """How long a version may take."""
    return timedelta(seconds=duration(document["timeout"]))
