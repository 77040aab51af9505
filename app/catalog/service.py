"""Commands on services. Dependencies change under one lock, so that no two edits can close a cycle between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.catalog import events, rules
from app.catalog.models import Service, ServiceDependency
from app.catalog.queries import dependency_edges, service_by_key, service_document, services_by_keys
from app.core import forms
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import Problems
from app.identity.models import Team
from app.identity.queries import allow, may, team_by_key

DEPENDENCIES = "dependencies of services"
FIELDS = {"depends_on": "dependencies"}


def save_service(values: Mapping[str, Any], *, by: Actor) -> Service:
    """Create or change the service `values["key"]`; only what is named changes. Raises Invalid, Forbidden."""
    faults = Problems()
    if values.get("depends_on") is not None:
        alone(DEPENDENCIES)  # before any row is locked, so that two edits wait for each other in one order
    service = service_by_key(str(values.get("key", "")))
    if service is not None:
        service = locked(Service, service.id)
        allow(by, "service.edit", team_id=service.team_id)
    clean = _checked(values, service, faults)
    team = _owner(values, service, by, faults)
    faults.raise_if_any()
    service = _changed(service, clean, team, by) if service else _created(clean, team, by)
    if values.get("depends_on") is not None:
        set_dependencies({service.key: values["depends_on"]}, by=by, plain_fields=True)
    return service


def set_dependencies(wanted: Mapping[str, Sequence[str]], *, by: Actor, plain_fields: bool = False) -> None:
    """Make the named services depend on exactly the services given, all at once: key → keys.

    Raises Invalid with `checkout.depends_on[1]` for each fault (`depends_on[1]` with `plain_fields`).
    """
    alone(DEPENDENCIES)
    known = services_by_keys([*wanted, *(key for keys in wanted.values() for key in keys)])
    faults, targets = Problems(), {}
    for key, keys in wanted.items():
        allow(by, "service.edit", team_id=known[key.lower()].team_id)
        at = faults if plain_fields else faults.at(key)
        targets[key] = [known.get(one.lower()) or at.add(f"depends_on[{position}]", f"There is no service {one}")
                        for position, one in enumerate(keys)]
        if len(set(targets[key])) > rules.MOST_OUT:
            at.add("depends_on", f"A service may depend on at most {rules.MOST_OUT} others")
    faults.raise_if_any()
    edges = dependency_edges()
    for key in wanted:
        edges[known[key.lower()].id] = set()
    for key, services in targets.items():
        _add_edges(edges, known[key.lower()], services, by, faults if plain_fields else faults.at(key))
    faults.raise_if_any()
    for key in wanted:
        _store_edges(known[key.lower()], edges[known[key.lower()].id], by)


def _add_edges(edges: dict[int, set[int]], service: Service, needs: Sequence[Any], by: Actor, at: Problems) -> None:
    """Add each edge to the picture, or say which cycle it would close."""
    for position, other in enumerate(needs):
        closed = rules.cycle(edges, service.id, other.id)
        if closed:
            at.add(f"depends_on[{position}]", f"This would close a cycle: {_path_in_words(closed, by)}")
        elif sum(other.id in out for out in edges.values()) >= rules.MOST_IN and other.id not in edges[service.id]:
            at.add(f"depends_on[{position}]", f"More than {rules.MOST_IN} services would depend on {other.key}")
        else:
            edges[service.id].add(other.id)


def _path_in_words(path: list[int], by: Actor) -> str:
    named = {service.id: service for service in session.scalars(select(Service).where(Service.id.in_(path)))}
    return " → ".join(named[step].key if may(by, "team.read", team_id=named[step].team_id)
                      else "a service you cannot see" for step in path)


def _store_edges(service: Service, needs: set[int], by: Actor) -> None:
    present = {edge.depends_on_id for edge in session.scalars(
        select(ServiceDependency).where(ServiceDependency.service_id == service.id))}
    if present == needs:
        return
    before = service_document(service)
    session.execute(delete(ServiceDependency).where(
        ServiceDependency.service_id == service.id, ServiceDependency.depends_on_id.in_(present - needs)))
    session.add_all(ServiceDependency(service_id=service.id, depends_on_id=other) for other in sorted(needs - present))
    session.flush()
    session.expire(service, ["dependencies"])
    _tell(service, before, by)


def remove_service(service: Service, *, by: Actor, confirmed: bool = False) -> Service:
    """Archive it: routing stops with the next signal, history stays. Raises Conflict while others depend on it."""
    service = locked(Service, service.id) or service
    allow(by, "service.edit", team_id=service.team_id)
    standing = session.scalars(select(Service.key).join(
        ServiceDependency, ServiceDependency.service_id == Service.id).where(
        ServiceDependency.depends_on_id == service.id, Service.lifecycle != "archived").order_by(Service.key)).all()
    if standing and not confirmed:
        raise Conflict(f"{', '.join(standing)} depend on {service.key}", {"dependents": list(standing)})
    return save_service({"key": service.key, "lifecycle": "archived"}, by=by)


def _checked(values: Mapping[str, Any], service: Service | None, faults: Problems) -> dict[str, Any]:
    """The clean values of the plain columns that are named."""
    clean: dict[str, Any] = {}
    if service is None:
        clean["key"] = faults.take("key", rules.check_service_key, values.get("key"))
    if "name" in values or service is None:
        clean["name"] = faults.take("name", forms.check_text, values.get("name", ""), least=2, most=100, label="Name")
    if "description" in values:
        clean["description"] = faults.take("description", forms.check_text, values["description"] or "", most=2000)
    if "tags" in values:
        clean["tags"] = faults.take("tags", forms.tags, values["tags"])
    if "lifecycle" in values:
        clean["lifecycle"] = faults.take("lifecycle", _lifecycle, values["lifecycle"], service=service)
    return clean


def _lifecycle(text: object, *, service: Service | None) -> str:
    wanted = forms.one_of(text, rules.LIFECYCLES)
    return rules.check_move(service.lifecycle, wanted) if service else wanted


def _owner(values: Mapping[str, Any], service: Service | None, by: Actor, faults: Problems) -> Team | None:
    """The owning team after the change; its archived state matters for what becomes active."""
    if "team" not in values:
        if service is None:
            faults.add("team", "A service needs an owner")
        return service.team if service else None
    team = team_by_key(str(values["team"]))
    if team is None or (team.archived_at is not None and (service is None or team.id != service.team_id)):
        faults.add("team", f"There is no team {values['team']}")
        return None
    allow(by, "service.edit", team_id=team.id)
    return team


def _created(clean: dict[str, Any], team: Team | None, by: Actor) -> Service:
    service = Service(**clean, team=team)
    try:
        with session.begin_nested():
            session.add(service)
    except IntegrityError:
        raise Conflict(f"There is a service {clean['key']} already") from None
    record(events.CREATED, service.ref, by=by, also=["services", service.team.ref], name=service.name, before={},
           after=service_document(service))
    return service


def _changed(service: Service, clean: dict[str, Any], team: Team | None, by: Actor) -> Service:
    before = service_document(service)
    for name, value in {**clean, "team": team or service.team}.items():
        if getattr(service, name) != value:
            setattr(service, name, value)
    session.flush()
    _tell(service, before, by)
    return service


def _tell(service: Service, before: dict[str, Any], by: Actor) -> None:
    """Record what is different from `before`, if anything is."""
    after = service_document(service)
    fields = [name for name in after if after[name] != before[name]]
    if fields:
        record(events.CHANGED, service.ref, by=by, also=["services", service.team.ref], name=service.name,
               fields=[FIELDS.get(name, name) for name in fields], before={name: before[name] for name in fields},
               after={name: after[name] for name in fields})


def used_by(team: Team) -> int:
    """How many services that are not archived this team owns."""
    return session.scalar(select(func.count()).select_from(Service).where(
        Service.team_id == team.id, Service.lifecycle != "archived")) or 0
