"""Commands on workflows: save a version, switch on and off, archive, go back, copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import record
from app.core.forms import Problems, check_boolean, check_text, refuse
from app.core.schedules import next_time
from app.identity.models import Team
from app.identity.queries import allow, team_named
from app.runbooks import vault
from app.workflows import checks, documents, events, queries
from app.workflows.models import Workflow, WorkflowRun, WorkflowVersion

KEY = documents.KEY


def also(workflow: Workflow) -> list[str]:
    """Whom else an event about the workflow concerns."""
    return ["workflows", f"workflow/{workflow.key}", *([f"team:{workflow.team_id}"] if workflow.team_id else [])]


def add_workflow(values: Mapping[str, Any], *, by: Actor) -> Workflow:
    """A new one; a key that is taken is refused."""
    if queries.workflow_by_key(str(values.get("key", ""))) is not None:
        raise Invalid(problems=[Problem("key", "Another workflow has this key")])
    return save_workflow(values, by=by)


def save_workflow(values: Mapping[str, Any], *, by: Actor, note: str = "") -> Workflow:
    """Create or change the workflow of this key; what is left out stays. A graph that differs becomes a new version.

    Raises Invalid with one entry for each fault, naming the node; then nothing is stored.
    """
    key = _key(values.get("key"))
    workflow = _held(key)
    before = queries.workflow_document(workflow) if workflow is not None else None
    if workflow is None:
        workflow = Workflow(key=key, name=str(values.get("name") or key)[:100], number=0)
    else:
        allow(by, "workflow.edit", team_id=workflow.team_id)
    _fill(workflow, values, by)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    definition = _definition(workflow, values, before)
    session.add(workflow)
    session.flush()
    fresh = _version(workflow, definition, by=by, note=note)
    if "enabled" in values or before is None:
        _switch(workflow, check_boolean(values.get("enabled", True)), by=by)
    if fresh:
        _wind(workflow)
    after = queries.workflow_document(workflow)
    if before is None or {**before, "enabled": 0} != {**after, "enabled": 0}:
        record(events.CREATED if before is None else events.CHANGED, workflow.ref, by=by, also=also(workflow),
               name=workflow.name, version=workflow.number, before=before, after=after)
    return workflow


def _key(text: object) -> str:
    if not isinstance(text, str) or not KEY.fullmatch(text):
        refuse("key", "A key has 1 to 63 lower-case letters, digits and hyphens, and begins with a letter or digit")
    return text


def _held(key: str) -> Workflow | None:
    found = queries.workflow_by_key(key)
    return locked(Workflow, found.id) if found is not None else None


def _fill(workflow: Workflow, values: Mapping[str, Any], by: Actor) -> None:
    problems = Problems()
    for name, least, most in (("name", 1, 100), ("description", 0, 500), ("category", 0, 40)):
        if values.get(name) is not None:
            text = problems.take(name, check_text, values[name], least=least, most=most, label=f"A {name}")
            setattr(workflow, name, text if text is not None else getattr(workflow, name))
    if "team" in values:
        team = team_named(values["team"], by)
        if values["team"] and team is None:
            problems.add("team", f"There is no team {values['team']}")
        workflow.team, workflow.team_id = team, team.id if team else None
    problems.raise_if_any()


def describe(workflow: Workflow, values: Mapping[str, Any], *, by: Actor) -> Workflow:
    """Change name, description or category; the graph stays."""
    workflow = _locked(workflow)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    before = queries.workflow_document(workflow)
    _fill(workflow, {name: values[name] for name in ("name", "description", "category") if name in values}, by)
    session.flush()
    if (after := queries.workflow_document(workflow)) != before:
        record(events.CHANGED, workflow.ref, by=by, also=also(workflow), name=workflow.name, version=workflow.number,
               before=before, after=after)
    return workflow


def fault_at(workflow: Workflow, heir: Team, by: Actor) -> str:
    """Why it can't go to this team: where its graph names what would be another team's secret there."""
    names = documents.secrets_of(queries.version_of(workflow).definition)
    if found := vault.strange(names, workflow.team, heir):
        return f"{workflow.name} would send the secret {', '.join(found)} of {heir.name}, which it never did"
    return ""


def hand_on(values: Mapping[str, Any], *, by: Actor) -> None:
    """Give the workflow to another team, with all that it names. Its graph is checked at the next run, not now: its runbooks
    wait for an approval there."""
    workflow = _held(_key(values.get("key")))
    if workflow is None:
        raise NotFound
    allow(by, "workflow.edit", team_id=workflow.team_id)
    before = queries.workflow_document(workflow)
    _fill(workflow, {"team": values["team"]}, by)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    session.flush()
    record(events.CHANGED, workflow.ref, by=by, also=also(workflow), name=workflow.name, version=workflow.number,
           before=before, after=queries.workflow_document(workflow))


def _definition(workflow: Workflow, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The graph that is wanted, checked. What is left out is as it was; a new workflow needs a trigger."""
    said = {part: values[part] if part in values and values[part] is not None else (before or {}).get(part)
            for part in documents.PARTS}
    if "nodes" in values and "edges" not in values:
        said["edges"] = None
    definition = documents.normal(said)
    check(definition, workflow.team_id)
    return definition


