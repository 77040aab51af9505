"""What the form of a run and the page of an execution show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.events import Event, sentence
from app.core.masking import MASK
from app.core.secrets import digest, new_token
from app.identity.queries import may
from app.incidents.models import Incident
from app.runbooks import queries, requests, rules, subjects
from app.runbooks.controls import Control, control, said
from app.runbooks.models import Execution, Runbook
from app.runbooks.parameters import label


@dataclass(frozen=True)
class RunPage:
    """The form, and once it is right the request as it would go out. `seen` marks what the request was shown for."""

    runbook: Runbook
    incident: Incident | None
    controls: list[Control]
    form_key: str
    target: str
    can_dry_run: bool
    stats: rules.Stats
    name: str
    preview: requests.Preview | None = None
    seen: str = ""
    changed: bool = False
    tried: Any = None
    reason: str = ""
    refusal: str = ""
    running: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def run_page(runbook: Runbook, incident: Incident | None, by: Actor, *, typed: Mapping[str, Any] | None = None,
             invalid: Invalid | None = None, **more: Any) -> RunPage:
    """The form: what was typed, else what the incident's labels say, else the defaults."""
    errors = {one.field.removeprefix("parameters."): one.message for one in reversed(invalid.problems)} if invalid else {}
    target = queries.target_of(runbook.target)
    labels = dict(incident.labels) if incident is not None else {}
    controls = [control(name, runbook.parameters, labels, typed=typed, error=errors.get(name, ""))
                for name in runbook.parameters.get("properties") or {}]
    found = {"form_key": new_token()[:40], **more}
    return RunPage(runbook, incident, controls, target=target.name if target else runbook.target, name=by.name,
                   can_dry_run=target is not None and "dry_run" in target.can and runbook.state == "approved",
                   stats=queries.stats_of([runbook.id]).get(runbook.id, rules.stats(())),
                   errors={label(name, (runbook.parameters.get("properties") or {}).get(name, {})): text
                           for name, text in errors.items()}, **found)


def mark_of(parameters: Mapping[str, Any], version: int) -> str:
    """What a request was shown for: other values or another version have another mark."""
    return digest(json.dumps([parameters, version], sort_keys=True))[:32]


def preview_of(runbook: Runbook, incident: Incident | None, parameters: Mapping[str, Any], by: Actor) -> requests.Preview:
    """The request that these parameters make."""
    subject = subjects.run_values(runbook, incident, by)
    return requests.preview(queries.runbook_document(runbook), parameters, subject)


@dataclass(frozen=True)
class ExecutionPage:
    """One execution."""

    execution: Execution
    runbook: Runbook
    target: str
    parameters: list[tuple[str, str]]
    facts: list[tuple[Any, str]]
    may_cancel: bool
    may_see_cause: bool

    @property
    def id(self) -> int:
        """The execution's."""
        return self.execution.id


def execution_page(number: str | int, by: Actor) -> ExecutionPage:
    """The page of one. Raises NotFound."""
    found = queries.execution_for(number, by)
    document = queries.version_of(found.runbook_id, found.version).document
    target = queries.registry().targets.get(document["target"])
    fields = (document["parameters"].get("properties") or {})
    closed = dict.fromkeys(requests.secret_names(document), MASK) if found.parameters_sealed else {}
    given = [(label(name, fields.get(name, {})), said(value)) for name, value in {**found.parameters, **closed}.items()]
    subject = found.incident.ref if found.incident is not None else found.ref
    facts = [event for event in session.scalars(select(Event).where(
        Event.subject == subject, Event.kind.like("runbook.%"), Event.at >= found.created_at).order_by(Event.id).limit(500))
        if event.data.get("execution") == str(found.id)]
    return ExecutionPage(
        found, found.runbook, target.name if target else document["target"], given,
        [(event.at, sentence(event)) for event in facts],
        found.state in rules.OPEN and may(by, "runbook.run", team_id=found.team_id), bool(found.cause_url))


def left(execution: Execution) -> float | None:
    """Seconds until its time is over."""
    if execution.deadline_at is None or execution.state != "running":
        return None
    return max(0.0, (execution.deadline_at - clock.now()).total_seconds())
