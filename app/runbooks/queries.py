"""Reads on runbooks and executions, and the document of a runbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.forms import LARGEST, duration_text
from app.core.plugins import Registry
from app.core.targets import RunbookTarget
from app.core.templating import names
from app.identity.queries import allow, uses, visible_teams
from app.incidents.models import Incident
from app.runbooks import rules
from app.runbooks.models import (
    Execution,
    Runbook,
    RunbookReview,
    RunbookVersion,
)


def registry() -> Registry:
    """The plugins of this application."""
    found: Registry = current_app.extensions["plugins"]
    return found


def target_of(slug: str) -> RunbookTarget | None:
    """The target of this slug, None when it is not there or its plugin is switched off."""
    return registry().targets[slug] if registry().is_on("target", slug) else None


def runbook_by_key(key: str) -> Runbook | None:
    """The runbook with this key."""
    return session.scalar(select(Runbook).where(Runbook.key == key))


def runbook_for(key: str, by: Actor, action: str = "runbook.read") -> Runbook:
    """The runbook, if the actor may do `action` with it. Raises NotFound or Forbidden."""
    found = runbook_by_key(key) if "\0" not in key else None
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def visible(by: Actor) -> Select[tuple[Runbook]]:
    """The runbooks that the actor may know of, by name."""
    query, teams = select(Runbook).options(joinedload(Runbook.team), selectinload(Runbook.services)), visible_teams(by)
    query = query.order_by(Runbook.name, Runbook.id)
    return query if teams is None else query.where(Runbook.team_id.in_(teams) | Runbook.team_id.is_(None))


def approved_for(team_id: int | None) -> Select[tuple[Runbook]]:
    """The approved runbooks that may act for a team (None: only global ones), by name."""
    own = Runbook.team_id.is_(None) if team_id is None else Runbook.team_id.is_(None) | (Runbook.team_id == team_id)
    return select(Runbook).where(Runbook.state == "approved", own).order_by(Runbook.name, Runbook.id)


def in_scope(runbook: Runbook, team_id: int | None) -> bool:
    """Whether the runbook may act for this team; global ones act for every team."""
    return runbook.team_id is None or runbook.team_id == team_id


def offered(incident: Incident) -> list[Runbook]:
    """The approved runbooks for an incident, those of its service first."""
    found = session.scalars(approved_for(incident.team_id)).all()
    return sorted(found, key=lambda one: incident.service_id not in [service.id for service in one.services])


def runbook_document(runbook: Runbook) -> dict[str, Any]:
    """The runbook as in the configuration document. Its texts name secrets and hold none."""
    return {"key": runbook.key, "name": runbook.name, "description": runbook.description,
            "team": runbook.team.key if runbook.team else None, "target": runbook.target, "config": dict(runbook.config),
            "payload": runbook.payload, "parameters": dict(runbook.parameters), "timeout": duration_text(runbook.timeout),
            "retries": runbook.retries, "wait_for": runbook.wait_for, "concurrency": runbook.concurrency,
            "services": [service.key for service in runbook.services]}


def version_of(runbook_id: int, number: int) -> RunbookVersion:
    """One version. Raises NotFound."""
    found = session.scalar(select(RunbookVersion).where(
        RunbookVersion.runbook_id == runbook_id, RunbookVersion.number == min(number, LARGEST)))
    if found is None:
        raise NotFound
    return found


def versions(runbook: Runbook) -> list[RunbookVersion]:
    """All versions, the newest first."""
    return list(session.scalars(select(RunbookVersion).where(
        RunbookVersion.runbook_id == runbook.id).order_by(RunbookVersion.number.desc())))


def authors(runbook: Runbook) -> dict[str, str]:
    """Whoever saved something since the last approval, by reference: they can't approve."""
    rows = session.execute(select(RunbookVersion.author, RunbookVersion.author_name).where(
        RunbookVersion.runbook_id == runbook.id, RunbookVersion.number > (runbook.approved_version or 0)))
    return {author: name for author, name in rows}


