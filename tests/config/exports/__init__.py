"""Complete exports of other products, in the shapes of their published API documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.core.importing import Imported
from tests.config.exports import oncall, opsgenie, pagerduty

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EXPORTS = {"pagerduty": pagerduty.EXPORT, "opsgenie": opsgenie.EXPORT, "grafana-oncall": oncall.EXPORT}


def of(imported: Imported, kind: str, key: str) -> dict[str, Any]:
    """The object of the document with this key or name."""
    return next(item for item in imported.document[kind] if key in (item.get("key"), item.get("name")))


def verdicts(imported: Imported, kind: str) -> dict[str, tuple[str, str]]:
    """What became of the source's objects of a kind, by name, and why."""
    return {line.name: (line.verdict, line.reason) for line in imported.plan if line.kind == kind}
