"""Commands on services. Dependencies change under one lock, so that no two edits can close a cycle between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.catalog import events, noise, rules
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
        service, at = known[key.lower()], faults if plain_fields else faults.at(key)
        allow(by, "service.edit", team_id=service.team_id)
        targets[service.id] = _targets(keys, known, at)
    faults.raise_if_any()
    before = dependency_edges()
    _check_graph({**before, **targets}, targets, known, by=by, faults=faults, plain_fields=plain_fields)
    by_id = {service.id: service for service in known.values()}
    for service_id, needs in targets.items():
        _store_edges(by_id[service_id], before.get(service_id, set()), set(needs), by)


def _targets(keys: Sequence[str], known: Mapping[str, Service], at: Problems) -> list[int]:
    """The ids of the services that are named, each once; faults stand at their places."""
    found = [known.get(key.lower()) for key in keys]
    for position, service in enumerate(found):
        if service is None:
            at.add(f"depends_on[{position}]", f"There is no service {keys[position]}")
    if len(set(found)) > rules.MOST_OUT:
        at.add("depends_on", f"A service may depend on at most {rules.MOST_OUT} others")
    return [service.id for service in found if service]


def _check_graph(edges: Mapping[int, Collection[int]], targets: Mapping[int, list[int]], known: Mapping[str, Service],
                 *, by: Actor, faults: Problems, plain_fields: bool) -> None:
    """Raise Invalid when the graph as a whole has a cycle or a crowd, at the lines that close it."""
    crowded = {key for key, count in Counter(there for out in edges.values() for there in out).items()
               if count > rules.MOST_IN}
    if not crowded and not rules.circular(edges):
        return
    by_id = {service.id: service for service in known.values()}
    growing: dict[int, Collection[int]] = {key: set(out) for key, out in edges.items() if key not in targets}
    for service_id, needs in targets.items():
        at = faults if plain_fields else faults.at(by_id[service_id].key)
        growing[service_id] = kept = set()
        for position, other in enumerate(needs):
            closed = rules.cycle(growing, service_id, other)
            if closed:
                at.add(f"depends_on[{position}]", f"This would close a cycle: {_path_in_words(closed, by)}")
            elif other in crowded:
                at.add(f"depends_on[{position}]", f"More than {rules.MOST_IN} services would depend on it")
            else:
                kept.add(other)
    faults.raise_if_any()


def _path_in_words(path: list[int], by: Actor) -> str:
    named = {service.id: service for service in session.scalars(select(Service).where(Service.id.in_(path)))}
    return " → ".join(named[step].key if may(by, "team.read", team_id=named[step].team_id)
                      else "a service you cannot see" for step in path)


def _store_edges(service: Service, present: set[int], needs: set[int], by: Actor) -> None:
    if present == needs:
        return
    before = service_document(service)
    if present - needs:
        session.execute(delete(ServiceDependency).where(
            ServiceDependency.service_id == service.id, ServiceDependency.depends_on_id.in_(present - needs)),
            execution_options={"synchronize_session": False})
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
    if "noise" in values:
        clean["noise"] = noise.read(values["noise"], faults.at("noise"))
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
