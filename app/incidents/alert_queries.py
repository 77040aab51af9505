"""Reads on alerts: one by id, and lists narrowed by what the address says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, union_all
from sqlalchemy.orm import joinedload, undefer
from werkzeug.datastructures import MultiDict

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.paging import paged
from app.identity.models import Team
from app.identity.queries import visible_teams
from app.incidents import filters
from app.incidents.models import INTEGRATIONS, Alert, Incident, Responder
from app.incidents.queries import NAMED, number_of
from app.incidents.searching import alert_says, alone, among, labelled, lasted_long


def alert_for(key: str, by: Actor) -> Alert:
    """The alert, if this person may see it. Raises NotFound, also for what is hidden."""
    number = number_of(key)
    found = session.scalar(visible(select(Alert), by).where(Alert.id == number)) if number else None
    if found is None:
        raise NotFound
    return found


def visible(query: Select[Any], by: Actor) -> Select[Any]:
    """Only alerts of incidents and services this person may see."""
    teams = visible_teams(by)
    query = query.options(joinedload(Alert.service), undefer(Alert.integration))
    if teams is None:
        return query
    asked = select(Responder.incident_id).where(Responder.user_id == by.user_id)
    mine = _belongs(Incident.team_id.is_(None), Incident.team_id.in_(teams), Incident.id.in_(asked))
    services = session.scalars(select(Service.id).where(Service.team_id.in_(teams)))
    senders = session.scalars(select(INTEGRATIONS.c.id).where(or_(
        INTEGRATIONS.c.team_id.is_(None), INTEGRATIONS.c.team_id.in_(teams))))
    return query.where(or_(mine, alone() & or_(among(Alert.service_id, services, "s"), Alert.service_id.is_(None) & among(
        Alert.integration_id, senders, "i"))))


def _belongs(*kinds: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the alert's incident is one of these kinds. Their numbers are named while they are few: then the database
    knows that hardly an alert is looked for, and finds it by them."""
    few = union_all(*(select(Incident.id).where(kind) for kind in kinds)).limit(NAMED + 1)
    found = list(session.scalars(few))
    if len(found) <= NAMED:
        return Alert.incident_id.in_(found)
    return exists().where(Incident.id == Alert.incident_id, or_(*kinds))


def alerts(by: Actor, args: MultiDict[str, str]) -> Select[Any]:
    """The alerts that status, severity, team, service, integration, incident, paged, label, q, from and to let through.

    Raises Invalid for values that mean nothing.
    """
    wanted = filters.read_alerts(args)
    query = visible(select(Alert), by)
    if wanted.status:
        query = query.where(among(Alert.status, wanted.status))
    if wanted.severity:
        query = query.where(among(Alert.severity, wanted.severity))
    if wanted.integration:
        senders = _ids(INTEGRATIONS.c.id, INTEGRATIONS.c.key, wanted.integration)
        query = query.where(among(Alert.integration_id, senders, "i"))
    if wanted.incident:
        query = query.where(Alert.incident_id.in_([number_of(value) for value in wanted.incident]))
    if wanted.paged is not None:
        query = query.where(alone(not wanted.paged))
    for name, value in wanted.labels:
        query = query.where(labelled(name, value))
    if wanted.service:
        query = query.where(among(Alert.service_id, _ids(Service.id, func.lower(Service.key), [
            key.lower() for key in wanted.service]), "s"))
    if wanted.team:
        query = query.where(_belongs(Incident.team_id.in_(_ids(Team.id, Team.key, wanted.team))))
    if wanted.since:
        query = query.where(Alert.last_seen >= wanted.since, *_unended(wanted.since))
    if wanted.until:
        query = query.where(Alert.first_seen < wanted.until)
    return query.where(alert_says(wanted.text)) if wanted.text else query


def listed(by: Actor, args: MultiDict[str, str], show: Callable[[Alert], Any] | None = None) -> dict[str, Any]:
    """A page of them, the newest first, each as `show` has it, else for machines. Raises Invalid."""
    walk, until = select(Alert.first_seen, Alert.id), filters.read_alerts(args).until
    return paged(alerts(by, args), args, by=(Alert.first_seen, Alert.id), descending=True, show=show or alert_document,
                 walk=walk.where(Alert.first_seen < until) if until else walk)


def _unended(since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Says what an alert that was seen after `since` fulfils anyway, in words for which there are indexes; one on
    `last_seen` would make each repeat of an alert dear. Clocks of two machines may differ by a minute. Hardly an alert
    lasts longer than a day: those that do have an index of their own, so the others began within the day before."""
    firing, ended = Alert.status == "firing", Alert.resolved_at >= since - timedelta(minutes=1)
    return firing | ended, or_(firing, Alert.first_seen >= since - timedelta(days=1, minutes=1), ended & lasted_long())


def _ids(id_: Any, key: Any, keys: Sequence[str]) -> list[int]:
    """The ids of what has these keys: numbers, by which the database knows how many rows to expect."""
    return list(session.scalars(select(id_).where(key.in_(keys))))


def alert_document(alert: Alert) -> dict[str, Any]:
    """The alert as machines get it (CONTRACT.md)."""
    return {
        "id": str(alert.id), "dedup_key": alert.dedup_key, "status": alert.status, "severity": alert.severity,
        "title": alert.title, "body": alert.body, "url": alert.url, "count": alert.count,
        "first_seen": clock.rfc3339(alert.first_seen), "last_seen": clock.rfc3339(alert.last_seen),
        "resolved_at": clock.rfc3339(alert.resolved_at), "service": alert.service.key if alert.service else None,
        "incident": str(alert.incident_id) if alert.incident_id else None,
        "integration": alert.integration, "labels": alert.labels,
        "notes": alert.notes,
    }
