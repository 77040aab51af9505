"""A route as it is typed, asked of the last deliveries: what would go elsewhere. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.catalog.models import Service
from app.core.db import session
from app.core.errors import Invalid, Problem
from app.identity.models import Team
from app.ingest import credentials, opening, pipeline, readers, route_store, routing, rules
from app.ingest.models import Delivery, Route
from app.ingest.opening import Case
from app.plugin_api import Rejected, Signal

LAST, SIGNALS, SHOWN = 100, 20, 50


@dataclass(frozen=True)
class Change:
    """A signal that would go otherwise; `before` and `after` in words."""

    delivery: int
    integration: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Trial:
    """What came of asking: how many deliveries and signals, how many the route fits, and what would change."""

    deliveries: int
    signals: int
    fits: int
    changes: list[Change]
    more: int


def trial(values: Mapping[str, Any], route: Route | None) -> Trial:
    """The typed route beside the saved table, over the last 100 deliveries that can be read. Raises Invalid."""
    saved, drafted, place = _tables(values, route)
    found = session.scalars(select(Delivery).where(Delivery.state == "processed").order_by(Delivery.id.desc()).limit(LAST)
                            .options(undefer(Delivery.body))).all()
    batches: dict[int, pipeline.Batch] = {}
    signals = fits = 0
    changes: list[Change] = []
    for delivery in found:
        batch = batches.setdefault(delivery.integration_id, pipeline.begin(delivery.integration))
        for signal in _signals(delivery):
            signals += 1
            before, after = (_case(signal, delivery, batch, table) for table in (saved, drafted))
            fits += place in after.ruling.matched
            if (said := (_words(before, batch), _words(after, batch)))[0] != said[1]:
                changes.append(Change(delivery.id, delivery.integration.key, after.read.title, *said))
    return Trial(len(found), signals, fits, changes[:SHOWN], max(0, len(changes) - SHOWN))


def _tables(values: Mapping[str, Any], route: Route | None) -> tuple[routing.Table, routing.Table, int]:
    """The table as it is, the table with the typed route in its place, and that place."""
    routes = route_store.all_routes()
    kept = [routing.rule(route_store.route_document(one), one.id) for one in routes]
    try:
        typed = routing.rule(values)
    except ValueError as fault:
        message, path = (*fault.args, "when")[:2]
        raise Invalid(problems=[Problem(str(path), str(message))]) from None
    place = next((at for at, one in enumerate(routes) if route is not None and one.id == route.id), len(kept))
    return routing.table(kept), routing.table([*kept[:place], typed, *kept[place + 1:]]), place


def _signals(delivery: Delivery) -> Iterator[Signal]:
    plugin = readers.reader_of(delivery.integration, delivery.parts)
    if plugin is None or not delivery.body:
        return
    try:
        yield from plugin.normalize(readers.inbound_of(delivery),
                                    credentials.config_of(delivery.integration, plugin))[:SIGNALS]
    except Rejected:
        return


def _case(signal: Signal, delivery: Delivery, batch: pipeline.Batch, table: routing.Table) -> Case:
    read = pipeline.reading(signal, delivery, batch.integration)
    said = routing.fields(read, integration=batch.integration.key, plugin=batch.integration.plugin, raw=signal.raw)
    return Case(delivery, read, said, routing.judge(table, read, said, delivery.received_at), table)


def _words(case: Case, batch: pipeline.Batch) -> str:
    """Where it goes and how, as people compare it."""
    then = case.ruling.then
    if then.suppress:
        return "opens nothing"
    chosen = opening.decide(case, batch.integration, batch.places)
    changed = [f"{name} {value}" for name, value in (
        ("severity", case.read.severity if case.read.severity != case.original.severity else ""),
        ("urgency", then.urgency),
        ("key", case.read.key if case.read.key != case.original.key else ""),
        ("wait", f"{then.delay} s" if then.delay else "")) if value]
    return ", ".join([_name(chosen), *changed])


def _name(chosen: rules.Decision) -> str:
    if chosen.service_id is not None:
        return session.get_one(Service, chosen.service_id).name
    return f"team {session.get_one(Team, chosen.team_id).name}" if chosen.team_id is not None else "the catch-all"
