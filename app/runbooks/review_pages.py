"""What approvers look at: the queue, and one draft beside what was approved last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.access import Actor
from app.runbooks import queries, requests, rules
from app.runbooks.models import Runbook
from app.runbooks.secret_uses import missing_secrets

OWN = "You changed it since it was last approved, so another admin has to."
EXAMPLES: dict[str, Any] = {"string": "example", "integer": 1, "number": 1.5, "boolean": True, "array": ["example"]}
SERVICE = {"key": "checkout", "name": "Checkout", "tags": []}
TEAM = {"key": "payments", "name": "Payments"}


@dataclass(frozen=True)
class Queue:
    """What waits for an approval."""

    rows: list[Runbook]
    four_eyes: bool
    wrote: set[int]


def queue(by: Actor) -> Queue:
    """The drafts that nobody has looked at, the oldest first."""
    rows = queries.waiting_for_approval(by)
    return Queue(rows, queries.four_eyes(), queries.written_by(by.ref, rows))


@dataclass(frozen=True)
class Review:
    """One draft beside what was approved last."""

    runbook: Runbook
    authors: list[str]
    approved: int | None
    changes: list[tuple[str, str]]
    preview: requests.Preview
    missing: list[str]
    refused: str
    errors: Mapping[str, str] = field(default_factory=dict)


def review(key: str, by: Actor, **form: Any) -> Review:
    """What an approver looks at. Raises NotFound or Forbidden."""
    found = queries.runbook_for(key, by, "runbook.approve")
    documents = {one.number: one.document for one in queries.versions(found)}
    now, before = documents[found.version], documents.get(found.approved_version or 0, {})
    own = queries.four_eyes() and by.ref in queries.authors(found)
    return Review(found, sorted(set(queries.authors(found).values())), found.approved_version if before else None,
                  rules.difference(before, now), requests.preview(now, example_of(found.parameters), EXAMPLE, examples=True),
                  missing_secrets(found), OWN if own else "", **form)


EXAMPLE: dict[str, Any] = {
    "incident": {"id": "142", "number": 142, "title": "Card payments failing", "status": "triggered", "severity": "critical",
                 "urgency": "high", "priority": "P1", "description": "", "labels": {"region": "eu"}, "alert_count": 3,
                 "service": SERVICE, "team": TEAM},
    "service": SERVICE, "team": TEAM,
    "person": {"name": "Ana", "kind": "user"}}


def example_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each parameter: its default, its first choice, or any of its type."""
    return {name: one["default"] if "default" in one else one["enum"][0] if "enum" in one else
            one.get("minimum", EXAMPLES[one.get("type", "string")])
            for name, one in (schema.get("properties") or {}).items()}
