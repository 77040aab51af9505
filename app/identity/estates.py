"""What becomes of a team's things when it is archived: they are put away with it, or go to another team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid
from app.core.forms import Problems, refuse
from app.core.jobs import function
from app.identity.models import Team
from app.identity.queries import allow, team_named
from app.identity.teams import archive_team


@dataclass(frozen=True)
class ArchivePage:
    """The question before a team is archived: what it owns, with what becomes of it, and who could take it over."""

    team: Team
    estate: list[tuple[Any, list[str]]]
    others: list[tuple[str, str]]
    to: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def archive_page(team: Team, by: Actor, *, to: str = "", errors: Mapping[str, str] | None = None) -> ArchivePage:
    """The page of the question."""
    allow(by, "team.create", team_id=team.id)
    others = session.execute(select(Team.key, Team.name).where(Team.archived_at.is_(None), Team.id != team.id)
                             .order_by(Team.name))
    return ArchivePage(team, _owned(team), [(key, name) for key, name in others], to, errors or {})


def names(team: Team) -> dict[str, list[str]]:
    """The names of the team's things in use, by noun; what it has none of is left out."""
    return {estate.plural: found for estate, found in _owned(team)}


def becomes(team: Team, to: str) -> dict[str, str]:
    """What the team's things of each kind do once it is archived, in words; `to` is the key of the team that has them."""
    return {estate.plural: f"They {estate.goes if to else estate.stays}" for estate, _ in _owned(team)}


def _owned(team: Team) -> list[tuple[Any, list[str]]]:
    found = [(estate, [thing.name for thing in _things(team, noun)])
             for noun, estate in current_app.extensions["estates"].items()]
    return [(estate, known) for estate, known in found if known]


def close_team(team: Team, *, to: str = "", force: bool = False, by: Actor) -> dict[str, list[str]]:
    """Archive the team; with `to`, all that it owns and that is in use goes to the team of this key first, in the same
    transaction. Gives back what went there. Raises Invalid; Conflict while it owns services, unless they are to be left
    without an owner (`force`)."""
    allow(by, "team.create", team_id=team.id)
    left = names(team).get("services", []) if not to and not force else []
    if left and team.archived_at is None:
        raise Conflict(f"{team.name} owns services: {', '.join(left[:10])}. Hand them to another team, archive them, or say "
                       "that they are to be left without an owner.", {"services": left})
    heir = team_named(to, by) if to else None
    if to and (heir is None or heir.id == team.id or heir.archived_at is not None):
        refuse("to", f"There is no team {to} that could take it over")
    moved = names(team) if heir else {}
    if heir is not None:
        _check(team, heir, by)
    for noun, estate in current_app.extensions["estates"].items() if heir else ():
        for thing in _things(team, noun):
            _hand_on(estate.save, thing, to, by)
    archive_team(team, by=by)
    return moved


def _check(team: Team, heir: Team, by: Actor) -> None:
    """Raise Invalid with each thing that can't go there, before any goes."""
    faults = Problems()
    for noun, estate in current_app.extensions["estates"].items():
        for thing in _things(team, noun) if estate.fault else ():
            if said := function(estate.fault)(thing, heir, by):
                faults.add("to", said)
    faults.raise_if_any()


def _hand_on(save: str, thing: Any, to: str, by: Actor) -> None:
    try:
        function(save)({"key": _key(thing), "team": to}, by=by)
    except Invalid as fault:
        refuse("to", f"{thing.name} can’t go there: {'; '.join(one.message for one in fault.problems)}")


def remove_team(team: Team, *, by: Actor) -> Team:
    """Archive a team that owns no service in use."""
    close_team(team, by=by)
    return team


def _things(team: Team, noun: str) -> list[Any]:
    model = function(current_app.extensions["owned"][noun])
    found = session.scalars(select(model).where(model.team_id == team.id).order_by(model.name)).all()
    return [thing for thing in found if thing.ref.startswith(f"{noun}:") and _in_use(thing)]


def _key(thing: Any) -> str:
    """What the command that saves it knows it by; a secret has its number alone."""
    return str(getattr(thing, "key", None) or getattr(thing, "slug", None) or thing.id)


def _in_use(thing: Any) -> bool:
    """Neither put away already, nor over, nor only the inner half of a heartbeat."""
    gone = getattr(thing, "archived_at", None) or getattr(thing, "removed_at", None)
    over = getattr(thing, "over_at", None)
    return not gone and (over is None or over > clock.now()) and getattr(thing, "lifecycle", "") != "archived" and (
        getattr(thing, "state", "") != "deprecated") and getattr(thing, "plugin", "") != "heartbeat"