def written_by(author: str, runbooks: Sequence[Runbook]) -> set[int]:
    """Those of these runbooks of which this author saved something since the last approval."""
    return set(session.scalars(select(Runbook.id).join(RunbookVersion, RunbookVersion.runbook_id == Runbook.id).where(
        Runbook.id.in_([one.id for one in runbooks]), RunbookVersion.author == author,
        RunbookVersion.number > func.coalesce(Runbook.approved_version, 0))))


def four_eyes() -> bool:
    """Whether the one who approves must be another than those who wrote."""
    found = session.get(RunbookReview, 1)
    return found is None or found.four_eyes


def waiting_for_approval(by: Actor) -> list[Runbook]:
    """Drafts whose present version nobody sent back, the oldest change first."""
    return list(session.scalars(visible(by).where(Runbook.state == "draft", Runbook.sent_back.is_(None) | (
        Runbook.sent_back != Runbook.version)).order_by(None).order_by(Runbook.changed_at)))


def used_by(runbook: Runbook, by: Actor) -> list[str]:
    """The names of what uses it."""
    return [use.name for use in uses("runbook_used_by", runbook, by)]


def secrets_named(document: dict[str, Any]) -> set[str]:
    """The names of the secrets in the templates of a document."""
    used = names([document.get("config"), document.get("payload")])
    return {path[1] for path in used if path[0] == "secret" and len(path) > 1}


def execution_for(key: int | str, by: Actor) -> Execution:
    """The execution, if the actor may read it. Raises NotFound or Forbidden."""
    text = str(key)
    found = session.get(Execution, int(text)) if text.isascii() and text.isdecimal() and len(text) < 18 else None
    if found is None:
        raise NotFound
    allow(by, "runbook.read", team_id=found.team_id)
    return found


def documents_of(executions: Sequence[Execution]) -> dict[int, dict[str, Any]]:
    """What each of these executions was an execution of, by its id."""
    versions = select(Execution.id, RunbookVersion.document).join(RunbookVersion, (
        RunbookVersion.runbook_id == Execution.runbook_id) & (RunbookVersion.number == Execution.version)).where(
        Execution.id.in_([one.id for one in executions]))
    return {key: document for key, document in session.execute(versions)} if executions else {}


def executions_query(runbook: Runbook, by: Actor) -> Select[tuple[Execution]]:
    """The executions of a runbook that the actor may know of."""
    query, teams = select(Execution).where(Execution.runbook_id == runbook.id), visible_teams(by)
    return query if teams is None else query.where(Execution.team_id.in_(teams) | Execution.team_id.is_(None))


def executions_of(runbook: Runbook, by: Actor, limit: int = 20) -> list[Execution]:
    """The last of them."""
    return list(session.scalars(executions_query(runbook, by).order_by(Execution.id.desc()).limit(limit)))


def stats_of(runbook_ids: Iterable[int]) -> dict[int, rules.Stats]:
    """How the executions of each of these runbooks fared."""
    ended: dict[int, list[tuple[str, float]]] = {}
    rows = session.execute(select(Execution.runbook_id, Execution.state, Execution.started_at, Execution.ended_at).where(
        Execution.runbook_id.in_(list(runbook_ids)), Execution.ended_at.is_not(None), Execution.started_at.is_not(None)))
    for key, state, began, end in rows:
        ended.setdefault(key, []).append((state, (end - began).total_seconds()))
    return {key: rules.stats(found) for key, found in ended.items()}


def holder_of(lock: str) -> Execution | None:
    """The open execution that holds others back."""
    return session.scalar(select(Execution).where(Execution.lock == lock, Execution.state.in_(rules.OPEN)))


def execution_of(form_key: str) -> Execution | None:
    """The execution that a form with this key started already."""
    return session.scalar(select(Execution).where(Execution.form_key == form_key))
