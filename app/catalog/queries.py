"""Reads on services: one by key, what depends on what, and the contexts of the pages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
from app.core.paging import paged
from app.core.panels import Use, panels
from app.identity.models import Team
from app.identity.queries import allow, known_uses, may, may_anywhere, may_see, visible_teams

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


def service_named(key: str, by: Actor) -> Service | None:
    """The service that a body names: one that its sender may not know of is as one that is not there."""
    service = service_by_key(key)
    return service if service is not None and may_see(by, service.team_id) else None


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


def team_for(key: str, by: Actor) -> Team:
    """The team, if this person may see it. Raises NotFound."""
    team = session.scalar(select(Team).where(Team.key == key))
    if team is None or not may(by, "team.read", team_id=team.id):
        raise NotFound(f"There is no team {key}")
    return team


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
            "noise": noise.document(service.noise),
            "links": [dict(link) for link in service.links], "attributes": dict(service.attributes)}


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


def tagged(tag: str, *, whole: bool) -> ColumnElement[bool]:
    """Whether a service bears this tag, or, unless `whole`, a tag with these words in it. Tags are JSON
    text: SQLite keeps other letters than ASCII escaped, PostgreSQL as they are."""
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
        query = query.where(tagged(args["tag"], whole=True))
    if text := args.get("q", "").strip():
        pattern = _like(text)
        fields = (Service.name, Service.key, Service.description)
        query = query.where(or_(tagged(text, whole=False), *(one.ilike(pattern, escape="\\") for one in fields)))
    return query


def directory(by: Actor, args: Mapping[str, str]) -> Directory:
    """The services that `args` (team, lifecycle, tag, q, cursor) let through, by name."""
    allow(by, "team.read")
    query = _filtered(visible(select(Service), by), args)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    found = paged(query.options(selectinload(Service.team)), args, by=(Service.name, Service.id), show=lambda row: row)
    return Directory(services=found["items"], next=found["next"], total=total, text=args.get("q", ""),
                     team=args.get("team", ""), lifecycle=args.get("lifecycle", ""), tag=args.get("tag", ""),
                     team_choices=team_choices(by),
                     may_add=may_anywhere(by, "service.edit"),
                     columns=panels("services", found["items"]))


def team_choices(by: Actor) -> list[tuple[str, str]]:
    """Key and name of the teams that this person may see, by name."""
    teams = visible_teams(by)
    query = select(Team.key, Team.name).where(Team.archived_at.is_(None)).order_by(Team.name)
    rows = session.execute(query if teams is None else query.where(Team.id.in_(teams)))
    return [(key, name) for key, name in rows]


def teams_for(by: Actor) -> list[Team]:
    """The teams for which this person may edit services, by name."""
    teams = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [team for team in teams if may(by, "service.edit", team_id=team.id)]


def used(service: Service, by: Actor) -> dict[str, list[str]]:
    """What names this service now: its dependents, and what the higher domains know of."""
    standing = session.scalars(select(Service).join(
        ServiceDependency, ServiceDependency.service_id == Service.id).where(
        ServiceDependency.depends_on_id == service.id, Service.lifecycle != "archived").order_by(Service.key))
    found = {"dependents": [Use(one.key, team_id=one.team_id) for one in standing], **panels("service_used_by", service)}
    return {what: [use.name for use in known_uses(uses, by)] for what, uses in found.items()}
