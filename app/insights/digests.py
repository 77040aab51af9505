"""What a team is told of a week: its sums beside those of the week before, and what is not in order ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.identity.models import Team
from app.insights import counting, load, queries
from app.insights.filters import Filters
from app.insights.models import Digest
from app.insights.rules import share, span_words
from app.notifications.queries import reachable
from app.oncall import queries as duty
from app.oncall.models import Schedule
from app.oncall.wallclock import local_instant, wall_time
from app.postmortems.models import ActionItem, Postmortem
from app.postmortems.rules import LEFT

HOUR, LATE, AHEAD, WEEK = time(9), timedelta(hours=24), timedelta(days=14), timedelta(days=7)
"""Local time on Mondays, how late a digest may still be written, how far it looks ahead."""
UNKNOWN = "–"
LEGEND = "Ahead is the next 14 days: hours with nobody on duty, and people on duty whom nothing reaches."


@dataclass(frozen=True)
class Row:
    """One line: what, in this week, and in the one before."""

    label: str
    value: str
    before: str


@dataclass(frozen=True)
class Told:
    """A digest: `quiet` when there is nothing to tell; `ahead` is kept for the next comparison."""

    subject: str
    period: str
    rows: list[Row]
    notes: list[str]
    ahead: dict[str, float]
    quiet: bool
    legend: str = LEGEND

    @property
    def text(self) -> str:
        """As a mail says it: one line when there is nothing to tell."""
        if self.quiet:
            return f"A quiet week, {self.period}: nothing to tell."
        said = [f"{one.label}: {one.value} (the week before: {one.before})" for one in self.rows]
        return "\n".join([f"{self.period}.", "", *said, *([""] if self.notes else []), *self.notes, "", LEGEND])


def zones(teams: Sequence[int]) -> dict[int, ZoneInfo]:
    """The zone of each team, that of its first schedule; UTC without one."""
    found = {team: name for team, name in session.execute(select(Schedule.team_id, Schedule.time_zone).where(
        Schedule.archived_at.is_(None), Schedule.team_id.in_(teams)).order_by(Schedule.id.desc()))}
    return {one: ZoneInfo(found.get(one, "UTC")) for one in teams}


def monday(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the local week."""
    today = wall_time(now, zone).date()
    return today - timedelta(days=today.weekday())


def due(now: datetime, zone: ZoneInfo) -> date | None:
    """The Monday whose digest is to be written now, if it is time."""
    found = monday(now, zone)
    at = local_instant(datetime.combine(found, HOUR), zone)
    return found if at <= now < at + LATE else None


def told(team: Team, week: date, zone: ZoneInfo) -> Told:
    """What the team is told on this Monday: of the seven days before it, and of the two weeks ahead."""
    chosen = Filters(week - WEEK, week - timedelta(days=1), zone, team=team.key)
    number = queries.response(chosen, SYSTEM).incidents
    gaps, lost, notes = _ahead(team, zone)
    ahead = {"gaps": gaps, "unreachable": len(lost), "overdue": _overdue(team, wall_time(clock.now(), zone).date())}
    kept = session.scalar(select(Digest.ahead).where(Digest.team_id == team.id, Digest.week == week - WEEK)) or {}
    rows = _past(chosen) + [
        Row("Uncovered hours ahead", f"{gaps:g}", _known(kept, "gaps")),
        Row("Can't be paged ahead", str(len(lost)), _known(kept, "unreachable")),
        Row("Overdue action items", str(ahead["overdue"]), _known(kept, "overdue"))]
    quiet = not number and not any(ahead.values()) and not _load(chosen)["pages"]
    words = "nothing to tell" if quiet else f"{number} incident{'' if number == 1 else 's'}"
    period = f"{team.name}, {chosen.first} to {chosen.last} ({zone.key})"
    return Told(f"{team.name}, week of {chosen.first}: {words}", period, rows, notes + lost, ahead, quiet)


def _known(kept: dict[str, float], name: str) -> str:
    return f"{kept[name]:g}" if name in kept else UNKNOWN


def _past(chosen: Filters) -> list[Row]:
    """What is counted of both weeks."""
    (now, load_now, noise_now), (before, load_before, noise_before) = (
        (queries.response(one, SYSTEM), _load(one), counting.noise(queries.days(one, SYSTEM, "flags")))
        for one in (chosen, chosen.before))

    def noise(number: int, whole: int) -> str:
        part = share(number, whole)
        return str(number) if part is None else f"{number}, {part} %"
    return [
        Row("Incidents", str(now.incidents), str(before.incidents)),
        Row("Never acknowledged", str(now.never), str(before.never)),
        Row("Median to acknowledge", span_words(now.acknowledge.median), span_words(before.acknowledge.median)),
        Row("Median to resolve", span_words(now.resolve.median), span_words(before.resolve.median)),
        Row("Noise", noise(noise_now, now.incidents), noise(noise_before, before.incidents)),
        *(Row(label, f"{load_now[name]:g}", f"{load_before[name]:g}") for label, name in (
            ("Pages", "pages"), ("Interruptions", "interruptions"), ("Interruptions of sleep", "sleep"),
            ("Hours of duty", "hours")))]


def _load(chosen: Filters) -> dict[str, float]:
    """The team's sums; nobody by name."""
    return load.load(chosen, SYSTEM)[0].total


def _ahead(team: Team, zone: ZoneInfo) -> tuple[float, list[str], list[str]]:
    """Hours without anybody on duty, who can't be paged, and where gaps begin, in words."""
    now, hours, notes = clock.now(), 0.0, list[str]()
    people: set[int] = set()
    for one in session.scalars(duty.in_use().where(Schedule.team_id == team.id).order_by(Schedule.name)):
        found = duty.shifts(one, now, now + AHEAD)
        people.update(person for shift in found for person in shift.people)
        gaps = [(shift.start, shift.end) for shift in found if not shift.people and shift.start and shift.end]
        hours += sum((end - start).total_seconds() for start, end in gaps) / 3600
        if gaps:
            notes.append(f"Nobody is on duty in {one.name} from {wall_time(gaps[0][0], zone):%a %Y-%m-%d %H:%M}"
                         + (f", and {len(gaps) - 1} more times." if len(gaps) > 1 else "."))
    lost = sorted(person.name for person in duty.named(people - reachable(people)).values())
    return round(hours, 1), [f"{name} is on duty within two weeks and can't be paged." for name in lost], notes


def _overdue(team: Team, today: date) -> int:
    return int(session.scalar(select(func.count()).select_from(ActionItem).join(
        Postmortem, Postmortem.id == ActionItem.postmortem_id).where(
        Postmortem.team_id == team.id, ActionItem.due_on < today, ActionItem.state.in_(LEFT))) or 0)
