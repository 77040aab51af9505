"""Asking a target whether it would take a run, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.access import Actor
from app.core.secrets import Unreadable
from app.incidents.models import Incident
from app.plugin_api import NoAccess, Outcome, Rejected, Retry
from app.runbooks import queries, requests, subjects, vault
from app.runbooks.models import Runbook

SECONDS = 10.0


@dataclass(frozen=True)
class Tried:
    """What came of it: whether the target would take it, and what it said."""

    good: bool
    text: str


def ready(runbook: Runbook, incident: Incident | None, values: Mapping[str, Any], *, by: Actor) -> requests.Ready | Tried:
    """Everything rendered with its secrets, inside a transaction; or why that can't be."""
    if runbook.state != "approved":
        return Tried(False, f"{runbook.name} is not approved, so nothing is sent")
    document = queries.runbook_document(runbook)
    subject = subjects.run_values(runbook, incident, by)
    try:
        named = vault.values(queries.secrets_named(document), runbook.team_id)
        return requests.ready(requests.Given(document, values, subject, named, "dry-run", "dry-run"), timeout=SECONDS)
    except (ValueError, Unreadable) as fault:
        return Tried(False, str(fault))


def tried(found: requests.Ready | Tried) -> Tried:
    """Ask the target, with nothing open."""
    if isinstance(found, Tried):
        return found
    target: Any = found.target
    if "dry_run" not in target.can:
        return Tried(False, f"{target.name} has no dry run")
    try:
        said = target.dry_run(found.step, found.config)
    except (Retry, Rejected, NoAccess) as fault:
        return Tried(False, requests.masked(fault.reason, found.masks))
    good = isinstance(said, Outcome) and said.state != "failed"
    return Tried(good, requests.masked(said.output or said.reason, found.masks) or f"{target.name} would take it")
