"""Parses what people and machines say about incidents: whom, until when, on which service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.catalog.models import Service
from app.catalog.queries import service_by_key
from app.core import clock
from app.core.access import Actor
from app.core.errors import Invalid, Problem
from app.identity.models import Team, User
from app.identity.queries import may_see, team_by_key, user_by_email
from app.incidents.rules import SEVERITIES
from app.incidents.service import Opening


def opening(values: Mapping[str, Any], by: Actor) -> Opening:
    """The incident that is described: a title, and a service or a team. Raises Invalid with every fault."""
    problems: list[Problem] = []
    service, team = _service(values, by, problems), _team(values, by, problems)
    if service is None and team is None and not problems:
        problems.append(Problem("service", "Choose a service or a team"))
    title = str(values.get("title") or "").strip()
    if not title or len(title) > 300:
        problems.append(Problem("title", "A title has 1 to 300 characters"))
    if len(str(values.get("description") or "")) > 10_000:
        problems.append(Problem("description", "A description has at most 10,000 characters"))
    severity = str(values.get("severity") or "high")
    if severity not in SEVERITIES:
        problems.append(Problem("severity", f"A severity is one of {', '.join(SEVERITIES)}"))
    if problems:
        raise Invalid(problems=problems)
    return Opening(title=title, severity=severity, description=str(values.get("description") or "").strip(),
                   service=service, team=team)


def _service(values: Mapping[str, Any], by: Actor, problems: list[Problem]) -> Service | None:
    key = str(values.get("service") or "").strip()
    service = service_by_key(key) if key else None
    if key and (service is None or not may_see(by, service.team_id)):
        problems.append(Problem("service", f"There is no service {key}"))
        return None
    if service is not None and service.lifecycle == "archived":
        problems.append(Problem("service", f"{service.name} is archived"))
    return service


def _team(values: Mapping[str, Any], by: Actor, problems: list[Problem]) -> Team | None:
    key = str(values.get("team") or "").strip()
    team = team_by_key(key) if key else None
    if key and (team is None or team.archived_at is not None or not may_see(by, team.id)):
        problems.append(Problem("team", f"There is no team {key}"))
        return None
    return team


def people(emails: Iterable[str], field: str) -> list[User]:
    """The people behind these addresses, each once, in their order. Raises Invalid for those who are not known."""
    found: dict[int, User] = {}
    problems: list[Problem] = []
    for position, email in enumerate(emails):
        user = user_by_email(email)
        if user is None:
            problems.append(Problem(f"{field}[{position}]", f"There is nobody with the address {email}"))
        else:
            found[user.id] = user
    if problems:
        raise Invalid(problems=problems)
    return list(found.values())


def until(values: Mapping[str, Any]) -> datetime:
    """When a snooze ends: `until` as an RFC 3339 time, or so many `minutes` from now. Raises Invalid."""
    given, minutes = values.get("until"), str(values.get("minutes") or "")
    if bool(given) == bool(minutes):
        raise Invalid(problems=[Problem("until", "Name either until or minutes")])
    if minutes:
        if not (minutes.isascii() and minutes.isdecimal() and len(minutes) < 6):
            raise Invalid(problems=[Problem("minutes", "A snooze lasts a whole number of minutes")])
        return clock.now() + timedelta(minutes=int(minutes))
    try:
        return clock.parse_instant(str(given))
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem("until", "This is not a time like 2026-03-01T09:00:00Z")]) from None
