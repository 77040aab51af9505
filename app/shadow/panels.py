"""What shadow adds to pages of others: the banner, and what the doctor says."""

from __future__ import annotations

from typing import Any

from app.core.access import Actor
from app.core.shadow import Shadow
from app.incidents.models import Incident
from app.shadow import queries


def banner(by: Actor) -> list[Shadow]:
    """What is in shadow, as far as they may know."""
    return queries.visible(by) if by.user_id is not None else []


def doctor() -> dict[str, Any]:
    """In words, for an operator."""
    return {"shadow": queries.in_words()}


def of_incident(incident: Incident) -> tuple[Shadow, bool] | None:
    """The shadow that keeps an incident silent, and whether it has ended since."""
    found = queries.of_incident(incident)
    return (found, found.ended_at is not None) if found is not None else None
