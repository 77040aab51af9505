"""What is told of the fairness of a schedule: coverage, balance, each person's load, and an exchange that evens it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core import clock
from app.core.access import Actor
from app.core.panels import panels
from app.identity.models import User
from app.identity.queries import may
from app.oncall import queries, rules
from app.oncall.models import Schedule
from app.oncall.quality import Exchange, Load, Scale, balance, coverage, exchange, loads

YEAR, QUARTER = timedelta(weeks=52), timedelta(weeks=13)


@dataclass(frozen=True)
class Share:
    """One person: what they held in the last 13 weeks and will hold in the next, and how often they were paged."""

    user: User
    past: Load
    coming: Load
    pages: int
    night_pages: int


@dataclass(frozen=True)
class QualityPage:
    """The report on one schedule. `coverage` is in percent of the next 52 weeks, `balance` that of the next 13."""

    schedule: Schedule
    start: datetime
    coverage: float
    gaps: int
    balance: int
    shares: list[Share]
    proposal: Exchange | None
    people: Mapping[int, User]
    may_edit: bool
    zone: ZoneInfo

    @property
    def most(self) -> float:
        """The largest weighted hours of the next 13 weeks, for drawing."""
        return max((one.coming.weighted / timedelta(hours=1) for one in self.shares), default=0.0) or 1.0

    def says(self, at: datetime) -> str:
        """An instant in the schedule's zone."""
        local = rules.wall_time(at, self.zone)
        return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"

    def asked(self) -> dict[str, str]:
        """The form of a swap (of a request for cover, where nothing comes back) that asks for the proposal."""
        assert self.proposal is not None
        parts = {"gives": (self.proposal.given, self.proposal.giver), "takes": (self.proposal.returned, self.proposal.taker)}
        return {"reason": "Evens out the load", **{
            name: f"{self.people[owner].email}|{shift.start.isoformat()}|{shift.end.isoformat()}"
            for name, (shift, owner) in parts.items() if shift and shift.start and shift.end}}

    def wish(self, shift: rules.Shift, owner: int, taker: int) -> dict[str, str]:
        """The form of an override that makes this part of the exchange."""
        assert shift.start is not None and shift.end is not None
        starts, ends = (rules.wall_time(at, self.zone) for at in (shift.start, shift.end))
        return {"starts": f"{starts:%Y-%m-%dT%H:%M}", "ends": f"{ends:%Y-%m-%dT%H:%M}", "zone": self.zone.key,
                "people": self.people[taker].email, "replaces": self.people[owner].email, "reason": "Evens out the load"}


def hours(span: timedelta) -> float:
    """Hours with one decimal."""
    return round(span / timedelta(hours=1), 1)


def quality_page(schedule: Schedule, by: Actor) -> QualityPage:
    """The report as of now."""
    now, plan = clock.now().replace(microsecond=0), queries.plan_of(schedule)
    inactive = queries.inactive_of(plan)
    year = rules.shifts(plan, now, now + YEAR, inactive=inactive)
    past = rules.shifts(plan, now - QUARTER, now, inactive=inactive)
    coming = rules.shifts(plan, now, now + QUARTER, inactive=inactive)
    people = queries.named(queries.people_in(plan))
    wanted = sorted((one for one in people.values() if one.is_active and one.id in _holders(schedule, (past, coming))),
                    key=lambda one: (one.name, one.id))
    zones = {one.id: ZoneInfo(one.time_zone) for one in wanted}
    scale = Scale(now - QUARTER, now + QUARTER, zones, (date.fromisoformat(one.day) for one in schedule.holidays))
    before, after = loads(past, zones, scale), loads(coming, zones, scale)
    paged = panels("schedule_quality", (zones, now - QUARTER, now)).get("pages", {})
    whole = [one for one in coming if one.end != now + QUARTER]
    return QualityPage(
        schedule=schedule, start=now, coverage=100 * coverage(year), gaps=sum(not one.people for one in year),
        balance=balance([one.weighted for one in after.values()]),
        shares=[Share(one, before[one.id], after[one.id], *paged.get(one.id, (0, 0))) for one in wanted],
        proposal=exchange(whole, after, scale, after=now), people=people,
        may_edit=may(by, "schedule.edit", team_id=schedule.team_id), zone=ZoneInfo(schedule.time_zone))


def _holders(schedule: Schedule, spans: Iterable[Iterable[rules.Shift]]) -> set[int]:
    """Everybody who has a turn in the layers as they will stand, or holds a shift."""
    turns = {person for layer in queries.latest(schedule) for turn in layer.turns for person in turn}
    return turns | {person for shifts in spans for shift in shifts for person in shift.people}


def quality_document(page: QualityPage) -> dict[str, Any]:
    """The report for machines: hours with one decimal, people by e-mail address."""
    return {"at": clock.rfc3339(page.start), "coverage": round(page.coverage, 3), "gaps": page.gaps,
            "balance": page.balance, "proposal": _proposal(page),
            "people": [{"person": one.user.email, "last_13_weeks": _load(one.past), "next_13_weeks": _load(one.coming),
                        "pages": one.pages, "night_pages": one.night_pages} for one in page.shares]}


def _load(load: Load) -> dict[str, float]:
    return {name: hours(getattr(load, name)) for name in ("hours", "nights", "weekends", "holidays", "weighted")}


def _proposal(page: QualityPage) -> dict[str, Any] | None:
    found = page.proposal
    if found is None:
        return None
    spans = {"given": found.given, "returned": found.returned}
    return {"giver": page.people[found.giver].email, "taker": page.people[found.taker].email,
            **{name: {"start": clock.rfc3339(one.start), "end": clock.rfc3339(one.end)} if one else None
               for name, one in spans.items()}, "balance_before": found.before, "balance_after": found.after}
