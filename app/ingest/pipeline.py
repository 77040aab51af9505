"""From deliveries to incidents, inside one transaction: normalise, count or open, route, page the first level."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict
from app.core.jobs import stir
from app.core.limited import limited
from app.core.log import because_of
from app.identity.models import Team
from app.incidents import alerts, service
from app.incidents.models import Alert
from app.ingest import asking, credentials, noise, opening, readers, regrouping, route_store, routing, rules, testing
from app.ingest.models import Delivery, Integration
from app.ingest.opening import Case
from app.ingest.queries import reusing_query
from app.plugin_api import Rejected, Signal


@dataclass
class Batch:
    """What is looked up once for many deliveries of one integration."""

    integration: Integration
    actor: Actor
    places: rules.Places
    table: routing.Table
    open: dict[str, Alert | None] = field(default_factory=dict)
    matched: Counter[int] = field(default_factory=Counter)
    suppressed: Counter[int] = field(default_factory=Counter)
    storms: noise.Storms = field(default_factory=noise.Storms)


def begin(integration: Integration) -> Batch:
    """Everything routing needs, in four queries."""
    services = session.execute(select(func.lower(Service.key), Service.id).join(Service.team).where(
        Service.lifecycle != "archived", Team.archived_at.is_(None)))
    tags: dict[str, list[int]] = {}
    names: dict[int, str] = {}
    for team_id, words, name, private in session.execute(select(
            Team.id, Team.tags, Team.name, Team.private).where(Team.archived_at.is_(None))):
        names[team_id] = "a private team" if private else name
        for word in words:
            tags.setdefault(word.lower(), []).append(team_id)
    places = rules.Places({key: number for key, number in services}, tags, names)
    noun = "heartbeat" if integration.plugin == "heartbeat" else "integration"
    return Batch(integration, Actor(integration.ref, f"{noun} {integration.name}", via=noun), places, route_store.table())


def process(delivery: Delivery, batch: Batch) -> None:
    """Apply one delivery's signals and write into its row what became of each."""
    work([delivery], batch)


def work(deliveries: Sequence[Delivery], batch: Batch, *, within: float = 3600) -> int:
    """Apply deliveries in their order and write into their rows what became of each signal; what they ask of the database
    is asked for all together. One at least, then as many as `within` so many seconds; says how many."""
    began, read, done = time.perf_counter(), list[Content](), 0
    for delivery in deliveries:
        read.append(_content(delivery, batch))
        if time.perf_counter() > began + within / 2 or batch.integration.former_config:  # which asks what is still open
            break
    _load_open(batch, [key for one in read for _, case in one.cases for key in case.keys])
    for done, one in enumerate(read, 1):  # noqa: B007 - it is given back
        with because_of(one.delivery.request_id):
            _apply_all(one, batch)
        if time.perf_counter() > began + within:
            break
    _note_reused([one.delivery for one in read[:done]])
    return done


@dataclass(frozen=True)
class Content:
    """A delivery, and its signals as they are read; or why it has none, as the state and the note of its row."""

    delivery: Delivery
    cases: list[tuple[Signal, Case]] = field(default_factory=list)
    state: str = "processed"
    note: str = ""


def _content(delivery: Delivery, batch: Batch) -> Content:
    integration = batch.integration
    plugin = readers.reader_of(integration, delivery.parts)
    if reason := readers.away(integration, delivery.parts):
        return Content(delivery, state="held", note=reason)
    try:
        signals = _signals(plugin, delivery, integration)
    except Rejected as fault:
        return Content(delivery, state="rejected", note=fault.reason)
    signals = [readers.by_our_id(testing.marked(signal, delivery), integration) for signal in signals]
    return Content(delivery, [(signal, judged(signal, delivery, batch)) for signal in signals])


def _signals(plugin: Any, delivery: Delivery, integration: Integration) -> list[Signal]:
    """What the delivery says, and after a change of how alerts are made what it says of those left from before."""
    config = credentials.config_of(integration, plugin)
    found: list[Signal] = limited(plugin.slug, plugin.normalize, readers.inbound_of(delivery), config)
    if not integration.former_config or plugin.slug != integration.plugin:
        return found
    known = {_key(signal) for signal in found}
    before = limited(plugin.slug, plugin.normalize, readers.inbound_of(delivery), config | integration.former_config)
    before = [signal for signal in before if _key(signal) not in known]
    left = regrouping.left(integration, [_key(signal) for signal in before])
    return [*found, *(signal for signal in before if _key(signal) in left)]


def _key(signal: Signal) -> str:
    return rules.dedup_key(signal.dedup_key or signal.title)


def _apply_all(content: Content, batch: Batch) -> None:
    delivery = content.delivery
    if content.state == "held":
        delivery.state, delivery.note = content.state, content.note
    elif content.state == "rejected":
        _done(delivery, content.state, content.note)
    else:
        delivery.results = [apply(signal, case, batch) for signal, case in content.cases]
        _done(delivery, content.state, "; ".join(dict.fromkeys(result["note"] for result in delivery.results)))


def _note_reused(deliveries: Sequence[Delivery]) -> None:
    """Say so where a sender gave another body the same key before: both count, since they are no repeats."""
    keyed = {one.id: one for one in deliveries if one.delivery_key is not None and one.state == "processed"}
    for key in session.scalars(reusing_query(list(keyed))) if keyed else ():
        keyed[key].note = "; ".join(note for note in (keyed[key].note, "key used with another body") if note)[:1000]


