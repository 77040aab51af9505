"""Reads on connections, and their settings as actions need them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from app.connections.models import Connection
from app.core import secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.plugins import Registry
from app.identity import queries as identity
from app.identity.queries import allow, visible_teams
from app.plugin_api import Action


def actions() -> dict[str, Action]:
    """The actions of plugins that are switched on, by slug."""
    registry: Registry = current_app.extensions["plugins"]
    return {slug: action for slug, action in sorted(registry.actions.items()) if registry.is_on("action", slug)}


def action_of(connection: Connection) -> Action:
    """The verb it serves. Raises NotFound when its plugin is gone or off."""
    found = actions().get(connection.action)
    if found is None:
        raise NotFound(f"The plugin of {connection.name} is not installed, or switched off")
    return found


def connection_by_key(key: str) -> Connection | None:
    """The connection of this key."""
    return session.scalar(select(Connection).where(Connection.key == key.lower()))


def connection_for(key: str, by: Actor, action: str = "connection.read") -> Connection:
    """One by key, if the person may do `action` with it. Raises NotFound or Forbidden."""
    found = connection_by_key(key)
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def visible(by: Actor) -> Select[Any]:
    """The connections that this person may know of, by name."""
    teams, query = visible_teams(by), select(Connection).options(joinedload(Connection.team)).order_by(
        func.lower(Connection.name), Connection.id)
    return query if teams is None else query.where(Connection.team_id.in_(teams) | Connection.team_id.is_(None))


def usable(action: str, team_id: int | None) -> list[Connection]:
    """The connections with which things of this team (None: global ones) may do `action`: the team's own, and
    everybody's."""
    own = or_(Connection.team_id.is_(None), Connection.team_id == team_id)
    return list(session.scalars(select(Connection).where(Connection.action == action, own).order_by(
        Connection.team_id.is_(None), Connection.name)))


def ticket_makers(team_id: int | None) -> list[Connection]:
    """The connections with which tickets can be made for this team."""
    return [one for slug, action in actions().items() if "ticket" in action.can for one in usable(slug, team_id)]


def settings_of(connection: Connection) -> dict[str, Any]:
    """What its action gets: every field, secrets opened."""
    action = action_of(connection)
    return {field.name: secrets.open_(value, bound_to=f"connection:{connection.key}/{field.name}")
            if field.secret and secrets.is_sealed(value) else value
            for field in action.fields if (value := connection.config.get(field.name, field.default)) is not None}


def secret_values(connection: Connection) -> list[str]:
    """Its secrets in the clear, to be taken out of whatever is kept."""
    found = settings_of(connection)
    return [str(found[field.name]) for field in action_of(connection).fields if field.secret and found.get(field.name)]


def connection_document(connection: Connection) -> dict[str, Any]:
    """The connection as the configuration document writes it: no secret."""
    action = actions().get(connection.action)
    hidden = {field.name for field in action.fields if field.secret} if action else set(connection.config)
    return {"key": connection.key, "name": connection.name, "action": connection.action,
            "team": connection.team.key if connection.team else None,
            "config": {name: value for name, value in sorted(connection.config.items()) if name not in hidden}}


def uses(connection: Connection, by: Actor) -> list[str]:
    """Where it is used, in the words of the domains above."""
    return uses_of([connection], by)[connection.id]


def uses_of(connections: Sequence[Connection], by: Actor) -> dict[int, list[str]]:
    """The same of many, by the connection's id."""
    found = identity.uses_of("connection_used_by", connections, by)
    return {key: [use.name for use in some] for key, some in found.items()}
