"""Reads on webhooks, and what a delivery says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.events import Event, sentence
from app.identity.models import Team
from app.identity.queries import allow, visible_teams
from app.incidents.models import Incident
from app.incidents.queries import incident_document
from app.webhooks import rules
from app.webhooks.models import Webhook, WebhookDelivery


def webhook_by_key(key: str) -> Webhook | None:
    """The webhook of this key, in any letter case."""
    return session.scalar(select(Webhook).where(Webhook.key == key.lower()))


def webhook_for(key: str, by: Actor, action: str = "webhook.read") -> Webhook:
    """One by key, if the person may do `action` with it. Raises NotFound or Forbidden."""
    found = webhook_by_key(key)
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def visible(by: Actor) -> Select[Any]:
    """The webhooks that this person may see, by name."""
    teams, query = visible_teams(by), select(Webhook).options(joinedload(Webhook.team)).order_by(
        func.lower(Webhook.name), Webhook.id)
    return query if teams is None else query.where(Webhook.team_id.in_(teams) | Webhook.team_id.is_(None))


def webhook_document(webhook: Webhook) -> dict[str, Any]:
    """The webhook as the configuration document writes it: no secret."""
    return {"key": webhook.key, "name": webhook.name, "team": webhook.team.key if webhook.team else None,
            "url": webhook.url, "events": list(webhook.events)}


def shown_address(webhook: Webhook, *, whole: bool) -> str:
    """Where it calls; the address may itself be a secret, so only its host for those who may not change it."""
    return webhook.url if whole else f"{urlsplit(webhook.url).scheme}://{urlsplit(webhook.url).hostname}/…"


def secret_of(webhook: Webhook) -> str:
    """What signs its calls."""
    return secrets.open_(webhook.secret_sealed, bound_to=f"webhook:{webhook.key}/secret")


def in_use() -> list[Webhook]:
    """All that are switched on."""
    return list(session.scalars(select(Webhook).where(Webhook.off_at.is_(None)).order_by(Webhook.id)))


def private_teams(ids: Iterable[int]) -> set[int]:
    """Which of these teams are private."""
    wanted = set(ids)
    if not wanted:
        return set()
    return set(session.scalars(select(Team.id).where(Team.id.in_(wanted), Team.private)))


def kept_from(hooks: Iterable[int], team: Team | None) -> list[int]:
    """Those of these webhooks that hear nothing of what concerns this team, even where a policy names them."""
    concerned, private = ([team.id], [team.id] if team.private else []) if team is not None else ([], [])
    return [hook.id for hook in session.scalars(select(Webhook).where(Webhook.id.in_(hooks)).order_by(Webhook.id))
            if not rules.concerned(hook.team_id, concerned, private, named=True)]


def due(limit: int) -> list[int]:
    """Deliveries whose turn it is, oldest first."""
    return list(session.scalars(select(WebhookDelivery.id).where(
        WebhookDelivery.state == "queued", WebhookDelivery.next_at <= clock.now())
        .order_by(WebhookDelivery.next_at, WebhookDelivery.id).limit(limit)))


def delivery_document(delivery: WebhookDelivery) -> dict[str, Any]:
    """A delivery, for machines."""
    return {"id": str(delivery.id), "event": str(delivery.event_id) if delivery.event_id else None,
            "kind": delivery.kind, "state": delivery.state, "attempts": delivery.attempts, "answer": delivery.answer,
            "error": delivery.error, "created_at": clock.rfc3339(delivery.created_at),
            "next_at": clock.rfc3339(delivery.next_at) if delivery.state == "queued" else None,
            "ended_at": clock.rfc3339(delivery.ended_at)}


def deliveries_of(webhook: Webhook) -> Select[Any]:
    """All that it sent and will send."""
    return select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)


def deliveries(webhook: Webhook, limit: int = 50) -> list[WebhookDelivery]:
    """The last ones, newest first."""
    return list(session.scalars(deliveries_of(webhook).order_by(WebhookDelivery.id.desc()).limit(limit)))


def named(webhook: Webhook, event: Event) -> bool:
    """Whether a level of a policy calls this very webhook, whatever else it hears."""
    return event.kind == rules.CALLED and webhook.id in event.data["ids"]


def teams_of(event: Event) -> list[int]:
    """The teams that a fact concerns: the present one of its incident, else those that it names."""
    incident = incident_of(event)
    if incident is not None and incident.team_id:
        return [incident.team_id]
    named = (ref.partition(":") for ref in (event.subject, *event.also))
    return [int(key) for noun, _, key in named if noun == "team" and key.isdecimal()]


def incident_of(event: Event) -> Incident | None:
    """The incident that a fact is about."""
    noun, _, key = event.subject.partition(":")
    return session.get(Incident, int(key)) if noun == "incident" and key.isdecimal() else None


def body_of(event: Event) -> dict[str, Any]:
    """What a receiver is told. About an incident also the flat fields that generic receivers of alerts look for."""
    actor, _, _ = event.actor.partition(":")
    told = {"id": str(event.id), "kind": event.kind, "at": clock.rfc3339(event.at), "text": sentence(event),
            "actor": {"kind": actor, "name": event.actor_name}, "subject": event.subject, "data": event.data}
    incident = incident_of(event)
    return {**told, **_flat(incident)} if incident is not None else told


def _flat(incident: Incident) -> dict[str, Any]:
    return {"title": incident.title, "status": "resolved" if incident.status == "resolved" else "firing",
            "severity": incident.severity, "service": incident.service.key if incident.service else None,
            "dedup_key": f"incident-{incident.id}@{current_app.config['BASE_URL']}"[:300],
            "incident": incident_document(incident)}


def test_body(webhook: Webhook, at: datetime) -> dict[str, Any]:
    """What a test says."""
    return {"id": None, "kind": "webhook.tested", "at": clock.rfc3339(at), "subject": webhook.ref, "data": {},
            "actor": {"kind": "system", "name": "OnCall"}, "text": f"This is a test of the webhook {webhook.name}"}


def delivery_of(webhook: Webhook, delivery_id: int) -> WebhookDelivery:
    """One delivery of this webhook. Raises NotFound."""
    found = session.get(WebhookDelivery, delivery_id)
    if found is None or found.webhook_id != webhook.id:
        raise NotFound
    return found
