"""What a window covers and whose it is, from the fields of the document; each thing that it names is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import column, select, table

from app.catalog.models import Window
from app.catalog.queries import services_by_keys
from app.core.access import Actor
from app.core.db import session
from app.core.forms import Problems
from app.core.matching import compiled
from app.identity.queries import allow, may, may_anywhere, may_see, team_by_key, team_named

INTEGRATIONS = table("integrations", column("id"), column("key"), column("team_id"), column("removed_at"))
OFFERED = INTEGRATIONS.c.removed_at.is_(None)


@dataclass(frozen=True)
class Edit:
    """A window that is being filled, by whom, and what is wrong so far."""

    window: Window
    by: Actor
    faults: Problems

    def allow(self, team_id: int | None) -> None:
        """Whoever makes it must be allowed to do so for each thing that it names anew."""
        allow(self.by, f"{self.window.kind}.edit", team_id=team_id)


def fill_owner(edit: Edit, values: Mapping[str, Any]) -> None:
    """Take over the team whose window it is."""
    window = edit.window
    if "team" in values:
        team = team_named(values["team"], edit.by)
        if values["team"] and (team is None or team.archived_at is not None):
            return edit.faults.add("team", f"There is no team {values['team']}")
        window.team, window.team_id = team, team.id if team else None
    action = f"{window.kind}.edit"
    if window.team_id is None and not may(edit.by, action) and may_anywhere(edit.by, action):
        return edit.faults.add("team", "Choose the team whose window it is")
    edit.allow(window.team_id)


def fill_scope(edit: Edit, values: Mapping[str, Any]) -> None:
    """Take over what it covers."""
    window = edit.window
    if "services" in values:
        window.services = _named(edit, values["services"] or [], "services")
    if "teams" in values:
        window.teams = _named(edit, values["teams"] or [], "teams")
    if "integrations" in values:
        window.integrations = _integrations(edit, values["integrations"] or [])
    if "labels" in values:
        window.labels = dict(values["labels"] or {})
        for name, wanted in window.labels.items():
            edit.faults.take(f"labels.{name}", compiled, wanted)
    if not (window.services or window.teams or window.integrations or window.labels):
        edit.faults.add("services", "Say what it covers: services, teams, integrations or labels")


def _named(edit: Edit, keys: list[str], name: str) -> list[int]:
    """The ids of the services or teams that are named; what was covered before may stay, whoever saves."""
    known: Mapping[str, Any] = services_by_keys(keys) if name == "services" else {
        key.lower(): team_by_key(str(key)) for key in keys}
    found, had = [], set(getattr(edit.window, name))
    for at, key in enumerate(keys):
        one = known.get(str(key).lower())
        if one is not None and one.id in had:
            found.append(int(one.id))
            continue
        if one is None or not may_see(edit.by, one.team_id if name == "services" else one.id):
            edit.faults.add(f"{name}[{at}]", f"There is no {name[:-1]} {key}")
            continue
        edit.allow(one.team_id if name == "services" else one.id)
        found.append(int(one.id))
    return found


def _integrations(edit: Edit, keys: list[str]) -> list[str]:
    owners = {key: team_id for key, team_id in session.execute(
        select(INTEGRATIONS.c.key, INTEGRATIONS.c.team_id).where(INTEGRATIONS.c.key.in_(keys), OFFERED))}
    for at, key in enumerate(keys):
        if key in edit.window.integrations:
            continue
        if key not in owners or (owners[key] is not None and not may_see(edit.by, owners[key])):
            edit.faults.add(f"integrations[{at}]", f"There is no integration {key}")
        else:
            edit.allow(owners[key])
    return list(dict.fromkeys(keys))
