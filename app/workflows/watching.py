"""Private teams that let global workflows act on their incidents."""

from __future__ import annotations

from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.identity.models import Team
from app.identity.queries import allow, may
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


def of_team(team: Team, by: Actor) -> bool | None:
    """Whether they do, for the page of a team; None where it is no question."""
    if not team.private or not may(by, "team.edit", team_id=team.id):
        return None
    return session.get(WatchedTeam, team.id) is not None
