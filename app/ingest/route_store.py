"""The stored routes: reading, compiling, saving, ordering, counting."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from app.catalog.models import Service
from app.catalog.queries import service_by_key
from app.core import clock
from app.core.access import Actor
from app.core.db import alone, db, session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_text, duration, duration_text, time_zone
from app.identity.queries import allow, visible_teams
from app.incidents.rules import SEVERITIES
from app.ingest import events, routing
from app.ingest.models import Route, RouteHits

MOST, LONGEST_DELAY, DAYS = 1000, 3600, 30
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
ORDER = "order of routes"


def all_routes() -> list[Route]:
    """The table in its order."""
    return list(session.scalars(select(Route).order_by(Route.position, Route.id)))


def table() -> routing.Table:
    """All routes, compiled."""
    return routing.table(routing.rule(route_document(one), one.id) for one in all_routes())


def route_by_name(name: str) -> Route | None:
    """The route of this name, in any letter case."""
    return session.scalar(select(Route).where(func.lower(Route.name) == name.strip().lower()))


def route_document(route: Route) -> dict[str, Any]:
    """The route as the configuration document writes it."""
    then = {**({"service": route.service.key} if route.service else {}), **route.then}
    return {"name": route.name, "when": dict(route.when), "then": then, "continue": route.goes_on}


def visible(by: Actor) -> Select[Any]:
    """The routes in their order, but those to services of teams that `by` may not know of."""
    query, teams = select(Route).order_by(Route.position, Route.id), visible_teams(by)
    if teams is None:
        return query
    return query.where(Route.service_id.is_(None) | Route.service_id.in_(select(Service.id).where(
        Service.team_id.in_(teams))))


def save_route(values: Mapping[str, Any], *, by: Actor) -> Route:
    """Create the route at the end of the table, or change it where it stands. Raises Invalid."""
    allow(by, "route.edit")
    alone(ORDER)
    route = route_by_name(str(values.get("name", "")))
    before = route_document(route) if route else None
    whole = {**(before or {"when": {}, "then": {}, "continue": False}), **values}
    service = _check(whole)
    if route is None:
        last = session.scalar(select(func.max(Route.position))) or 0
        route = Route(name=str(values["name"]).strip(), position=last + 1)
        session.add(route)
    route.when, route.then, route.goes_on = dict(whole["when"] or {}), _then(whole["then"]), bool(whole["continue"])
    route.service, route.service_id = service, service.id if service else None
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise Conflict(f"There is a route {route.name} already") from None
    after = route_document(route)
    if after != before:
        record(events.ROUTE_CREATED if before is None else events.ROUTE_CHANGED, route.ref, by=by, also=["routes"],
               name=route.name, before=before, after=after)
    return route


def _then(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Without what says nothing, so that the same route is always written the same."""
    then = {name: value for name, value in (given or {}).items() if value not in (None, "", False, {}) and name != "service"}
    if "delay" in then:
        then["delay"] = duration_text(duration(then["delay"]))
    return {name: value for name, value in then.items() if value != "0m"}


def _check(values: Mapping[str, Any]) -> Service | None:
    """The service that the route names. Raises Invalid."""
    faults = Problems()
    name = faults.take("name", check_text, values.get("name"), least=1, most=100, label="A name")
    if name and "/" in name:
        faults.add("name", "A name has no slash, since it stands in addresses")
    then = values.get("then") or {}
    service = service_by_key(str(then["service"])) if then.get("service") else None
    if then.get("service") and service is None:
        faults.add("then.service", f"There is no service {then['service']}")
    if then.get("severity") and then["severity"] not in SEVERITIES:
        faults.add("then.severity", f"A severity is one of {', '.join(SEVERITIES)}")
    delay = faults.take("then.delay", duration, then["delay"]) if then.get("delay") else 0
    if delay and delay > LONGEST_DELAY:
        faults.add("then.delay", "The first page may wait 60 minutes at most")
    when = values.get("when") or {}
    for one in ("from", "to"):
        if when.get(one) and not CLOCK.fullmatch(str(when[one])):
            faults.add(f"when.{one}", "Write a time like 22:00")
    if when.get("time_zone"):
        faults.take("when.time_zone", time_zone, when["time_zone"])
    if len(then.get("labels") or {}) > 20 or len(str(then.get("dedup_key") or "")) > 300:
        faults.add("then", "At most 20 labels, and a key of at most 300 characters")
    if not _then_says(then):
        faults.add("then", "Say what the route does: a service, a severity, an urgency, labels, a key, a delay or suppress")
    faults.raise_if_any()
    try:
        routing.rule(values)
    except ValueError as fault:
        raise Invalid(problems=[Problem(fault.args[1] if len(fault.args) > 1 else "when", str(fault.args[0]))]) from None
    return service


