"""Reads on integrations and deliveries."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, literal_column, or_, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, undefer

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.forms import duration_text, number_of
from app.core.panels import Use
from app.identity.queries import allow, visible_teams
from app.incidents.models import Alert
from app.ingest.models import UNPROCESSED, Delivery, Integration, RefusedRequest
from app.ingest.testing import HEADER as TEST_HEADER

SELF_TEST = "~self-test"  # the key of a sender that nobody can add, and that stands in no list
NO_ORIGINALS = [literal_column(f"'{state}'") for state in ("duplicate", "rejected")]  # as its index has it


def integration_by_key(key: str) -> Integration | None:
    """The integration of this key; the self-test's sender has no page and is in no document."""
    return session.scalar(select(Integration).where(Integration.key == key, Integration.key != SELF_TEST))


def integration_document(integration: Integration) -> dict[str, Any]:
    """The integration as the configuration document writes it: no token, no secret."""
    from_plugin = {name: value for name, value in integration.config.items()
                   if name not in ("signature",) and not _sealed(value)}
    found: dict[str, Any] = {
        "key": integration.key, "name": integration.name, "plugin": integration.plugin,
        "team": integration.team.key if integration.team else None,
        "service": integration.service.key if integration.service else None, "config": from_plugin}
    if integration.default_severity != "medium":
        found["default_severity"] = integration.default_severity
    if integration.expected_every is not None:
        found["expected_every"] = duration_text(integration.expected_every)
    if integration.quiet_incident:
        found["quiet_incident"] = True
    if "signature" in integration.config:
        found["signature"] = integration.config["signature"]
    return found


def _sealed(value: object) -> bool:
    return isinstance(value, str) and len(value) > 30 and value[8:9] == "." and all(
        letter in "0123456789abcdef" for letter in value[:8])


def visible(query: Select[Any], by: Actor) -> Select[Any]:
    """Only what belongs to integrations of teams this person may see, or of no team."""
    teams = visible_teams(by)
    if teams is None:
        return query
    return query.where(or_(Integration.team_id.is_(None), Integration.team_id.in_(teams)))


def named(by: Actor) -> Sequence[Any]:
    """Key, name and plugin of all that the person may see, by name."""
    query = own(by).with_only_columns(Integration.key, Integration.name, Integration.plugin)
    return session.execute(query.order_by(Integration.name, Integration.id)).all()


def integrations(by: Actor, keys: Sequence[str]) -> list[Integration]:
    """Those of these that the person may see, by name."""
    return list(session.scalars(own(by).where(Integration.key.in_(keys)).order_by(Integration.name, Integration.id)))


def own(by: Actor) -> Select[Any]:
    """What people added, not what stands behind a heartbeat."""
    query = select(Integration).options(joinedload(Integration.team), joinedload(Integration.service))
    return visible(query.where(Integration.removed_at.is_(None), Integration.plugin != "heartbeat"), by)


def integration_for(key: str, by: Actor) -> Integration:
    """One by key, if the person may see it. Raises NotFound."""
    integration = integration_by_key(key)
    if integration is None:
        raise NotFound
    allow(by, "integration.read", team_id=integration.team_id)
    return integration


def deliveries_query(by: Actor, *, integration: Integration | None = None, states: tuple[str, ...] = ()) -> Select[Any]:
    """The deliveries this person may see."""
    query = select(Delivery).join(Integration).options(contains_eager(Delivery.integration))
    query = visible(query.where(Integration.key != SELF_TEST), by)
    if integration is not None:
        query = query.where(Delivery.integration_id == integration.id)
    return query.where(Delivery.state.in_(states)) if states else query


def delivery_for(key: str, by: Actor) -> Delivery:
    """One delivery with its body, if the person may see it. Raises NotFound."""
    number = number_of(key)
    delivery = session.scalar(select(Delivery).where(Delivery.id == number).options(undefer(Delivery.body)))
    if delivery is None or delivery.integration.key == SELF_TEST:
        raise NotFound
    allow(by, "integration.read", team_id=delivery.integration.team_id)
    return delivery


def original_of(delivery: Delivery) -> int | None:
    """The id of another delivery that stands for the same key and bytes, if there is one."""
    if delivery.delivery_key is None:
        return None
    return session.scalar(select(Delivery.id).where(
        Delivery.integration_id == delivery.integration_id, Delivery.delivery_key == delivery.delivery_key,
        Delivery.body_hash == delivery.body_hash, Delivery.state.not_in(("duplicate", "rejected")),
        Delivery.id != delivery.id).limit(1))


