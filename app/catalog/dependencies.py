"""Commands on what depends on what. Edges change under one lock, so that no two edits can close a cycle between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select

from app.catalog import events, rules
from app.catalog.models import Service, ServiceDependency
from app.catalog.queries import dependency_edges, service_document, services_by_keys
from app.core.access import Actor
from app.core.db import alone, session
from app.core.errors import Conflict, Invalid
from app.core.events import record
from app.core.forms import Problems
from app.identity.queries import allow, may, visible_teams

DEPENDENCIES = "dependencies of services"
FIELDS = {"depends_on": "dependencies"}


def add_dependency(service: Service, other: Service, *, by: Actor) -> bool:
    """Make `service` depend on `other`; whether that is new. Raises Conflict with the path when it would close a cycle."""
    alone(DEPENDENCIES)
    allow(by, "service.edit", team_id=service.team_id)
    edges = dependency_edges()
    present = edges.get(service.id, set())
    if other.id in present:
        return False
    closed = rules.cycle(edges, service.id, other.id)
    if closed:
        path = path_in_words(closed, by)
        raise Conflict(f"This would close a cycle: {path}", {"path": path})
    _check_room(service, present, other)
    _store_edges(service, present, present | {other.id}, by)
    return True


def take_dependency(service: Service, other: Service, *, by: Actor) -> None:
    """Make `service` depend on `other` no more; nothing happens when it did not."""
    alone(DEPENDENCIES)
    allow(by, "service.edit", team_id=service.team_id)
    present = dependency_edges().get(service.id, set())
    _store_edges(service, present, present - {other.id}, by)


def _check_room(service: Service, present: set[int], other: Service) -> None:
    if len(present) >= rules.MOST_OUT:
        raise Invalid(f"{service.name} depends on {rules.MOST_OUT} services already, which is the most")
    leading = session.scalar(select(func.count()).select_from(ServiceDependency).where(
        ServiceDependency.depends_on_id == other.id)) or 0
    if leading >= rules.MOST_IN:
        raise Invalid(f"{rules.MOST_IN} services depend on {other.name} already, which is the most")


def set_dependencies(wanted: Mapping[str, Sequence[str]], *, by: Actor, plain_fields: bool = False) -> None:
    """Make the named services depend on exactly the services given, all at once: key → keys.

    Raises Invalid with `checkout.depends_on[1]` for each fault (`depends_on[1]` with `plain_fields`).
    """
    alone(DEPENDENCIES)
    known = services_by_keys([*wanted, *(key for keys in wanted.values() for key in keys)])
    faults, targets, before = Problems(), {}, dependency_edges()
    seen = visible_teams(by)
    for key, keys in wanted.items():
        service, at = known[key.lower()], faults if plain_fields else faults.at(key)
        allow(by, "service.edit", team_id=service.team_id)
        kept = before.get(service.id, set())
        targets[service.id] = _targets(keys, {name: one for name, one in known.items()
                                              if one.id in kept or seen is None or one.team_id in seen}, at)
    faults.raise_if_any()
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
                at.add(f"depends_on[{position}]", f"This would close a cycle: {path_in_words(closed, by)}")
            elif other in crowded:
                at.add(f"depends_on[{position}]", f"More than {rules.MOST_IN} services would depend on it")
            else:
                kept.add(other)
    faults.raise_if_any()


def path_in_words(path: list[int], by: Actor) -> str:
    """`A → B → A`; services that this person may not see have no name."""
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
    tell(service, before, by)


def tell(service: Service, before: dict[str, Any], by: Actor, also: Sequence[str] = ()) -> None:
    """Record what is different from `before`, if anything is; `also` are its former owners."""
    after = service_document(service)
    fields = [name for name in after if after[name] != before[name]]
    if fields:
        record(events.CHANGED, service.ref, by=by, also=["services", *{service.team.ref, *also}], name=service.name,
               fields=[FIELDS.get(name, name) for name in fields], before={name: before[name] for name in fields},
               after={name: after[name] for name in fields})
