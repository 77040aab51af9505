"""Private teams that let global workflows act on their incidents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.identity.models import Team
from app.identity.queries import allow
from app.workflows import events
from app.workflows.models import WatchedTeam


def watch(team: Team, on: bool, *, by: Actor) -> None:
    """Let global workflows act on the incidents of a private team, or no more."""
    allow(by, "team.edit", team_id=team.id)
    known = session.get(WatchedTeam, team.id)
    if on == (known is not None):
        return
    if known is None:
        session.add(WatchedTeam(team_id=team.id))
    else:
        session.delete(known)
    session.flush()
    record(events.OPTED, team.ref, by=by, also=["workflows"], name=team.name, word="lets" if on else "no longer lets")


def watched() -> set[int]:
    """The teams that let them act, by id."""
    return set(session.scalars(select(WatchedTeam.team_id)))


@dataclass(frozen=True)
class TeamPanel:
    """Whether global workflows act on a private team's incidents; nothing is shown for others."""

    team: Team
    on: bool
    template: str = "panels/team-workflows.html"


def of_team(team: Team) -> TeamPanel:
    """The part of a team's page."""
    return TeamPanel(team, session.get(WatchedTeam, team.id) is not None)