def reusing_query(keys: list[int]) -> Select[tuple[int]]:
    """Those of these deliveries whose sender had given another body the same key before."""
    other = aliased(Delivery)
    before = select(other.id).where(
        other.integration_id == Delivery.integration_id, other.delivery_key == Delivery.delivery_key,
        other.body_hash != Delivery.body_hash, other.delivery_key.is_not(None), other.state.not_in(NO_ORIGINALS),
        other.id + 0 < Delivery.id)  # as a sum, since SQLite would go through all before it by their ids
    return select(Delivery.id).where(Delivery.id.in_(keys), before.exists())


def deliveries_of(alert: Alert) -> list[tuple[str, datetime]]:
    """Where the newest raw payloads behind an alert are shown, at most five, and when each came."""
    if alert.integration_id is None:
        return []
    told = select(Delivery.id, Delivery.received_at, Delivery.results, Integration.key).join(Integration)
    found = session.execute(told.where(
        Delivery.integration_id == alert.integration_id,
        Delivery.received_at.between(alert.first_seen - timedelta(minutes=1), alert.last_seen + timedelta(minutes=1)))
        .order_by(Delivery.id.desc()).limit(200))
    return [(f"/integrations/{key}/deliveries/{number}", at) for number, at, results, key in found
            if any(row["alert"] == alert.id for row in results)][:5]


def delivery_document(delivery: Delivery, *, whole: bool = False, headers: bool = False) -> dict[str, Any]:
    """The delivery as machines get it; `whole` adds the body (text, or base64 when it is none), `headers` the headers."""
    found: dict[str, Any] = {
        "id": str(delivery.id), "integration": delivery.integration.key, "state": delivery.state,
        "received_at": clock.rfc3339(delivery.received_at), "processed_at": clock.rfc3339(delivery.processed_at),
        "note": delivery.note, "attempts": delivery.attempts, "signature": delivery.signature,
        "duplicate_of": str(delivery.duplicate_of) if delivery.duplicate_of else None,
        "results": [{"alert": str(row["alert"]) if row["alert"] else None,
                     "incident": str(row["incident"]) if row["incident"] else None, "note": row["note"]}
                    for row in delivery.results]}
    if whole:
        found |= {"method": delivery.method, "query": delivery.query, **body_of(delivery)}
    if headers:
        found["headers"] = {name: "…" if name == TEST_HEADER else value for name, value in delivery.headers.items()}
    return found


def body_of(delivery: Delivery) -> dict[str, str]:
    """The raw body as text, or as base64 when it is not UTF-8."""
    try:
        return {"body": delivery.body.decode(), "encoding": "text"}
    except UnicodeDecodeError:
        return {"body": b64encode(delivery.body).decode(), "encoding": "base64"}


def with_inbox() -> list[int]:
    """The integrations that have deliveries to be worked on, by leaps in the index: an inbox may hold very many."""
    first = select(func.min(Delivery.integration_id).label("id")).where(UNPROCESSED).cte("waiting", recursive=True)
    following = select(func.min(Delivery.integration_id)).where(UNPROCESSED, Delivery.integration_id > first.c.id)
    found = first.union_all(select(following.scalar_subquery()).select_from(first).where(first.c.id.is_not(None)))
    return list(session.scalars(select(found.c.id).where(found.c.id.is_not(None))))


def waiting(integration: Integration) -> int:
    """How many of its deliveries are still to be worked on."""
    return session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.integration_id == integration.id, Delivery.state == "received")) or 0


def replaying(integration: Integration) -> int:
    """How many of them were replayed."""
    return session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.integration_id == integration.id, Delivery.state == "received", Delivery.replayed_by.is_not(None))) or 0


def refused(integration: Integration, *, limit: int = 20) -> list[RefusedRequest]:
    """The newest requests that were not let in."""
    return list(session.scalars(select(RefusedRequest).where(RefusedRequest.integration_id == integration.id)
                                .order_by(RefusedRequest.id.desc()).limit(limit)))


def health(_subject: None = None) -> dict[str, float]:
    """How many deliveries wait, and since when the oldest does."""
    number, oldest = session.execute(select(func.count(), func.min(Delivery.received_at)).where(
        Delivery.state == "received")).one()
    return {"inbox": number, "inbox_age_s": 0.0 if oldest is None else (clock.now() - oldest).total_seconds()}


def using_service(service: Service) -> list[Use]:
    """The integrations whose default service this is."""
    return [Use(one.name, team_id=one.team_id) for one in session.scalars(select(Integration).where(
        Integration.service_id == service.id, Integration.removed_at.is_(None)).order_by(Integration.name))]
