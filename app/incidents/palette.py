"""What the command palette finds: pages, incidents, services, people, teams, and what can be done at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.identity.models import Team, User
from app.identity.queries import may, may_anywhere, visible_teams
from app.incidents.models import Incident
from app.incidents.queries import involved, number_of, visible
from app.incidents.searching import contains, title_says
from app.oncall.models import Schedule

EACH = 6


@dataclass(frozen=True)
class Hit:
    """One thing found. `press` is an address that is posted to: something done at once."""

    kind: str
    text: str
    url: str
    drawing: str
    sub: str = ""
    press: bool = False


@dataclass(frozen=True)
class Found:
    """The page of what was found, under headings."""

    q: str
    groups: list[tuple[str, list[Hit]]]


def find(text: str, by: Actor, pages: Sequence[tuple[str, str, str]]) -> Found:
    """Everything that fits `text`; of nothing the pages and what is open. `pages` are (label, address, drawing)."""
    wanted = " ".join(text.replace("\0", "").split())[:100]
    incidents = _incidents(wanted, by)
    groups = [("Actions", _actions(wanted, incidents, by)),
              ("Incidents", [_incident(one) for one in incidents]),
              ("Pages", [Hit("page", label, url, drawing) for label, url, drawing in pages
                         if wanted.lower() in label.lower()][:20])]
    if wanted:
        groups += [("Services", _services(wanted, by)), ("People", _people(wanted, by)),
                   ("Teams and schedules", [*_teams(wanted, by), *_schedules(wanted, by)])]
    return Found(wanted, [(heading, hits) for heading, hits in groups if hits])


def _incidents(text: str, by: Actor) -> list[Incident]:
    query = visible(select(Incident), by).order_by(Incident.id.desc())
    number = number_of(text.removeprefix("#"))
    if not text:
        return list(session.scalars(query.where(Incident.status.in_(("triggered", "acknowledged"))).limit(EACH)))
    exact = list(session.scalars(query.where(Incident.id == number))) if number else []
    if text.startswith("#"):
        return exact
    fits = title_says(text)
    found = list(session.scalars(query.where(fits, Incident.status != "resolved").limit(EACH)))
    if len(found) < EACH:
        found += session.scalars(query.where(fits, Incident.status == "resolved").limit(EACH - len(found)))
    return [*exact, *(one for one in found if one.id != number)][:EACH]


def _incident(one: Incident) -> Hit:
    status = "merged" if one.merged_into_id else "snoozed" if one.snoozed_until else one.status
    drawing = "link" if status == "merged" else status
    return Hit("incident", f"#{one.id} {one.title}", f"/incidents/{one.id}", drawing, status)


def _actions(text: str, incidents: Sequence[Incident], by: Actor) -> list[Hit]:
    """What may be done to the first incident that is named by its number, and what needs no incident."""
    found = []
    number = number_of(text.removeprefix("#").strip())
    for one in incidents:
        if one.id == number and may(by, "incident.act", team_id=one.team_id, involved=involved(one, by)):
            base = f"/incidents/{one.id}"
            again = ("Take out", "unmerge", "link", True) if one.merged_into_id else ("Reopen", "reopen", "triggered", True)
            acts = {"triggered": [("Acknowledge", "acknowledge", "acknowledged", True)],
                    "resolved": [again]}.get(one.status, [])
            if one.status != "resolved":
                acts += [("Resolve…", "resolve", "resolved", False), ("Snooze…", "snooze", "snoozed", False),
                         ("Escalate now", "escalate", "escalate", True)]
            found += [Hit("action", f"{label} #{one.id}", f"{base}/{path}", drawing, one.title, press)
                      for label, path, drawing, press in acts]
    if may_anywhere(by, "incident.create") and text.lower() in "new incident":
        found.append(Hit("action", "New incident", "/incidents/new", "plus"))
    return found


def _named(column: InstrumentedAttribute[str], other: InstrumentedAttribute[str], text: str) -> object:
    return or_(contains(column, text), contains(other, text))


def _services(text: str, by: Actor) -> list[Hit]:
    query = select(Service).where(_named(Service.name, Service.key, text), Service.lifecycle != "archived")  # type: ignore[arg-type]
    teams = visible_teams(by)
    query = query if teams is None else query.where(Service.team_id.in_(teams))
    return [Hit("service", one.name, f"/services/{one.key}", "service", one.key)
            for one in session.scalars(query.order_by(Service.name).limit(EACH))]


def _people(text: str, by: Actor) -> list[Hit]:
    if not may_anywhere(by, "people.read"):
        return []
    query = select(User).where(User.state == "active", _named(User.name, User.email, text))  # type: ignore[arg-type]
    return [Hit("person", one.name, f"/people/{one.id}", "user", one.email)
            for one in session.scalars(query.order_by(User.name).limit(EACH))]


def _teams(text: str, by: Actor) -> list[Hit]:
    query = select(Team).where(_named(Team.name, Team.key, text), Team.archived_at.is_(None))  # type: ignore[arg-type]
    teams = visible_teams(by)
    query = query if teams is None else query.where(Team.id.in_(teams))
    return [Hit("team", one.name, f"/teams/{one.key}", "users", "team")
            for one in session.scalars(query.order_by(Team.name).limit(EACH))]


def _schedules(text: str, by: Actor) -> list[Hit]:
    if not may_anywhere(by, "schedule.read"):
        return []
    query = select(Schedule).where(_named(Schedule.name, Schedule.key, text))  # type: ignore[arg-type]
    teams = visible_teams(by)
    query = query if teams is None else query.where(Schedule.team_id.in_(teams))
    return [Hit("schedule", one.name, f"/schedules/{one.key}", "calendar", "schedule")
            for one in session.scalars(query.order_by(Schedule.name).limit(EACH))]
