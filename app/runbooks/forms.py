"""The form of a runbook, its import and its export: the fields of its document as people type them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from sqlalchemy import select

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.fields import Field
from app.core.forms import Problems, refuse
from app.core.targets import RunbookTarget
from app.identity.models import Team
from app.identity.queries import may
from app.runbooks import parameters, queries, rules
from app.runbooks.models import Runbook

Choices = list[tuple[str, str]]
TEXTS = ("name", "team", "description", "timeout", "wait_for", "concurrency")
WAITS = {"response": "The answer to the call", "callback": "A signed callback", "follow": "The target is asked"}
NEW = {"timeout": "5m", "retries": 3, "concurrency": "per_incident"}
CONCURRENCIES = [("per_incident", "One at a time for each incident"), ("single", "One at a time altogether"),
                 ("unlimited", "Any number at a time")]


@dataclass(frozen=True)
class RunbookForm:
    """The form page: what stands in the fields, what can be chosen, what is wrong."""

    runbook: Runbook | None
    target: RunbookTarget
    values: Mapping[str, Any]
    config: list[tuple[Field, str]]
    teams: Choices
    services: Choices
    waits: Choices
    targets: Choices
    may_be_everybodys: bool
    errors: Mapping[str, str] = field(default_factory=dict)
    concurrencies: Choices = field(default_factory=lambda: CONCURRENCIES)


@dataclass(frozen=True)
class TargetChoice:
    """The first step of a new runbook: where it acts."""

    targets: list[tuple[RunbookTarget, str, list[str]]]


def target_choice() -> TargetChoice:
    """Every target with what it can."""
    registry = queries.registry()
    words = {"follow": "followed to the end", "cancel": "can be cancelled", "dry_run": "dry run", "callback": "reports back"}
    return TargetChoice([(one, registry.owner("target", slug), [text for word, text in words.items() if word in one.can])
                         for slug, one in sorted(registry.targets.items(), key=lambda entry: entry[1].name)
                         if registry.is_on("target", slug)])


def target_named(slug: str) -> RunbookTarget:
    """The target. Raises Invalid."""
    found = queries.target_of(slug)
    if found is None:
        refuse("target", "There is no such target")
    return found


def read(form: Mapping[str, Any], runbook: Runbook | None, target: RunbookTarget, services: list[str]) -> dict[str, Any]:
    """The typed text as values for `save_runbook`. Raises Invalid for what is not JSON."""
    values: dict[str, Any] = {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in TEXTS}
    values |= {"key": runbook.key if runbook else str(form.get("key", "")).strip(), "target": target.slug,
               "team": values["team"] or None, "services": services, "payload": str(form.get("payload", "")),
               "retries": int(form["retries"]) if str(form.get("retries", "")) in ("0", "1", "2", "3") else None,
               "wait_for": values["wait_for"] or None}
    values["config"] = {one.name: text for one in target.fields
                        if (text := str(form.get(f"c.{one.name}", "")).replace("\r\n", "\n").strip())}
    problems = Problems()
    values["parameters"] = problems.take("parameters", _schema, form.get("parameters", "")) or parameters.EMPTY
    problems.raise_if_any()
    return values


def _schema(text: Any) -> Any:
    if not str(text).strip():
        return parameters.EMPTY
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"Parameters are not JSON: {fault}") from None
    # What has no type of its own is the list of fields alone.
    return found if not isinstance(found, dict) or "properties" in found or "type" in found else {
        "type": "object", "properties": found}


def shown(runbook: Runbook | None, target: RunbookTarget, by: Actor, *, typed: Mapping[str, Any] | None = None,
          invalid: Invalid | None = None) -> RunbookForm:
    """The form with the present values, or with what was typed if it was refused."""
    document = queries.runbook_document(runbook) if runbook else NEW
    written = {**document, **{name: _json(document.get(name)) for name in ("payload", "parameters")}}
    present = document.get("config", {}) if runbook and runbook.target == target.slug else {}
    config = [(one, str(typed.get(f"c.{one.name}", "")) if typed is not None else _plain(one, present))
              for one in target.fields]
    teams = [team for team in session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
             if may(by, "runbook.edit", team_id=team.id)]
    services = session.scalars(select(Service).where(
        Service.lifecycle != "archived", Service.team_id.in_([team.id for team in teams])).order_by(Service.name))
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(_place(problem.field), problem.message)
    targets = [(one.slug, one.name) for one, _, _ in target_choice().targets]
    return RunbookForm(
        runbook, target, typed if typed is not None else written, config, [(team.key, team.name) for team in teams],
        [(service.key, f"{service.name} ({service.team.name})") for service in services],
        [(word, WAITS[word]) for word in rules.WAITS if word in target.can], targets, may(by, "runbook.edit"), errors)


def _place(path: str) -> str:
    """The control that a fault belongs to."""
    if path.startswith("config."):
        return "c." + path.split(".")[1].split("[")[0]
    return path.split(".")[0].split("[")[0]


def _plain(one: Field, present: Mapping[str, Any]) -> str:
    value = present.get(one.name, one.default)
    if isinstance(value, list) and one.kind == "lines":
        return "\n".join(value)
    return _json(value) if isinstance(value, dict | list) else "" if value is None else str(value)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def exported(runbook: Runbook) -> str:
    """The runbook as a configuration document, without the team it belongs to here. Secrets stay behind: it names them."""
    document = {name: value for name, value in queries.runbook_document(runbook).items() if value is not None}
    return yaml.safe_dump({"version": 1, "runbooks": [document]}, sort_keys=False, allow_unicode=True, width=110)


def imported(text: str) -> dict[str, Any]:
    """The one runbook that a text holds, as `exported` writes it or alone. Raises Invalid."""
    try:
        found = yaml.safe_load(text[:256 * 1024])
    except (yaml.YAMLError, RecursionError, ValueError):
        refuse("text", "This is neither YAML nor JSON")
    if isinstance(found, dict) and isinstance(found.get("runbooks"), list) and len(found["runbooks"]) == 1:
        found = found["runbooks"][0]
    if not isinstance(found, dict) or "target" not in found:
        refuse("text", "This is not one runbook: it has to say key, name and target")
    if stray := sorted(set(map(str, found)) - {"key", *rules.FIELDS}):
        refuse("text", f"A runbook has no {', '.join(stray)}")
    return found