def check(definition: Mapping[str, Any], team_id: int | None) -> None:
    """Raise Invalid with every fault of a graph."""
    found = checks.faults(definition, queries.known_for(team_id))
    if found:
        raise Invalid(problems=[Problem(fault.path, str(fault)) for fault in found])


def _version(workflow: Workflow, definition: dict[str, Any], *, by: Actor, note: str) -> bool:
    """Keep the graph as the next version, unless it is the present one. Says whether it did."""
    if workflow.number and queries.version_of(workflow).definition == definition:
        return False
    workflow.number += 1
    session.add(WorkflowVersion(workflow_id=workflow.id, number=workflow.number, definition=definition, author=by.ref,
                                author_name=by.name[:200], note=note[:200]))
    workflow.trigger, workflow.event = definition["trigger"], str(definition["trigger"]["event"])[:80]
    session.flush()
    session.expire(workflow, ["versions"])
    return True


def _switch(workflow: Workflow, on: bool, *, by: Actor) -> None:
    if on and workflow.archived_at is not None:
        raise Conflict("It is archived. Take it back into use first.")
    if on == workflow.enabled and (workflow.enabled_at is not None or not on):
        return
    workflow.enabled, workflow.enabled_at = on, clock.now() if on else workflow.enabled_at
    _wind(workflow)
    session.flush()
    record(events.ENABLED if on else events.DISABLED, workflow.ref, by=by, also=also(workflow), name=workflow.name)


def _wind(workflow: Workflow) -> None:
    """From when ages count, and when its schedule is due."""
    now, trigger = clock.now(), workflow.trigger
    on = workflow.enabled and workflow.archived_at is None
    workflow.age_until = now if on and workflow.event == "age" else None
    workflow.next_at = next_time(trigger["cron"], trigger.get("time_zone") or "UTC", now) if (
        on and workflow.event == "schedule") else None


def enable(workflow: Workflow, on: bool, *, by: Actor) -> Workflow:
    """Switch it on, if its graph is right, or off; runs that go on are not touched."""
    workflow = _locked(workflow)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    if on:
        check(queries.version_of(workflow).definition, workflow.team_id)
    _switch(workflow, on, by=by)
    return workflow


def _locked(workflow: Workflow) -> Workflow:
    found = locked(Workflow, workflow.id)
    if found is None:
        raise NotFound
    return found


def archive(workflow: Workflow, *, by: Actor) -> None:
    """Put it away; what it did stays readable. Raises Conflict with the runs that still go on."""
    workflow = _locked(workflow)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    going = list(session.scalars(queries.runs_of(workflow).where(WorkflowRun.ended_at.is_(None)).limit(50)))
    if going:
        raise Conflict(f"{len(going)} runs of it go on. Wait for them, or cancel them.",
                       state={"runs": [str(run.id) for run in going]})
    if workflow.archived_at is None:
        workflow.archived_at, workflow.enabled = clock.now(), False
        _wind(workflow)
        record(events.ARCHIVED, workflow.ref, by=by, also=also(workflow), name=workflow.name)


def restore(workflow: Workflow, *, by: Actor) -> None:
    """Take it back into use, switched off."""
    workflow = _locked(workflow)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    if workflow.archived_at is not None:
        workflow.archived_at = None
        record(events.RESTORED, workflow.ref, by=by, also=also(workflow), name=workflow.name)


def save_graph(workflow: Workflow, definition: Mapping[str, Any], seen: int, *, by: Actor, note: str = "") -> Workflow:
    """Make a graph the next version. Raises Conflict where somebody saved since version `seen`, Invalid with faults."""
    workflow = _locked(workflow)
    allow(by, "workflow.edit", team_id=workflow.team_id)
    if workflow.number != seen:
        raise Conflict(f"Somebody saved version {workflow.number} meanwhile; yours was made from version {seen}.",
                       state={"version": workflow.number, "yours": seen})
    return save_workflow({"key": workflow.key, **{part: definition[part] for part in documents.PARTS}}, by=by, note=note)


def go_back(workflow: Workflow, number: int, *, by: Actor) -> Workflow:
    """A new version that is equal to an earlier one."""
    former = queries.version_of(workflow, number).definition
    return save_graph(workflow, former, workflow.number, by=by, note=f"back to version {number}")


def duplicate(workflow: Workflow, key: str, name: str, *, by: Actor) -> Workflow:
    """The same under another key and name, switched off."""
    allow(by, "workflow.read", team_id=workflow.team_id)
    return add_workflow({**queries.workflow_document(workflow), "key": key, "name": name, "enabled": False}, by=by)