def _then_says(then: Mapping[str, Any]) -> bool:
    return any(value for name, value in then.items() if name != "override")


def remove_route(route: Route, *, by: Actor) -> None:
    """Take it out of the table; the others keep their order."""
    allow(by, "route.edit")
    before, ref, name = route_document(route), route.ref, route.name
    session.delete(route)
    session.flush()
    record(events.ROUTE_DELETED, ref, by=by, also=["routes"], name=name, before=before)


def order_routes(names: Sequence[str], *, by: Actor) -> bool:
    """Put the named routes first, in this order, all at once; the others follow as they were. Says whether it changed."""
    allow(by, "route.edit")
    alone(ORDER)
    present = all_routes()
    places = {one.name.lower(): at for at, one in enumerate(present)}
    wanted = [name.strip().lower() for name in names]
    unknown = [Problem(f"names[{at}]", f"There is no route {names[at]}") for at, name in enumerate(wanted)
               if name not in places]
    if unknown or len(set(wanted)) != len(wanted):
        raise Invalid(problems=unknown or [Problem("names", "A route is named twice")])
    chosen = [present[places[name]] for name in wanted]
    after = [*chosen, *(one for one in present if one.name.lower() not in set(wanted))]
    if after == present:
        return False
    for at, one in enumerate(after, 1):
        one.position = at
    session.flush()
    record(events.ROUTES_ORDERED, "routes", by=by, before=[one.name for one in present],
           after=[one.name for one in after])
    return True


def move_route(route: Route, step: int, *, by: Actor) -> bool:
    """One place up (-1) or down (1); at the end of the table nothing changes."""
    names = [one.name for one in all_routes()]
    at = names.index(route.name)
    if not 0 <= at + step < len(names):
        return False
    names[at], names[at + step] = names[at + step], names[at]
    return order_routes(names, by=by)


def count(matched: Counter[int], suppressed: Counter[int]) -> None:
    """Add to today's counts, in the order of ids, so that two writers never wait for each other in a circle."""
    maker = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    known = set(session.scalars(select(Route.id).where(Route.id.in_(matched))))
    for key in sorted(known):
        row = maker(RouteHits.__table__).values(route_id=key, day=f"{clock.now():%Y-%m-%d}", number=matched[key],
                                                suppressed=suppressed[key])
        session.execute(row.on_conflict_do_update(index_elements=["route_id", "day"], set_={
            "number": RouteHits.__table__.c.number + row.excluded.number,
            "suppressed": RouteHits.__table__.c.suppressed + row.excluded.suppressed}))


def hits() -> dict[int, tuple[int, int]]:
    """By route: how often it fitted in 30 days, and how often it suppressed."""
    since = f"{clock.now() - timedelta(days=DAYS):%Y-%m-%d}"
    rows = session.execute(select(RouteHits.route_id, func.sum(RouteHits.number), func.sum(RouteHits.suppressed))
                           .where(RouteHits.day > since).group_by(RouteHits.route_id))
    return {key: (int(number), int(suppressed)) for key, number, suppressed in rows}
