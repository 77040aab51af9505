"""Parses what people and machines say about incidents: whom, until when, on which service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from werkzeug.datastructures import MultiDict

from app.catalog.models import Service
from app.catalog.queries import service_by_key
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, NotFound, Problem
from app.core.panels import panels
from app.identity.models import Membership, Team, User
from app.identity.queries import may, may_see, team_by_key, user_by_email
from app.incidents import detail
from app.incidents.models import Incident, Note, Responder
from app.incidents.queries import incident_for
from app.incidents.room_pages import merge_targets, what_moves
from app.incidents.rules import PRIORITIES, SEVERITIES
from app.incidents.service import Opening
from app.oncall.queries import on_duty, schedule_by_key

# what an action is called on its page, its button, and the icon
ACTIONS = {"resolve": ("Resolve", "Resolve"), "assign": ("Reassign", "Assign"), "snooze": ("Snooze", "Snooze"),
           "responders": ("Add responders", "Ask for help"), "priority": ("Set the priority", "Set priority"),
           "severity": ("Set the severity", "Set severity"), "edit": ("Change the text", "Save"),
           "merge": ("Merge", "Merge"),
           "role": ("Hand over", "Hand over"), "note": ("Change a note", "Save")}
SNOOZES = [("15", "15 min"), ("30", "30 min"), ("60", "1 h"), ("240", "4 h"), ("480", "8 h"), ("1440", "1 day"),
           ("4320", "3 days")]


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


def helpers(values: Mapping[str, Any], by: Actor) -> list[User]:
    """The people who are named, those on duty now in `schedules`, and the managers and responders of `teams`, each once.
    Raises Invalid."""
    found = {user.id: user for user in people(values.get("people", ()), "people")}
    problems: list[Problem] = []
    for key in values.get("schedules", ()):
        schedule = schedule_by_key(key)
        if schedule is None or not may_see(by, schedule.team_id):
            problems.append(Problem("schedules", f"There is no schedule {key}"))
            continue
        on_now = on_duty(schedule, clock.now()).people
        found |= {user.id: user for user in session.scalars(select(User).where(User.id.in_([int(one) for one in on_now])))}
    for key in values.get("teams", ()):
        team = _team({"team": key}, by, problems)
        found |= {one.user_id: one.user for one in (team.memberships if team else ()) if one.role != "observer"
                  and one.user.is_active}
    if problems:
        raise Invalid(problems=problems)
    return list(found.values())


def person(text: str, field: str, by: Actor) -> User:
    """`me`, or the person behind an address. Raises Invalid."""
    if text == "me" and by.user_id is not None:
        return session.get_one(User, by.user_id)
    return people([text], field)[0]


def target(form: Mapping[str, str], by: Actor) -> Incident:
    """The incident into which another goes: by its number, typed or chosen. Raises Invalid."""
    text = (form.get("number") or form.get("into") or "").strip().removeprefix("#")
    try:
        return incident_for(text, by)
    except NotFound:
        said = f"There is no incident #{text}" if text else "Choose an incident"
        raise Invalid(problems=[Problem("number", said)]) from None


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


def named(form: MultiDict[str, str]) -> list[User]:
    """The people ticked or typed, at most 50. Raises Invalid."""
    typed = form.get("others", "").replace(";", ",").replace("\n", ",").split(",")
    emails = [*form.getlist("people"), *(email.strip() for email in typed if email.strip())]
    if len(emails) > 50:
        raise Invalid(problems=[Problem("people", "At most 50 people at once")])
    return people(dict.fromkeys(emails), "people")


def until_typed(form: Mapping[str, str], by: Actor) -> datetime:
    """When a snooze ends, as a person says it: minutes, or a time on their own clock. Raises Invalid."""
    if not form.get("until"):
        return until({"minutes": form.get("minutes", "")})
    try:
        local = datetime.fromisoformat(form["until"])
        zone = None if local.tzinfo else ZoneInfo(detail.zone_of(by))
        return until({"until": (local.replace(tzinfo=zone) if zone else local).isoformat()})
    except (ValueError, OverflowError):
        raise Invalid(problems=[Problem("until", "This is not a time")]) from None


@dataclass(frozen=True)
class ActionForm:
    """The page of an action that asks for more: which one, on what, whom to choose from, what is wrong."""

    incident: Incident
    what: str
    title: str
    button: str
    zone: str
    people: list[User] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    snoozes: list[tuple[str, str]] = field(default_factory=lambda: SNOOZES)
    priorities: list[tuple[str, str]] = field(default_factory=lambda: [(one, one) for one in PRIORITIES])
    severities: list[tuple[str, str]] = field(default_factory=lambda: [(one, one.capitalize()) for one in SEVERITIES])
    targets: list[Incident] = field(default_factory=list)
    moves: Mapping[str, int] = field(default_factory=dict)
    role: str = ""
    note: Note | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def action(what: str, incident: Incident, by: Actor, *, typed: MultiDict[str, str] | None = None,
           invalid: Invalid | None = None, **more: Any) -> ActionForm:
    """The form of an action, with what was typed if it was refused."""
    title, button = ACTIONS[what]
    chosen = typed.getlist("people") if typed else [user.email for user in incident.assignees] if what == "assign" else []
    return ActionForm(incident=incident, what=what, title=title, button=button, zone=detail.zone_of(by), chosen=chosen,
                      people=_candidates(incident) if what in ("assign", "responders", "role") else [],
                      targets=merge_targets(incident, by) if what == "merge" else [],
                      moves=what_moves(incident) if what == "merge" else {}, typed=typed or {},
                      faults=faults_of(invalid), **more)


def faults_of(invalid: Invalid | None) -> dict[str, str]:
    """The first sentence about each field."""
    found: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        found.setdefault(problem.field.partition("[")[0], problem.message)
    return found


def _candidates(incident: Incident) -> list[User]:
    """The people of the team and those already on it; others are typed."""
    members = select(Membership.user_id).where(Membership.team_id == incident.team_id)
    here = select(Responder.user_id).where(Responder.incident_id == incident.id)
    return list(session.scalars(select(User).where(User.state == "active", or_(
        User.id.in_(members), User.id.in_(here))).order_by(User.name).limit(60)))


@dataclass(frozen=True)
class NewForm:
    """The page of a new incident; `panels` say who would be paged."""

    services: list[tuple[str, str]]
    teams: list[tuple[str, str]]
    severities: list[tuple[str, str]]
    typed: Mapping[str, str]
    faults: Mapping[str, str]
    panels: dict[str, Any] = field(default_factory=dict)
    people: list[tuple[str, str]] = field(default_factory=list)


def new(by: Actor, typed: Mapping[str, str], invalid: Invalid | None = None) -> NewForm:
    """The form of a new incident: the services and teams for which this person may open one."""
    services = session.scalars(select(Service).where(Service.lifecycle != "archived").order_by(Service.name).limit(500))
    teams = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name).limit(500))
    mine = [team for team in teams if may(by, "incident.create", team_id=team.id)]
    ids = {team.id for team in mine}
    service, team = _service(typed, by, []), _team(typed, by, [])
    paged = panels("new_incident", (service, team or (service.team if service else None))) if service or team else {}
    return NewForm(services=[(one.key, one.name) for one in services if one.team_id in ids], panels=paged,
                   teams=[(one.key, one.name) for one in mine], typed=typed, faults=faults_of(invalid),
                   severities=[(one, one.capitalize()) for one in SEVERITIES],
                   people=[(one.email, one.name) for one in session.scalars(
                       select(User).where(User.state == "active").order_by(User.name, User.id).limit(2000))])
