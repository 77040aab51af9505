"""What people type on the form of a connection, as the fields of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.connections import queries
from app.connections.models import Connection
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.identity.models import Team
from app.identity.queries import may
from app.plugin_api import Action


@dataclass(frozen=True)
class ConnectionForm:
    """The form page: what stands in the fields, what can be chosen, what is wrong."""

    connection: Connection | None
    action: Action
    values: Mapping[str, Any]
    stored: frozenset[str]
    teams: list[tuple[str, str]]
    may_be_nobodys: bool
    errors: Mapping[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], action: Action, connection: Connection | None) -> dict[str, Any]:
    """The typed text as values for `save_connection`."""
    config = {one.name: form.get(f"config.{one.name}", "").strip() for one in action.fields}
    return {"key": connection.key if connection else form.get("key", "").strip(), "name": form.get("name", "").strip(),
            "action": action.slug, "team": form.get("team", ""),
            "config": {name: value for name, value in config.items() if value or not _secret(action, name)}}


def _secret(action: Action, name: str) -> bool:
    return any(one.name == name and one.secret for one in action.fields)


def shown(action: Action, connection: Connection | None, by: Actor, *, typed: Mapping[str, str] | None = None,
          invalid: Invalid | None = None) -> ConnectionForm:
    """The form with the present values, or with what was typed if it was refused."""
    teams = [team for team in session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
             if may(by, "connection.edit", team_id=team.id)]
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field, problem.message)
    return ConnectionForm(
        connection, action, typed or _present(action, connection), frozenset(connection.config if connection else ()),
        [(team.key, team.name) for team in teams], may(by, "connection.edit"), errors)


def _present(action: Action, connection: Connection | None) -> dict[str, Any]:
    if connection is None:
        return {"name": action.product, **{f"config.{one.name}": one.default for one in action.fields if one.default}}
    said = queries.connection_document(connection)
    return {**said, **{f"config.{name}": value for name, value in said["config"].items()}}
