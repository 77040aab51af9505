"""Whether something stands in shadow, and reads on what did not leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, String, column, or_, select, table
from sqlalchemy.orm import joinedload

from app.catalog.models import Service
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, NotFound, Problem
from app.core.events import Event
from app.core.shadow import WHOLE, Shadow, active, covering, standing
from app.identity.models import Team
from app.identity.queries import visible_teams
from app.incidents.models import Alert, Incident
from app.shadow.models import Unsent

SAID = ("page", "post", "webhook")  # what an incident itself would have said
INTEGRATIONS = table("integrations", column("id", Integer), column("key", String), column("name", String),
                     column("team_id", Integer))


def of_incident(incident: Incident, since: datetime | None = None) -> Shadow | None:
    """The shadow that an incident stands in: of the system, its team, its service, or of every integration that its
    alerts came by; one that ended while it was open still counts until somebody lets it page."""
    if incident.test:  # a person asked for it
        return None
    if incident.silenced_by is not None:
        return session.get(Shadow, incident.silenced_by)
    found = standing(since)
    if not found:
        return None
    return next((found[ref] for ref in refs_of(incident) if ref in found), None) or _of_senders(incident, found)


def refs_of(incident: Incident) -> tuple[str, str, str]:
    """The scopes that an incident stands in, its senders apart."""
    return WHOLE, f"team:{incident.team_id}", f"service:{incident.service_id}"


def _of_senders(incident: Incident, found: Mapping[str, Shadow]) -> Shadow | None:
    """One integration that is live is enough to be heard."""
    if not any(ref.startswith("integration:") for ref in found):
        return None
    senders = set(session.scalars(select(Alert.integration_id).where(Alert.incident_id == incident.id).distinct()))
    theirs = [found.get(f"integration:{sender}") for sender in senders]
    return theirs[0] if theirs and all(theirs) else None


def unheard(incident: Incident) -> bool:
    """Whether its shadow left it silent when it ended, or what it said since it was triggered was held back."""
    if incident.silenced_by is not None:
        return True
    own = or_(Shadow.ref.in_(refs_of(incident)), Shadow.ref.startswith("integration:"))
    held = select(Unsent.id).join(Shadow).where(
        Unsent.incident_id == incident.id, Unsent.at >= incident.triggered_at, Unsent.kind.in_(SAID), own)
    return session.scalar(held.limit(1)) is not None


def of(scope: str, since: datetime | None = None) -> Shadow | None:
    """The same of a reference: `incident:42`, `team:3`, or "" for what concerns the whole system alone."""
    incident = _incident(scope)
    return of_incident(incident, since) if incident is not None else covering((scope,), since)


def _incident(scope: str) -> Incident | None:
    noun, _, key = scope.partition(":")
    return session.get(Incident, int(key)) if noun == "incident" and key.isdecimal() else None


def team_of(scope: str) -> int | None:
    """Whose team's a reference is: what is said of it, only those who may see the team see."""
    noun, _, key = scope.partition(":")
    incident = _incident(scope)
    return incident.team_id if incident is not None else int(key) if noun == "team" else None


def of_team(team_id: int | None, since: datetime | None = None) -> Shadow | None:
    """The same of what is a team's, or everybody's (None)."""
    return covering((f"team:{team_id}",), since)


def of_event(event: Event, since: datetime) -> Shadow | None:
    """The same of a fact: of its incident, else of all that it concerns."""
    if event.subject.startswith("incident:"):
        return of(event.subject, since)
    return covering((event.subject, *event.also), since)


def hushed(event: Event) -> bool:
    """Whether plugins that listen hear nothing of it."""
    return of_event(event, event.at) is not None


def visible(by: Actor) -> list[Shadow]:
    """What is in shadow now, without private teams that are none of theirs."""
    teams = visible_teams(by)
    return [one for one in active() if teams is None or one.team_id is None or one.team_id in teams]


