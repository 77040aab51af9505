"""Saved views: a list's filters and order under a name, for oneself or a team."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from sqlalchemy import or_, select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, Invalid, NotFound, Problem
from app.core.events import record
from app.identity.models import Membership, Team
from app.identity.queries import allow, may
from app.incidents import events
from app.incidents.models import SavedView
from app.incidents.queries import number_of

MOST = 30
LEFT_OUT = ("cursor", "view", "done")


def views(by: Actor) -> list[SavedView]:
    """One's own and those of one's teams, the oldest first."""
    mine = select(Membership.team_id).where(Membership.user_id == by.user_id)
    return list(session.scalars(select(SavedView).where(or_(
        (SavedView.user_id == by.user_id) & SavedView.team_id.is_(None), SavedView.team_id.in_(mine)))
        .order_by(SavedView.id).limit(MOST)))


def save_view(name: str, query: str, team: Team | None, *, by: Actor) -> SavedView:
    """Keep filters and order under a name; the same name once more replaces it. A team's view is for all its members."""
    if by.user_id is None:
        raise Forbidden("Only a person can save a view.")
    allow(by, "incident.read")
    if team is not None:
        allow(by, "incident.act", team_id=team.id)
    title = " ".join(name.split())
    kept = [(key, value) for key, value in parse_qsl(query.lstrip("?")) if key not in LEFT_OUT]
    if not 0 < len(title) <= 60 or len(urlencode(kept)) > 2000:
        raise Invalid(problems=[Problem("name", "A view has a name of 1 to 60 characters")])
    owned = SavedView.team_id == team.id if team else (SavedView.user_id == by.user_id) & SavedView.team_id.is_(None)
    view = session.scalar(select(SavedView).where(owned, SavedView.name == title))
    if view is None:
        if len(views(by)) >= MOST:
            raise Invalid(problems=[Problem("name", f"You have {MOST} views. Remove one first.")])
        view = SavedView(name=title, user_id=by.user_id, team_id=team.id if team else None)
        session.add(view)
    view.query = urlencode(kept)
    session.flush()
    record(events.VIEW_SAVED, f"view:{view.id}", by=by, name=title, query=view.query, team=team.key if team else None)
    return view


def view_for(key: str | int, by: Actor) -> SavedView:
    """The view, if this person has it. Raises NotFound."""
    found = session.get(SavedView, number_of(key))
    if found is None or found not in views(by):
        raise NotFound("There is no such view")
    return found


def remove_view(view: SavedView, *, by: Actor) -> None:
    """Who saved it removes it, a manager also a team's."""
    if view.user_id != by.user_id and not (view.team_id and may(by, "team.edit", team_id=view.team_id)):
        raise Forbidden("Only who saved it or a manager of the team removes a view.")
    record(events.VIEW_REMOVED, f"view:{view.id}", by=by, name=view.name)
    session.delete(view)


def address(view: SavedView) -> str:
    """Where the list stands as the view keeps it."""
    return f"/incidents?{view.query}{'&' if view.query else ''}view={view.id}"
