"""Reads on incidents: one by number, filtered lists with counters, timelines, and what machines get to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import alone, db, session
from app.core.errors import Invalid, NotFound, Problem
from app.core.events import KINDS, Event, sentence
from app.core.forms import number_of
from app.core.panels import panels
from app.identity.models import Membership, Team, User
from app.identity.queries import allow, visible_teams
from app.incidents.filters import Filters
from app.incidents.models import Alert, Counter, Incident, Responder
from app.incidents.searching import contains as contains
from app.incidents.searching import incident_says, spread

NAMED = 2000


def next_number_query(counter: type[Counter]) -> Any:
    """The statement that gives out the next incident number; two at once wait for each other."""
    insert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    statement = insert(counter).values(name="incident", value=1)
    return statement.on_conflict_do_update(index_elements=["name"], set_={"value": counter.value + 1}).returning(
        counter.value)


def no_number_query(counter: type[Counter]) -> Any:
    """The statement after which there is a row to lock, also where no number was given out yet."""
    insert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    return insert(counter).values(name="incident", value=0).on_conflict_do_nothing(index_elements=["name"])


def involved(incident: Incident, by: Actor) -> bool:
    """Whether this person was paged for, assigned to or requested on the incident."""
    if by.user_id is None:
        return False
    return session.scalar(select(exists().where(Responder.incident_id == incident.id,
                                                Responder.user_id == by.user_id))) or False


def asked_elsewhere(by: Actor) -> bool:
    """Whether this person is on an incident of a team that they are not in."""
    mine = select(Membership.team_id).where(Membership.user_id == by.user_id)
    return session.scalar(select(exists().where(Responder.user_id == by.user_id, Responder.incident_id == Incident.id,
                                                Incident.team_id.not_in(mine)))) or False


def just_opened(title: str, service: Service | None, team: Team | None, *, by: Actor) -> Incident | None:
    """What this person opened under this title for these within the last ten seconds: a form sent twice."""
    alone(f"open by {by.ref}")
    owner = team or (service.team if service else None)
    return session.scalar(select(Incident).where(
        Incident.opened_by == by.ref, Incident.title == title, Incident.opened_at > clock.now() - timedelta(seconds=10),
        Incident.service_id.is_not_distinct_from(service.id if service else None),
        Incident.team_id.is_not_distinct_from(owner.id if owner else None)).order_by(Incident.id.desc()).limit(1))


def incident_for(number: int | str, by: Actor) -> Incident:
    """The incident, if this person may see it. Raises NotFound, also for what is hidden."""
    incident = session.get(Incident, number_of(number))
    if incident is None:
        raise NotFound
    allow(by, "incident.read", team_id=incident.team_id, involved=involved(incident, by))
    return incident


def visible(query: Select[Any], by: Actor) -> Select[Any]:
    """Only incidents of teams this person may see, of no team, or that they were asked about."""
    teams = visible_teams(by)
    if teams is None:
        return query
    asked = exists().where(Responder.incident_id == Incident.id, Responder.user_id == by.user_id)
    return query.where(or_(Incident.team_id.is_(None), Incident.team_id.in_(teams), asked))


def filtered(query: Select[Any], filters: Filters) -> Select[Any]:
    """`query` narrowed to the filters; repeated values mean "or", different filters "and"."""
    if filters.status:
        query = query.where(_in_state(filters))
    for column, values in ((Incident.severity, filters.severity), (Incident.urgency, filters.urgency)):
        if values:
            query = query.where(column.in_(values))
    if filters.team:
        query = query.where(Incident.team_id.in_(select(Team.id).where(Team.key.in_(filters.team))))
    if filters.service:
        query = query.where(Incident.service_id.in_(select(Service.id).where(
            func.lower(Service.key).in_([key.lower() for key in filters.service]))))
    if filters.assignee:
        named = select(Responder.incident_id).join(User).where(Responder.kind == "assignee",
                                                               User.email.in_(filters.emails))
        query = query.where(Incident.id.in_(named))
    query = _in_time(query, filters)
    if filters.found is not None:
        return query.where(Incident.id.in_(filters.found))
    return _with_text(query, filters) if filters.text else query


def looked_up(filters: Filters, by: Actor) -> Filters:
    """With the numbers of all that hold the text, read once for a page that needs them several times; without them when
    they are too many to name."""
    told = replace(filters, spread=spread(filters.text) if filters.text else "")
    if not told.text or told.spread == "many":
        return told
    query = filtered(visible(select(Incident.id), by), replace(told, status=(), resolved=False))
    numbers = tuple(session.scalars(query.limit(NAMED + 1)))
    return replace(told, found=numbers if len(numbers) <= NAMED else None)


def _in_state(filters: Filters) -> ColumnElement[bool]:
    """Snoozed incidents are triggered ones that wait; where they stand `apart`, triggered means the others.
    Written so that the index on the state serves every combination."""
    states, snoozed = set(filters.status), Incident.snoozed_until.is_not(None)
    sleeping = "snoozed" in states
    plain = Incident.status.in_(sorted(states - {"snoozed"}))
    if sleeping and "triggered" not in states:
        return or_(plain, and_(Incident.status == "triggered", snoozed))
    return and_(plain, ~snoozed) if filters.apart and "triggered" in states and not sleeping else plain


def midnight() -> datetime:
    """When today began, in UTC."""
    return clock.now().replace(hour=0, minute=0, second=0, microsecond=0)


def _in_time(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.since:
        query = query.where(Incident.opened_at >= filters.since)
    if filters.until:
        query = query.where(Incident.opened_at < filters.until)
    return query.where(Incident.resolved_at >= midnight()) if filters.resolved else query


def _with_text(query: Select[Any], filters: Filters) -> Select[Any]:
    text, number = filters.text, number_of(filters.text.removeprefix("#"))
    if number and text.startswith("#"):
        return query.where(Incident.id == number)
    how_many = spread(text) if filters.spread is None else filters.spread
    return query.where(incident_says(text, number, how_many))


def check_known(filters: Filters, by: Actor) -> None:
    """Raise Invalid for a team, service or person that does not exist or is hidden: no empty list by surprise."""
    teams = visible_teams(by)
    problems: list[Problem] = []
    for noun, given, column, owner in (
            ("team", filters.team, Team.key, Team.id),
            ("service", tuple(key.lower() for key in filters.service), func.lower(Service.key), Service.team_id),
            ("assignee", filters.emails, User.email, None)):
        found = dict(session.execute(select(column, owner if owner is not None else column)
                                     .where(column.in_(given))).all()) if given else {}
        problems += [Problem(noun, f"There is no {noun} {one}") for one in given
                     if one not in found or (owner is not None and teams is not None and found[one] not in teams)]
    if problems:
        raise Invalid(problems=problems)


def last_resolved(by: Actor) -> Incident | None:
    """The incident that ended last, for "nothing is open"."""
    ended = visible(select(Incident), by).where(Incident.resolved_at.is_not(None))
    return session.scalars(ended.order_by(Incident.resolved_at.desc()).limit(1)).first()


def timeline(incident: Incident, *, after: int = 0, limit: int = 200) -> list[Event]:
    """Its entries, oldest first by commit."""
    shown = [kind.name for kind in KINDS.values() if kind.timeline]
    return list(session.scalars(select(Event).where(
        Event.subject == incident.ref, Event.kind.in_(shown), Event.id > after).order_by(Event.id).limit(limit)))


def alerts_of(incident: Incident, *, limit: int = 50) -> list[Alert]:
    """Its alerts, newest first."""
    return list(session.scalars(select(Alert).where(Alert.incident_id == incident.id)
                                .order_by(Alert.id.desc()).limit(limit)))


def similar(incident: Incident, by: Actor, *, limit: int = 5) -> list[Incident]:
    """Earlier resolved incidents of the same service and title, newest first."""
    return list(session.scalars(visible(select(Incident), by).where(
        Incident.id < incident.id, Incident.status == "resolved", Incident.title == incident.title,
        Incident.service_id.is_not_distinct_from(incident.service_id)).order_by(Incident.id.desc()).limit(limit)))


def entry_document(event: Event) -> dict[str, Any]:
    """A timeline or audit entry as machines get it."""
    kind, _, key = event.actor.partition(":")
    return {"id": str(event.id), "at": clock.rfc3339(event.at), "kind": event.kind,
            "actor": {"kind": kind, "id": key, "name": event.actor_name}, "subject": event.subject,
            "text": sentence(event), "data": event.data}


def state_of(incident: Incident) -> dict[str, Any]:
    """Status and who is behind it, for a refusal."""
    return {"status": incident.status, "acknowledged_by": incident.acknowledged_name,
            "resolved_by": incident.resolved_name, "version": incident.version}


def incident_document(incident: Incident) -> dict[str, Any]:
    """The incident as machines get it (CONTRACT.md)."""
    return incident_documents([incident])[0]


def incident_documents(incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    """The same of many, for which the higher domains are asked once."""
    from_higher = panels("incident_documents", incidents)
    return [_document(one, {name: found[one.id] for name, found in from_higher.items()}) for one in incidents]


def _document(incident: Incident, from_higher: Mapping[str, Any]) -> dict[str, Any]:
    service, team = incident.service, incident.team
    return {
        "id": str(incident.id), "number": incident.id, "title": incident.title, "description": incident.description,
        "status": incident.status, "severity": incident.severity, "urgency": incident.urgency,
        "priority": incident.priority, "service": {"key": service.key, "name": service.name} if service else None,
        "team": {"key": team.key, "name": team.name} if team else None,
        "assignees": [{"email": user.email, "name": user.name} for user in incident.assignees],
        "alert_count": incident.alert_count, "labels": incident.labels, "route": incident.route,
        "opened_at": clock.rfc3339(incident.opened_at), "acknowledged_at": clock.rfc3339(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_name, "resolved_at": clock.rfc3339(incident.resolved_at),
        "resolved_by": incident.resolved_name, "resolution_note": incident.resolution_note,
        "snoozed_until": clock.rfc3339(incident.snoozed_until), "merged_into": incident.merged_into_id,
        "roles": {role.name: {"email": role.user.email, "name": role.user.name} for role in incident.roles},
        "update_due_at": clock.rfc3339(incident.update_due_at), "former": incident.former_id, "test": incident.test,
        **from_higher, "url": link(incident), "version": incident.version,
    }


def link(incident: Incident) -> str:
    """Its absolute address."""
    return f"{current_app.config['BASE_URL']}/incidents/{incident.id}"