def unsent(by: Actor, args: Mapping[str, str]) -> Select[Any]:
    """What did not leave, as far as they may see it: of a time (`from`, `to`), a person, an incident, or a kind. Raises
    Invalid."""
    teams, query = visible_teams(by), select(Unsent).options(
        joinedload(Unsent.user), joinedload(Unsent.incident), joinedload(Unsent.shadow))
    if teams is not None:
        query = query.where(or_(Unsent.team_id.is_(None), Unsent.team_id.in_(teams)))
    for name, compare in (("from", Unsent.at.__ge__), ("to", Unsent.at.__lt__)):
        if args.get(name):
            query = query.where(compare(_instant(name, args[name])))
    for name, place in (("user", Unsent.user_id), ("incident", Unsent.incident_id), ("shadow", Unsent.shadow_id)):
        text = args.get(name, "")
        if text:
            query = query.where(place == (int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1))
    if args.get("kind"):
        query = query.where(Unsent.kind == args["kind"])
    return query


def _instant(name: str, text: str) -> datetime:
    try:
        return clock.parse_instant(text)
    except ValueError:
        raise Invalid(problems=[Problem(name, "Write a time such as 2026-03-01T00:00:00Z")]) from None


def shadow_document(shadow: Shadow) -> dict[str, Any]:
    """A shadow, for machines."""
    scope, _, _ = shadow.ref.partition(":")
    return {"id": str(shadow.id), "scope": scope, "ref": shadow.ref, "name": shadow.name, "reason": shadow.reason,
            "since": clock.rfc3339(shadow.since), "by": shadow.by_name, "ended_at": clock.rfc3339(shadow.ended_at),
            "ended_by": shadow.ended_by_name}


def unsent_document(one: Unsent) -> dict[str, Any]:
    """One thing that did not leave, for machines."""
    return {"id": str(one.id), "at": clock.rfc3339(one.at), "kind": one.kind, "channel": one.channel, "whom": one.name,
            "user": one.user.email if one.user else None, "reason": one.reason,
            "incident": str(one.incident_id) if one.incident_id else None,
            "title": one.incident.title if one.incident else None, "shadow": one.shadow.name}


def open_in(shadow: Shadow) -> list[Incident]:
    """The open incidents that a shadow keeps silent, the newest first."""
    query = select(Incident).where(Incident.status != "resolved", Incident.silenced_by.is_(None), ~Incident.test)
    noun, _, key = shadow.ref.partition(":")
    if noun == "integration":
        query = query.where(Incident.id.in_(select(Alert.incident_id).where(Alert.integration_id == int(key))))
    elif noun in ("team", "service"):
        query = query.where((Incident.team_id if noun == "team" else Incident.service_id) == int(key))
    found, on = session.scalars(query.order_by(Incident.id.desc())), standing()
    return [one for one in found if noun != "integration" or _of_senders(one, on)]


def silent() -> list[Incident]:
    """Open incidents whose shadow has ended and that nobody let page."""
    return list(session.scalars(select(Incident).where(
        Incident.silenced_by.is_not(None), Incident.status != "resolved").order_by(Incident.id.desc())))


def withheld(once: str) -> bool:
    """Whether this is listed as not sent."""
    return session.scalar(select(Unsent.id).where(Unsent.once == once)) is not None


def choices() -> list[tuple[str, str]]:
    """What can be put in shadow, as (scope, in words): the system, then teams, services and integrations in use."""
    services = select(Service.key, Service.name).where(Service.lifecycle != "archived").order_by(Service.key)
    teams = select(Team.key, Team.name).where(Team.archived_at.is_(None)).order_by(Team.key)
    senders = select(INTEGRATIONS.c.key, INTEGRATIONS.c.name).order_by(INTEGRATIONS.c.key)
    return [(WHOLE, "The whole system"), *(
        (f"{noun}:{key}", f"{noun.capitalize()} {name or key}") for noun, query in (
            ("team", teams), ("service", services), ("integration", senders)) for key, name in session.execute(query))]


def shadow_for(key: str) -> Shadow:
    """The shadow of this id. Raises NotFound."""
    found = session.get(Shadow, int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else None
    if found is None:
        raise NotFound
    return found


def health(_subject: None = None) -> dict[str, Any]:
    """The scopes in shadow, for readiness, which everybody may ask: no names."""
    found = [one.ref for one in active()]
    return {"shadow": found} if found else {}


def in_words() -> list[str]:
    """The same with names and reasons."""
    return [f"{one.name} since {clock.rfc3339(one.since)}: {one.reason}" for one in active()]
