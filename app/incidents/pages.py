"""What the list of incidents shows: rows by urgency, exact counters, filters as they stand in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import MultiDict

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.panels import panels
from app.identity.models import Team, User
from app.identity.queries import allow, may, may_anywhere, visible_teams
from app.incidents import bulk, filters, queries, views
from app.incidents.filters import Filters
from app.incidents.models import BulkMove, Incident, Responder, SavedView
from app.incidents.queries import (
    check_known,
    filtered,
    last_resolved,
    midnight,
    number_of,
    visible,
)
from app.incidents.rules import SEVERITIES

ROWS = (25, 50, 100)
OPEN = ("triggered", "acknowledged", "snoozed")
NAMES = {"q": "Text", "from": "From", "to": "Until"}
Arguments = list[tuple[str, str]]


@dataclass
class Counters:
    """How many of the whole filtered set are in each state, and the times worth knowing beside them."""

    triggered: int = 0
    acknowledged: int = 0
    snoozed: int = 0
    resolved: int = 0
    oldest: datetime | None = None
    back_at: datetime | None = None

    @property
    def open(self) -> int:
        """All that is not resolved."""
        return self.triggered + self.acknowledged + self.snoozed


@dataclass(frozen=True)
class Done:
    """What the last press did to many: in words, what was refused, and until when it can be taken back."""

    id: int
    text: str
    refused: list[str]
    undo: bool


@dataclass(frozen=True)
class IncidentList:
    """The page of all incidents. `groups` are (urgency, number in all, rows); urgency is "" where rows stand ungrouped."""

    filters: Filters
    counters: Counters
    arguments: Arguments
    incidents: list[Incident]
    groups: list[tuple[str, int, list[Incident]]]
    actable: set[int]
    next: str
    may_create: bool
    choices: dict[str, list[tuple[str, str]]]
    last: Incident | None = None
    problems: list[str] = field(default_factory=list)
    views: list[tuple[str, str, bool, None]] = field(default_factory=list)
    view: SavedView | None = None
    teams: list[tuple[str, str]] = field(default_factory=list)
    done: Done | None = None
    panels: dict[str, Any] = field(default_factory=dict)
    home: Callable[[], dict[str, Any]] = dict  # asked for with the whole page only

    def url(self, **changes: str | Sequence[str] | None) -> str:
        """The address of this list with other filters; None removes one. The cursor never stays."""
        kept = [(name, value) for name, value in self.arguments if name not in changes and name not in ("cursor", "done")]
        for name, value in changes.items():
            kept += [(name, one) for one in ([value] if isinstance(value, str) else value or [])]
        return "/incidents" + (f"?{urlencode(kept)}" if kept else "")

    @property
    def query(self) -> str:
        """As a saved view keeps it."""
        return self.url(view=None).partition("?")[2]

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Each filter in words, and the address without it."""
        named: dict[str, list[str]] = {}
        for name, value in self.arguments:
            if name in ("severity", "urgency", "team", "service", "assignee", "q", "from", "to") and value:
                named.setdefault(name, []).append(value)
        return [(f"{NAMES.get(name, name.capitalize())}: {', '.join(values)}", self.url(**{name: None}))
                for name, values in named.items()]


def incident_list(by: Actor, args: MultiDict[str, str]) -> IncidentList:
    """The list that the address asks for. A value that means nothing is named, and the list then stays empty; but a
    saved view goes on without it."""
    allow(by, "incident.read")
    told: list[str] = []
    try:
        wanted = _wanted(args, by)
    except Invalid as invalid:
        told = [problem.message for problem in invalid.problems]
        bad = {problem.field for problem in invalid.problems}
        args = MultiDict([(name, value) for name, value in args.items(multi=True) if name not in bad])
        if "view" not in args:
            return _refused(by, [(name, value) for name, value in args.items(multi=True)], told)
        told, wanted = [f"{one}; the view is shown without it" for one in told], _wanted(args, by)
    arguments = [(name, value) for name, values in args.lists() for value in values]
    wanted = queries.looked_up(replace(wanted, apart=True, status=wanted.status or OPEN), by)
    grouped = "sort" not in args and "resolved" not in wanted.status
    size = number_of(args.get("limit", "")) if number_of(args.get("limit", "")) in ROWS else ROWS[0]
    rows = _rows(wanted, by, grouped=grouped, cursor=_cursor(args.get("cursor", "")), limit=size + 1)
    more, rows = len(rows) > size, rows[:size]
    found = IncidentList(
        filters=wanted, counters=_counters(by, wanted), arguments=arguments, incidents=rows,
        groups=_groups(rows, wanted, by) if grouped else [("", 0, rows)], next="",
        actable={one.id for one in rows if _may_act(one, by)}, may_create=may_anywhere(by, "incident.create"),
        choices=choices(by), last=None if rows else last_resolved(by), panels=panels("incidents", rows), problems=told,
        home=lambda: panels("home", by), **_own(by, args))
    return replace(found, next=found.url(cursor=_mark(rows[-1], grouped))) if more else found


def _wanted(args: MultiDict[str, str], by: Actor) -> Filters:
    wanted = filters.read(args)
    check_known(wanted, by)
    return wanted


