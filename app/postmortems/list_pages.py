"""What the list of postmortems shows: rows that fit the filters, and the incidents that are due one and have none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import selectinload

from app.catalog.models import Service
from app.catalog.queries import tagged
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.identity.models import Team
from app.identity.queries import allow, visible_teams
from app.incidents import queries as incidents
from app.incidents.models import Incident
from app.incidents.rules import SEVERITIES
from app.postmortems import forms, queries, rules
from app.postmortems.models import Postmortem, PostmortemIncident

ROWS = 25


@dataclass(frozen=True)
class PostmortemRow:
    """A line of the list."""

    postmortem: Postmortem
    severity: str
    services: list[str]
    open_items: int

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


@dataclass(frozen=True)
class IndexPage:
    """The list that the address asks for, and what is due one and has none."""

    rows: list[PostmortemRow]
    due: list[Incident]
    may_write: bool
    choices: dict[str, list[tuple[str, str]]]
    arguments: dict[str, str]
    next: str = ""

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Each filter in words, and the address without it."""
        kept = {name: value for name, value in self.arguments.items() if name != "cursor"}
        return [(f"{NAMES.get(name, name.capitalize())}: {value.replace('_', ' ')}", "/postmortems" + (
            f"?{urlencode(rest)}" if (rest := {one: text for one, text in kept.items() if one != name}) else ""))
            for name, value in kept.items()]


NAMES = {"q": "Text", "from": "From", "to": "Until"}
FILTERS = ("team", "state", "severity", "service", "tag", "from", "to", "q")


def index_page(by: Actor, args: Mapping[str, str]) -> IndexPage:
    """All postmortems that this person may read and that fit the filters, the newest first."""
    allow(by, "postmortem.read")
    arguments = {name: args[name].strip() for name in (*FILTERS, "cursor") if args.get(name, "").strip()}
    query = filtered(queries.visible(select(Postmortem), by), arguments)
    if before := incidents.number_of(arguments.get("cursor", "")):
        query = query.where(Postmortem.id < before)
    found = list(session.scalars(query.order_by(Postmortem.id.desc()).limit(ROWS + 1).options(
        selectinload(Postmortem.team), selectinload(Postmortem.owner), selectinload(Postmortem.items),
        selectinload(Postmortem.links).selectinload(PostmortemIncident.incident).selectinload(Incident.service))))
    following = urlencode({**arguments, "cursor": found[ROWS - 1].id}) if len(found) > ROWS else ""
    return IndexPage(rows=[_row(one) for one in found[:ROWS]], due=due(by), may_write=bool(forms.writing_teams(by)),
                     choices=_choices(by), arguments=arguments, next=f"/postmortems?{following}" if following else "")


def filtered(query: Select[Any], wanted: Mapping[str, str]) -> Select[Any]:
    """`query` narrowed to the filters, which all have to fit; what is no date narrows nothing."""
    if "team" in wanted:
        query = query.where(Postmortem.team_id.in_(select(Team.id).where(Team.key == wanted["team"])))
    if "state" in wanted:
        query = query.where(Postmortem.state == wanted["state"])
    of_incident = []
    if "severity" in wanted:
        of_incident.append(Incident.severity == wanted["severity"])
    for name, column in (("service", Service.key == wanted.get("service")),
                         ("tag", tagged(wanted.get("tag", ""), whole=True))):
        if name in wanted:
            of_incident.append(Incident.service_id.in_(select(Service.id).where(column)))
    if of_incident:
        query = query.where(exists().where(PostmortemIncident.postmortem_id == Postmortem.id,
                                           PostmortemIncident.incident_id == Incident.id, *of_incident))
    for name, later in (("from", False), ("to", True)):
        if (at := _day(wanted.get(name, ""))) is not None:
            query = query.where(Postmortem.created_at < at + timedelta(days=1) if later else Postmortem.created_at >= at)
    return query.where(incidents.contains(Postmortem.words, wanted["q"])) if "q" in wanted else query


def _day(text: str) -> datetime | None:
    try:
        return clock.parse_instant(text) if text else None
    except ValueError:
        return None


def _row(found: Postmortem) -> PostmortemRow:
    about = found.incidents
    services = dict.fromkeys(one.service.name for one in about if one.service)
    return PostmortemRow(found, min((one.severity for one in about), key=SEVERITIES.index, default="info"),
                         list(services), sum(item.state in rules.LEFT for item in found.items))


def due(by: Actor) -> list[Incident]:
    """Critical and high incidents of the reader's own teams that ended within 30 days and are in no postmortem."""
    teams = [one.id for one in forms.writing_teams(by)]
    linked = exists().where(PostmortemIncident.incident_id == Incident.id)
    return list(session.scalars(select(Incident).where(
        Incident.team_id.in_(teams), Incident.severity.in_(("critical", "high")), Incident.status == "resolved",
        Incident.resolved_at > clock.now() - timedelta(days=30), ~Incident.test, Incident.merged_into_id.is_(None), ~linked)
        .options(selectinload(Incident.service)).order_by(Incident.id.desc()).limit(10)))


def _choices(by: Actor) -> dict[str, list[tuple[str, str]]]:
    teams = visible_teams(by)
    some, services = select(Team).order_by(Team.name).limit(200), select(Service).order_by(Service.name).limit(300)
    if teams is not None:
        some, services = some.where(Team.id.in_(teams)), services.where(Service.team_id.in_(teams))
    found = list(session.scalars(services))
    return {"team": [(one.key, one.name) for one in session.scalars(some)],
            "state": [(one, one.replace("_", " ").capitalize()) for one in rules.STATES],
            "severity": [(one, one.capitalize()) for one in SEVERITIES], "service": [(one.key, one.name) for one in found],
            "tag": [(tag, tag) for tag in sorted({tag for one in found for tag in one.tags})]}
