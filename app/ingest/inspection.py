"""What the page of one delivery shows: what came, how it is read, where it went and whom that pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from markupsafe import Markup
from sqlalchemy import select

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.escalation import queries as escalation
from app.escalation import targets
from app.identity.models import User
from app.identity.queries import may
from app.incidents.models import Incident
from app.incidents.queries import involved
from app.ingest import credentials, queries, raw, readers, rules, testing
from app.ingest.models import Delivery
from app.ingest.pages import Card, address_of, card, may_map
from app.plugin_api import Rejected

SIGNALS, INCIDENTS = 20, 10
log = structlog.get_logger()


@dataclass(frozen=True)
class Level:
    """Whom a level of the escalation means now; `number` counts from 1."""

    number: int
    people: list[str]
    problems: list[str]


@dataclass(frozen=True)
class Destination:
    """An incident that the delivery led to, its route, and the levels that page for it."""

    incident: Incident
    policy: str
    levels: list[Level]


@dataclass(frozen=True)
class Computed:
    """The signals as they are read now, or why they can't be."""

    signals: list[rules.Reading]
    more: int = 0
    reason: str = ""


@dataclass(frozen=True)
class DeliveryPage:
    """One delivery. Body and signals are None for those who may not see them, so are the headers."""

    delivery: Delivery
    plugin: Card
    test: str
    took: int | None
    destinations: list[Destination]
    hidden: int
    body: Markup | None
    computed: Computed | None
    headers: Mapping[str, str] | None
    curl: str
    replayed_by: str
    may_edit: bool
    may_map: bool = False
    problem: str = ""
    asked: bool = False


def delivery_page(key: str, number: int, by: Actor, *, problem: str = "", asked: bool = False) -> DeliveryPage:
    """The page of one delivery of the integration `key`. Raises NotFound."""
    found = queries.delivery_for(str(number), by)
    integration = found.integration
    if integration.key != key:
        raise NotFound
    may_see = may(by, "integration.secrets", team_id=integration.team_id)
    may_edit = may(by, "integration.edit", team_id=integration.team_id)
    shown, hidden = _destinations(found, by)
    return DeliveryPage(
        delivery=found, plugin=card(integration.plugin), test=testing.kind_of(found), took=_took(found),
        destinations=shown, hidden=hidden, body=raw.coloured(raw.body(found.body)) if may_see else None,
        computed=computed(found) if may_see else None,
        headers=queries.delivery_document(found, headers=True)["headers"] if may_edit else None,
        curl=raw.curl(found.method, address_of(integration, whole=True), found.headers, found.body)
        if may_see and integration.removed_at is None else "",
        replayed_by=_name(found.replayed_by), may_edit=may_edit and integration.removed_at is None, problem=problem,
        may_map=may_edit and may_map(integration),
        asked=asked)


def _took(delivery: Delivery) -> int | None:
    if delivery.processed_at is None:
        return None
    return max(0, round((delivery.processed_at - delivery.received_at).total_seconds() * 1000))


def _name(ref: str | None) -> str:
    """Who replayed it: people by name, others by what they are."""
    kind, _, key = (ref or "").partition(":")
    person = session.get(User, int(key)) if kind == "user" and key.isdigit() else None
    return person.name if person else ref or ""


def computed(delivery: Delivery, **instead: Any) -> Computed:
    """What the plugin reads from the stored body today; nothing is kept of it. `instead`: fields set otherwise."""
    integration = delivery.integration
    plugin = readers.reader_of(integration, delivery.parts)
    if plugin is None:
        return Computed([], reason=f"The plugin {integration.plugin} is not installed")
    try:
        signals = plugin.normalize(readers.inbound_of(delivery), credentials.config_of(integration, plugin) | instead)
    except (Rejected, secrets.Unreadable) as fault:
        return Computed([], reason=str(getattr(fault, "reason", fault)))
    except Exception as fault:  # whatever a plugin does wrong, the page of its delivery can be read
        log.exception("plugin.failed", plugin=integration.plugin, delivery_id=delivery.id)
        return Computed([], reason=f"The plugin failed: {type(fault).__name__}")
    read = [rules.reading(readers.by_our_id(testing.marked(signal, delivery), integration), integration=integration.name,
                          default_severity=integration.default_severity, service=str(delivery.query.get("service", "")),
                          token_hash=integration.token_hash) for signal in signals[:SIGNALS]]
    return Computed(read, more=len(signals) - len(read))


def _destinations(delivery: Delivery, by: Actor) -> tuple[list[Destination], int]:
    """The incidents that the reader may see, and the number of the others."""
    keys = list(dict.fromkeys(row["incident"] for row in delivery.results if row["incident"]))
    found = {one.id: one for one in session.scalars(select(Incident).where(Incident.id.in_(keys[:INCIDENTS])))}
    seen = [found[key] for key in keys if key in found and may(
        by, "incident.read", team_id=found[key].team_id, involved=involved(found[key], by))]
    return [_destination(one) for one in seen], len(keys) - len(seen)


def _destination(incident: Incident) -> Destination:
    """The levels of the run if there was one, else of the policy that would count."""
    run = escalation.latest(incident.id)
    if run is not None:
        return Destination(incident, run.policy_name, [_level(at, one) for at, one in enumerate(run.levels, 1)])
    policy = escalation.policy_for(incident.service, incident.team)
    frozen = escalation.frozen(policy) if policy else escalation.catch_all()
    return Destination(incident, frozen.name, [_level(at, one) for at, one in enumerate(frozen.levels, 1)])


def _level(number: int, level: dict[str, Any]) -> Level:
    resolved = targets.whom(level, clock.now())
    names = session.scalars(select(User.name).where(User.id.in_(resolved.people)).order_by(User.id))
    posts = list(filter(None, [targets.words(resolved)]))
    return Level(number, list(names), [*posts, *resolved.problems])
