"""Reads on services: one by key, what depends on what, and the contexts of the pages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, String, cast, func, or_, select
from sqlalchemy.orm import selectinload

from app.catalog import noise
from app.catalog.models import Service, ServiceDependency
from app.catalog.rules import LIFECYCLES
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, NotFound
from app.core.events import Event, sentence
from app.core.paging import paged
from app.core.panels import panels
from app.identity.models import Team
from app.identity.queries import allow, may, may_anywhere, visible_teams

SHOWN_BY_DEFAULT = ("active", "deprecated")


@dataclass(frozen=True)
class Directory:
    """The page of all services. `columns` come from higher domains: each has `heading`, `template`, `cells`."""

    services: list[Service]
    next: str | None
    total: int
    text: str
    team: str
    lifecycle: str
    tag: str
    team_choices: list[tuple[str, str]]
    may_add: bool
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """The filters that are on: parameter, word for people, value."""
        team = dict(self.team_choices).get(self.team, self.team)
        said = (("q", "Text", self.text), ("team", "Team", team), ("lifecycle", "Lifecycle", self.lifecycle),
                ("tag", "Tag", self.tag))
        return [entry for entry in said if entry[2]]

    def url(self, without: str = "", **more: str) -> str:
        """The address of this list, without one filter, or with something more."""
        said = {"q": self.text, "team": self.team, "lifecycle": self.lifecycle, "tag": self.tag, **more}
        kept = {name: value for name, value in said.items() if value and name != without}
        return f"/services?{urlencode(kept)}" if kept else "/services"


@dataclass(frozen=True)
class Change:
    """What somebody changed, as a sentence."""

    text: str
    at: datetime


@dataclass(frozen=True)
class ServicePage:
    """One service: what it stands on, who stands on it, how it came to be so."""

    service: Service
    needs: list[Service]
    needed_by: list[Service]
    changes: list[Change]
    may_edit: bool
    may_page: bool
    panels: dict[str, Any] = field(default_factory=dict)


def service_by_key(key: str) -> Service | None:
    """The service with this routing key, in any letter case."""
    return session.scalar(select(Service).where(func.lower(Service.key) == key.lower()))


def services_by_keys(keys: Iterable[str]) -> dict[str, Service]:
    """Those services that exist, by their key in lower case."""
    wanted = {key.lower() for key in keys}
    if not wanted:
        return {}
    return {service.key.lower(): service
            for service in session.scalars(select(Service).where(func.lower(Service.key).in_(wanted)))}


def service_for(key: str, by: Actor, action: str = "team.read") -> Service:
    """The service, if this person may do `action` with it. Raises NotFound, also for what is hidden; Forbidden."""
    service = service_by_key(key)
    if service is None:
        raise NotFound
    allow(by, action, team_id=service.team_id)
    return service


def allow_somewhere(by: Actor) -> None:
    """Raise Forbidden unless there is a team for which this person may edit services."""
    if not may_anywhere(by, "service.edit"):
        raise Forbidden("Your role does not include this.")


def visible(query: Select[Any], by: Actor) -> Select[Any]:
    """Only services of teams this person may see."""
    teams = visible_teams(by)
    return query if teams is None else query.where(Service.team_id.in_(teams))


def service_document(service: Service) -> dict[str, Any]:
    """The service as the configuration document writes it, without its policy, which escalation knows."""
    needs = sorted(edge.depends_on.key for edge in service.dependencies)
    return {"key": service.key, "name": service.name, "description": service.description, "team": service.team.key,
            "tags": list(service.tags), "lifecycle": service.lifecycle, "depends_on": needs,
            "noise": noise.document(service.noise)}


def all_services(by: Actor) -> list[Service]:
    """Every service this person may see, with team and dependencies loaded, by key."""
    query = select(Service).options(selectinload(Service.team), selectinload(Service.dependencies).selectinload(
        ServiceDependency.depends_on))
    return list(session.scalars(visible(query, by).order_by(Service.key)))


def dependency_edges() -> dict[int, set[int]]:
    """Every "depends on", as service id → ids of what it needs. Archived services count."""
    edges: dict[int, set[int]] = defaultdict(set)
    for service, needs in session.execute(select(ServiceDependency.service_id, ServiceDependency.depends_on_id)):
        edges[service].add(needs)
    return edges


def _like(text: str) -> str:
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _tagged(tag: str, *, whole: bool) -> ColumnElement[bool]:
    """Tags as JSON text: SQLite keeps other letters than ASCII escaped, PostgreSQL as they are."""
    quoted = {json.dumps(tag), json.dumps(tag, ensure_ascii=False)}
    words = quoted if whole else {word[1:-1] for word in quoted}
    return or_(*(cast(Service.tags, String).ilike(_like(word), escape="\\") for word in words))


def _filtered(query: Select[Any], args: Mapping[str, str]) -> Select[Any]:
    lifecycle = args.get("lifecycle", "")
    states = (lifecycle,) if lifecycle in LIFECYCLES else SHOWN_BY_DEFAULT
    query = query.where(Service.lifecycle.in_(states)) if lifecycle != "all" else query
    if args.get("team"):
        query = query.where(Service.team_id.in_(select(Team.id).where(Team.key == args["team"])))
    if args.get("tag"):
        query = query.where(_tagged(args["tag"], whole=True))
    if text := args.get("q", "").strip():
        pattern = _like(text)
        fields = (Service.name, Service.key, Service.description)
        query = query.where(or_(_tagged(text, whole=False), *(one.ilike(pattern, escape="\\") for one in fields)))
    return query


def directory(by: Actor, args: Mapping[str, str]) -> Directory:
    """The services that `args` (team, lifecycle, tag, q, cursor) let through, by name."""
    allow(by, "team.read")
    query = _filtered(visible(select(Service), by), args)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = paged(query.options(selectinload(Service.team)), args, by=(Service.name, Service.id), show=lambda row: row)
    teams = visible_teams(by)
    choices = select(Team).where(Team.archived_at.is_(None)).order_by(Team.name)
    if teams is not None:
        choices = choices.where(Team.id.in_(teams))
    return Directory(services=found["items"], next=found["next"], total=total, text=args.get("q", ""),
                     team=args.get("team", ""), lifecycle=args.get("lifecycle", ""), tag=args.get("tag", ""),
                     team_choices=[(one.key, one.name) for one in session.scalars(choices)],
                     may_add=may_anywhere(by, "service.edit"),
                     columns=panels("services", found["items"]))


def service_page(key: str, by: Actor) -> ServicePage:
    """Everything the page of one service shows. Raises NotFound."""
    service = service_for(key, by)
    out = select(ServiceDependency.depends_on_id).where(ServiceDependency.service_id == service.id)
    back = select(ServiceDependency.service_id).where(ServiceDependency.depends_on_id == service.id)
    near = {way: list(session.scalars(visible(select(Service).where(Service.id.in_(ids)), by).order_by(Service.name)))
            for way, ids in (("needs", out), ("needed_by", back))}
    changes = session.scalars(select(Event).where(Event.subject == service.ref, Event.kind.like("service.%"))
                              .order_by(Event.id.desc()).limit(10))
    return ServicePage(service=service, needs=near["needs"], needed_by=near["needed_by"],
                       changes=[Change(sentence(event), event.at) for event in changes],
                      
                       may_edit=may(by, "service.edit", team_id=service.team_id),
                       may_page=may(by, "incident.create", team_id=service.team_id), panels=panels("service", service))


def teams_for(by: Actor) -> list[Team]:
    """The teams for which this person may edit services, by name."""
    teams = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [team for team in teams if may(by, "service.edit", team_id=team.id)]