def _done(delivery: Delivery, state: str, note: str) -> None:
    delivery.state, delivery.note = state, note[:1000]
    delivery.processed_at, delivery.attempts = clock.now(), delivery.attempts + 1


def _load_open(batch: Batch, keys: list[str]) -> None:
    """Two queries for all keys that this batch has not met yet."""
    unknown = [key for key in dict.fromkeys(keys) if key not in batch.open]
    for start in range(0, len(unknown), 500):
        found = alerts.open_alerts(batch.integration.id, unknown[start:start + 500])
        batch.open.update({key: found.get(key) for key in unknown[start:start + 500]})


def apply(signal: Signal, case: Case, batch: Batch) -> dict[str, Any]:
    """Count, open, resolve or acknowledge what the signal is about; what became of it."""
    alert = _open_alert(case, batch)
    result = _BY_STATUS[case.read.status](case, alert, batch)
    if signal.asks:
        result["note"] = asking.apply(signal, case.read, result, batch)
    for place in case.ruling.matched:
        batch.matched[batch.table.rules[place].id] += 1
    return result


def reading(signal: Signal, delivery: Delivery, integration: Integration) -> rules.Reading:
    """The signal within our limits, before any route."""
    return rules.reading(signal, integration=integration.name, default_severity=integration.default_severity,
                         service=str(delivery.query.get("service", "")), token_hash=integration.token_hash)


def judged(signal: Signal, delivery: Delivery, batch: Batch) -> Case:
    """The signal as it is read, and what the routes make of it."""
    integration = batch.integration
    read = reading(signal, delivery, integration)
    said = routing.fields(read, integration=integration.key, plugin=integration.plugin, raw=signal.raw)
    return Case(delivery, read, said, routing.judge(batch.table, read, said, delivery.received_at), batch.table)


def _open_alert(case: Case, batch: Batch) -> Alert | None:
    """The alert that the signal is about, if it fires."""
    _load_open(batch, case.keys)
    found = (batch.open[key] for key in case.keys)
    return next((alert for alert in found if alert is not None and alert.status == "firing"), None)


def _firing(case: Case, alert: Alert | None, batch: Batch) -> dict[str, Any]:
    read, delivery = case.read, case.delivery
    report = alerts.Report(integration_id=batch.integration.id, dedup_key=read.key, severity=read.severity, title=read.title,
                           body=read.body, url=read.url, labels=read.labels, notes=read.notes, seen=delivery.received_at,
                           happened_at=min(read.happened_at, delivery.received_at) if read.happened_at else None)
    if alert is not None:
        alerts.count_again(alert, report, by=batch.actor)
        noise.fired_again(alert)
        stir(f"incident:{alert.incident_id}", "incident.alert_counted")
        if alert.incident_id is not None or case.ruling.then.suppress:
            return _result(alert, _counted(case, alert, batch) if alert.incident_id else _suppression(case, batch))
    decision = opening.decide(case, batch.integration, batch.places)
    if case.ruling.then.suppress:
        batch.open[read.key] = kept = alerts.keep_alert(report, decision.service_id)
        return _result(kept, _suppression(case, batch))
    kept, note = opening.settle(case, decision, report, alert, storms=batch.storms, by=batch.actor,
                                integration=batch.integration)
    batch.open[read.key] = kept
    return _result(kept, note)


def _counted(case: Case, alert: Alert, batch: Batch) -> str:
    """Where it was counted; an open problem stays with its service, whatever a repeat names."""
    named = next((key for key in case.read.service_keys if key.lower() in batch.places.services), "")
    moved = named and batch.places.services[named.lower()] != alert.service_id
    return f"counted on #{alert.incident_id}" + (f"; it names {named} now, and stays where it is" if moved else "")


def _suppression(case: Case, batch: Batch) -> str:
    batch.suppressed[batch.table.rules[case.ruling.matched[-1]].id] += 1
    return f"suppressed by the route {case.ruling.by}"


def _resolved(case: Case, alert: Alert | None, batch: Batch) -> dict[str, Any]:
    read = case.read
    if alert is None:
        return _result(None, "nothing open")
    if read.happened_at and alert.event_at and read.happened_at < alert.event_at:
        return _result(alert, "late: the alert has fired again since")
    if (waits := noise.recovered(alert, case.delivery.received_at)):
        return _result(alert, waits)
    batch.open[alert.dedup_key] = None
    return _result(alert, alerts.close_alert(alert, by=batch.actor, seen=case.delivery.received_at))


def _acknowledged(case: Case, alert: Alert | None, batch: Batch) -> dict[str, Any]:
    if alert is None or alert.incident is None:
        return _result(alert, "nothing open")
    try:
        service.acknowledge(alert.incident, by=batch.actor)
    except Conflict as conflict:
        return _result(alert, conflict.detail)
    return _result(alert, "acknowledged")


def _suppressed(case: Case, alert: Alert | None, batch: Batch) -> dict[str, Any]:
    return _result(alert, f"changes nothing: {case.read.title[:200]}")


_BY_STATUS = {"firing": _firing, "resolved": _resolved, "acknowledged": _acknowledged, "suppressed": _suppressed}


def _result(alert: Alert | None, note: str) -> dict[str, Any]:
    return {"alert": alert.id if alert else None, "incident": alert.incident_id if alert else None, "note": note}