def _own(by: Actor, args: MultiDict[str, str]) -> dict[str, Any]:
    """What of the page is the reader's own: saved views, and what their last press did."""
    saved, shown = views.views(by) if by.user_id is not None else [], number_of(args.get("view", ""))
    user = session.get(User, by.user_id) if by.user_id is not None else None
    mine = [one.team for one in user.memberships if one.role != "observer"] if user else []
    return {"views": [(one.name, views.address(one), one.id == shown, None) for one in saved],
            "view": next((one for one in saved if one.id == shown), None),
            "teams": [(team.key, team.name) for team in mine if team.archived_at is None], "done": _done(by, args)}


def _done(by: Actor, args: MultiDict[str, str]) -> Done | None:
    move = session.get(BulkMove, number_of(args.get("done", "")))
    if move is None or move.user_id != by.user_id or move.undone_at is not None:
        return None
    until = bulk.undo_until(move)
    if clock.now() - move.at > timedelta(minutes=5):
        return None
    word = bulk.WORDS[move.what]
    return Done(move.id, f"{len(move.done)} {word}", [f"#{one['id']}: {one['reason']}" for one in move.refused],
                until is not None and clock.now() < until)


def _refused(by: Actor, arguments: Arguments, problems: list[str]) -> IncidentList:
    return IncidentList(filters=Filters(status=OPEN), counters=_counters(by, Filters()), arguments=arguments,
                        incidents=[], groups=[], actable=set(), next="", choices=choices(by), problems=problems,
                        may_create=may_anywhere(by, "incident.create"))


def _may_act(incident: Incident, by: Actor) -> bool:
    asked = any(responder.user_id == by.user_id for responder in incident.responders)
    return may(by, "incident.act", team_id=incident.team_id, involved=asked)


def _cursor(text: str) -> tuple[str, int] | None:
    """`low.142` or `.142`: urgency and number of the last row seen."""
    urgency, _, number = text.rpartition(".")
    return (urgency, number_of(number)) if number_of(number) and urgency in ("", "high", "low") else None


def _mark(row: Incident, grouped: bool) -> str:
    return f"{row.urgency if grouped else ''}.{row.id}"


def _rows(wanted: Filters, by: Actor, *, grouped: bool, cursor: tuple[str, int] | None, limit: int) -> list[Incident]:
    """By urgency (high before low, as the words sort), then newest; or by number alone."""
    query = filtered(visible(select(Incident), by), wanted).options(
        selectinload(Incident.service), selectinload(Incident.team),
        selectinload(Incident.responders).selectinload(Responder.user))
    oldest = wanted.sort == "oldest"
    order: list[Any] = [Incident.id if oldest else Incident.id.desc()]
    if grouped:
        order.insert(0, Incident.urgency)
    if cursor:
        urgency, number = cursor
        behind = Incident.id > number if oldest else Incident.id < number
        query = query.where(or_(Incident.urgency > urgency, and_(Incident.urgency == urgency, behind))
                            if grouped and urgency else behind)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def _groups(rows: Iterable[Incident], wanted: Filters, by: Actor) -> list[tuple[str, int, list[Incident]]]:
    base = filtered(visible(select(Incident.urgency), by), wanted).subquery()
    numbers: dict[str, int] = {urgency: number for urgency, number in session.execute(
        select(base.c.urgency, func.count()).group_by(base.c.urgency))}
    groups: dict[str, list[Incident]] = {}
    for row in rows:
        groups.setdefault(row.urgency, []).append(row)
    return [(urgency, numbers.get(urgency, len(some)), some) for urgency, some in groups.items()]


def _counters(by: Actor, wanted: Filters) -> Counters:
    """Counts of the whole filtered set, whatever the state asked for."""
    apart: Select[Any] = filtered(visible(select(Incident), by), replace(wanted, status=(), resolved=False))
    snoozed = Incident.snoozed_until.is_not(None)
    rows = session.execute(apart.where(Incident.status.in_(("triggered", "acknowledged"))).with_only_columns(
        Incident.status, snoozed, func.count(), func.min(Incident.acknowledged_at), func.min(Incident.snoozed_until))
        .group_by(Incident.status, snoozed))
    found = Counters()
    for status, is_snoozed, number, oldest, back_at in rows:
        name = "snoozed" if is_snoozed else status
        setattr(found, name, getattr(found, name) + number)
        found.oldest, found.back_at = oldest or found.oldest, back_at or found.back_at
    resolved = apart.where(Incident.resolved_at >= midnight())
    found.resolved = session.scalar(resolved.with_only_columns(func.count())) or 0
    return found


def choices(by: Actor) -> dict[str, list[tuple[str, str]]]:
    """What the filter form offers; at most 200 of each, the address takes any."""
    teams = visible_teams(by)
    some_teams = select(Team.key, Team.name).where(Team.archived_at.is_(None)).order_by(Team.name).limit(200)
    services = select(Service.key, Service.name).where(Service.lifecycle != "archived").order_by(Service.name).limit(200)
    if teams is not None:
        some_teams, services = some_teams.where(Team.id.in_(teams)), services.where(Service.team_id.in_(teams))
    open_ones = select(Responder.user_id).join(Incident).where(Responder.kind == "assignee", Incident.status != "resolved")
    people = select(User.email, User.name).where(User.id.in_(open_ones)).order_by(User.name).limit(50)
    found = {name: [(key, label) for key, label in session.execute(query)]
             for name, query in (("team", some_teams), ("service", services), ("assignee", people))}
    return {**found, "severity": [(one, one.capitalize()) for one in SEVERITIES],
            "urgency": [("high", "High"), ("low", "Low")],
            "status": [(one, one.capitalize()) for one in filters.STATUSES]}
