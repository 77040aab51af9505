"""Commands on connections: save, remove, note a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.connections import events, queries
from app.connections.models import Connection
from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import record
from app.core.forms import Problems, check_key, check_text, refuse
from app.identity.queries import allow, team_named
from app.plugin_api import Action

LONGEST = 8000


def also(connection: Connection) -> list[str]:
    """Whom else an event about the connection concerns."""
    return ["connections", *([f"team:{connection.team_id}"] if connection.team_id else [])]


def add_connection(values: Mapping[str, Any], *, by: Actor) -> Connection:
    """A new one; a key that is taken is refused."""
    if queries.connection_by_key(str(values.get("key", ""))) is not None:
        raise Invalid(problems=[Problem("key", "Another connection has this key")])
    return save_connection(values, by=by)


def save_connection(values: Mapping[str, Any], *, by: Actor) -> Connection:
    """Create or change the connection of this key. What is left out of `config` stays, above all secrets."""
    problems = Problems()
    key = problems.take("key", check_key, values.get("key")) or ""
    problems.raise_if_any()
    found = queries.connection_by_key(key)
    before = queries.connection_document(found) if found else None
    connection = found or Connection(key=key, name=str(values.get("name") or key), action="", config={})
    if found is not None:
        allow(by, "connection.edit", team_id=connection.team_id)
    changed = _fill(connection, values, by)
    allow(by, "connection.edit", team_id=connection.team_id)
    session.add(connection)
    session.flush()
    after = queries.connection_document(connection)
    if found is None or changed or before != after:
        record(events.CREATED if found is None else events.CHANGED, connection.ref, by=by, also=also(connection),
               name=connection.name, before=before, after=after)
    return connection


def _fill(connection: Connection, values: Mapping[str, Any], by: Actor) -> bool:
    """Take what is named; says whether a secret changed, which no document shows."""
    problems = Problems()
    if "name" in values:
        connection.name = problems.take("name", check_text, values["name"], least=1, most=100,
                                        label="A name") or connection.name
    if "team" in values:
        team = team_named(values["team"], by)
        if values["team"] and team is None:
            problems.add("team", f"There is no team {values['team']}")
        connection.team, connection.team_id = team, team.id if team else None
    action = _action(connection, values)
    changed = _fill_config(connection, action, values.get("config") or {}, problems.at("config"))
    problems.raise_if_any()
    return changed


def _action(connection: Connection, values: Mapping[str, Any]) -> Action:
    wanted = values.get("action") or connection.action
    if connection.action and wanted != connection.action:
        refuse("action", "What a connection is for never changes")
    if wanted not in queries.actions():
        refuse("action", f"There is no action {wanted}; there are {', '.join(queries.actions())}")
    connection.action = wanted
    return queries.actions()[wanted]


def _fill_config(connection: Connection, action: Action, given: Mapping[str, Any], problems: Problems) -> bool:
    fields = {field.name: field for field in action.fields}
    for name in sorted(set(given) - set(fields)):
        problems.add(name, f"{action.product} asks for no {name}")
    config, changed = dict(connection.config), False
    kept = [name for name, field in fields.items() if field.secret and not given.get(name) and name in config]
    for name, field in fields.items():
        if name in kept:
            continue
        value = problems.take(name, field.parse, given.get(name, config.get(name)))
        if len(str(value)) > LONGEST:
            problems.add(name, f"{field.label} may have at most {LONGEST} characters")
        if field.secret and value:
            value, changed = secrets.seal(str(value), bound_to=f"connection:{connection.key}/{name}"), True
        if field.kind == "url" and not field.secret and value not in (None, config.get(name, field.default)):
            for one in kept:  # a stored secret never goes to another address than it was entered for
                problems.add(one, f"Enter it anew: {field.label} is another one now")
        config[name] = value
    connection.config = {name: value for name, value in config.items() if value is not None}
    return changed


def remove_connection(connection: Connection, *, by: Actor) -> None:
    """Delete it; refused while something uses it. Raises Conflict with the uses."""
    allow(by, "connection.edit", team_id=connection.team_id)
    uses = queries.uses(connection, by)
    if uses:
        raise Conflict(f"It is used by {', '.join(uses)}. Change these first.", state={"uses": uses})
    record(events.DELETED, connection.ref, by=by, also=also(connection), name=connection.name,
           before=queries.connection_document(connection))
    session.delete(connection)
    session.flush()


def note_test(key: str, works: bool, outcome: str, *, by: Actor) -> Connection:
    """What came of the button "Test", which was pressed with nothing open."""
    connection = queries.connection_by_key(key)
    if connection is None:
        raise NotFound
    allow(by, "connection.edit", team_id=connection.team_id)
    connection.tested_at, connection.works, connection.outcome = clock.now(), works, outcome[:300]
    record(events.TESTED, connection.ref, by=by, also=also(connection), name=connection.name, outcome=outcome[:300])
    return connection
