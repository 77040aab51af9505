"""Figures about learning: how soon postmortems are published, whether what follows gets done, what keeps breaking."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.forms import refuse
from app.identity.models import Team
from app.identity.queries import allow, may_see, team_by_key
from app.incidents.models import Incident
from app.incidents.queries import visible as visible_incidents
from app.postmortems import item_queries, queries, rules
from app.postmortems.models import Postmortem, PostmortemIncident, PostmortemVersion

SEVERE = ("critical", "high")
WORKING_DAYS = 5
SPAN = timedelta(days=90)
TOP = 10


@dataclass(frozen=True)
class Metrics:
    """The figures of a period, from `start` up to and with `end`; a share is 0 to 1, or None of nothing."""

    start: date
    end: date
    incidents: int
    in_time: int
    published: int
    median_days: float | None
    items_due: int
    items_in_time: int
    open: int
    overdue: int
    months: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """Of critical and high incidents, those with a postmortem published within five working days."""
        return self.in_time / self.incidents if self.incidents else None

    @property
    def items_share(self) -> float | None:
        """Of the action items that were due, those done by then."""
        return self.items_in_time / self.items_due if self.items_due else None

    def document(self) -> dict[str, Any]:
        """As machines get them."""
        return {**asdict(self), "start": self.start.isoformat(), "end": self.end.isoformat(), "share": self.share,
                "items_share": self.items_share}


def metrics(by: Actor, args: Mapping[str, str]) -> Metrics:
    """The figures of what this person may read: `team` and the dates `from` and `to`, 90 days up to today unless told.
    Raises Invalid for what is no date, and NotFound for a team that is not there."""
    allow(by, "postmortem.read")
    end = _day(args, "to") or clock.now().date()
    start = _day(args, "from") or end - SPAN
    team = _team(args.get("team", ""), by)
    severe, first = _severe(by, team, start, end), _first_publications(by, team)
    published = _by_incident(first.values())
    in_time = {one.id for one in severe if _in_time(one.resolved_at, published.get(one.id, ()))}
    took = [_days(found, at) for found, at in first.values() if start <= at.date() <= end]
    due, done, left = _items(by, team, start, end)
    services, tags = _recurring(by, team, start, end)
    return Metrics(
        start, end, incidents=len(severe), in_time=len(in_time), published=len(took), items_due=due, items_in_time=done,
        median_days=rules.median([days for days in took if days is not None]), open=sum(one["open"] for one in left),
        overdue=sum(one["overdue"] for one in left), teams=left, services=services, tags=tags,
        months=_months(severe, in_time))


def _day(args: Mapping[str, str], name: str) -> date | None:
    if not args.get(name):
        return None
    try:
        day = date.fromisoformat(args[name])
    except ValueError:
        refuse(name, "A date looks like 2026-03-31")
    try:
        clock.check_year(day)
    except ValueError as fault:
        refuse(name, str(fault))
    return day


def _team(key: str, by: Actor) -> Team | None:
    found = team_by_key(key) if key else None
    if key and (found is None or not may_see(by, found.id)):
        raise NotFound
    return found


def _span(start: date, end: date) -> tuple[datetime, datetime]:
    return datetime.combine(start, time(), UTC), datetime.combine(end + timedelta(days=1), time(), UTC)


def _severe(by: Actor, team: Team | None, start: date, end: date) -> Sequence[Any]:
    """Number and end of the critical and high incidents that ended in the period."""
    since, until = _span(start, end)
    query = visible_incidents(select(Incident.id, Incident.resolved_at), by).where(
        Incident.severity.in_(SEVERE), Incident.status == "resolved", Incident.resolved_at >= since,
        Incident.resolved_at < until, ~Incident.test, ~Incident.in_shadow, Incident.merged_into_id.is_(None))
    return session.execute(query.where(Incident.team_id == team.id) if team else query).all()


def _first_publications(by: Actor, team: Team | None) -> dict[int, tuple[Postmortem, datetime]]:
    """When each published document was published first."""
    query = queries.visible(select(Postmortem, PostmortemVersion.at).join(
        PostmortemVersion, PostmortemVersion.postmortem_id == Postmortem.id), by).where(PostmortemVersion.publication == 1)
    query = query.options(selectinload(Postmortem.links).selectinload(PostmortemIncident.incident))
    rows = session.execute(query.where(Postmortem.team_id == team.id) if team else query)
    return {found.id: (found, at) for found, at in rows}


def _by_incident(first: Iterable[tuple[Postmortem, datetime]]) -> dict[int, list[datetime]]:
    """When the postmortems of each incident were published first."""
    published: dict[int, list[datetime]] = {}
    for found, at in first:
        for link in found.links:
            published.setdefault(link.incident_id, []).append(at)
    return published


def _in_time(over: datetime, published: Iterable[datetime]) -> bool:
    """Whether one of an incident's postmortems was published within five working days of its end."""
    return any(rules.working_days(over.date(), at.date()) <= WORKING_DAYS for at in published)


def _days(found: Postmortem, at: datetime) -> float | None:
    """From the last end of its incidents to its first publication."""
    over = max((one.resolved_at for one in found.incidents if one.resolved_at), default=None)
    return max(0.0, (at - over).total_seconds() / 86400) if over else None


def _items(by: Actor, team: Team | None, start: date, end: date) -> tuple[int, int, list[dict[str, Any]]]:
    """How many were due in the period and done by then; and what is left now, by team."""
    query = item_queries.visible(by)
    found = list(session.scalars(item_queries.filtered(query, {"team": team.key}) if team else query))
    due = [one for one in found if start <= one.due_on <= end and one.state != "cancelled"]
    done = [one for one in due if one.done_at is not None and one.done_at.date() <= one.due_on]
    left: dict[str, dict[str, Any]] = {}
    today = clock.now().date()
    for one in (one for one in found if one.state in rules.LEFT):
        owner = one.postmortem.team
        row = left.setdefault(owner.key if owner else "", {
            "team": owner.key if owner else None, "name": owner.name if owner else "no team", "open": 0, "overdue": 0})
        row["open"] += 1
        row["overdue"] += one.due_on < today
    return len(due), len(done), sorted(left.values(), key=lambda row: (-row["overdue"], -row["open"], row["name"]))


def _recurring(by: Actor, team: Team | None, start: date, end: date) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Services and tags by the number of postmortems begun in the period that are about them."""
    since, until = _span(start, end)
    query = queries.visible(select(Postmortem), by).where(Postmortem.created_at >= since, Postmortem.created_at < until)
    query = query.options(selectinload(Postmortem.links).selectinload(PostmortemIncident.incident).selectinload(
        Incident.service))
    services: Counter[str] = Counter()
    tags: Counter[str] = Counter()
    for found in session.scalars(query.where(Postmortem.team_id == team.id) if team else query):
        hit = {one.service.key: one.service for one in found.incidents if one.service}
        services.update(set(hit))
        tags.update({tag for one in hit.values() for tag in one.tags})
    return ([{"service": key, "postmortems": number} for key, number in _top(services)],
            [{"tag": tag, "postmortems": number} for tag, number in _top(tags)])


def _top(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]


def _months(severe: Sequence[Any], in_time: set[int]) -> list[dict[str, Any]]:
    """The incidents of each month, and those with a postmortem in time; the oldest month first."""
    months: dict[str, dict[str, Any]] = {}
    for one in severe:
        name = f"{one.resolved_at:%Y-%m}"
        row = months.setdefault(name, {"month": name, "incidents": 0, "in_time": 0})
        row["incidents"] += 1
        row["in_time"] += one.id in in_time
    return [months[name] for name in sorted(months)]
