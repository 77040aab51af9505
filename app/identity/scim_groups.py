"""Teams as the groups of a directory: found, shown, added, changed and taken away by it."""

from __future__ import annotations

from typing import Any

from flask import current_app
from scim2_models import InvalidValueException, Meta, UniquenessException
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.core.forms import free_key, refuse
from app.identity import events, scim_shapes
from app.identity.models import Membership, Team, User
from app.identity.queries import team_by_key, team_by_name
from app.identity.scim_filters import is_key
from app.identity.scim_people import KEPT
from app.identity.scim_shapes import Member
from app.identity.teams import MOST_MEMBERS, archive_team, save_team


def every_team() -> Select[Any]:
    """The teams in use."""
    return select(Team).where(Team.archived_at.is_(None)).options(
        selectinload(Team.memberships).joinedload(Membership.user))


def shown(team: Team) -> scim_shapes.Group:
    """The team as the directory gets it: without break-glass accounts, and without whom it took away."""
    people = f"{current_app.config['BASE_URL']}/scim/v2/Users"
    members = [Member(value=str(member.user_id), ref=f"{people}/{member.user_id}", type="User")
               for member in sorted(team.memberships, key=lambda member: member.user_id) if _known(member.user)]
    return scim_shapes.Group(id=str(team.id), external_id=team.external_id, display_name=team.name,
                             members=members or None, meta=Meta(resource_type="Group", created=team.created_at))


def _known(user: User) -> bool:
    return not user.break_glass and (user.removed_at is None or user.is_active)


def add(wanted: scim_shapes.Group, by: Actor) -> Team:
    """A new team; its key is made of its name."""
    name = (wanted.display_name or "").strip()
    _refuse_taken(wanted, name, None)
    key = free_key(name, "team", lambda key: team_by_key(key) is not None)
    team = save_team({"key": key, "name": name, "members": _members(wanted, None)}, by=by)
    team.external_id = wanted.external_id or None
    session.flush()
    return team


def change(team: Team, wanted: scim_shapes.Group, by: Actor) -> None:
    """Make the team what the directory wants: new members respond, the roles of those who stay are kept."""
    name, external = (wanted.display_name or "").strip(), wanted.external_id or None
    _refuse_taken(wanted, name, team)
    save_team({"key": team.key, "name": name, "members": _members(wanted, team)}, by=by)
    if team.external_id != external:
        before, team.external_id = team.external_id, external
        record(events.TEAM_CHANGED, team.ref, by=by, name=team.name, before={"external_id": before},
               after={"external_id": external})
        session.flush()


def take_away(team: Team, by: Actor) -> None:
    """The directory knows the team no more: it is archived, its history stays."""
    archive_team(team, by=by)
    team.external_id = None


def _members(wanted: scim_shapes.Group, team: Team | None) -> list[dict[str, str]]:
    """Who is to be in the team. Whom the directory can't see stays as they are."""
    present = {member.user_id: member for member in team.memberships} if team else {}
    hidden = [member.user for member in present.values() if not _known(member.user)]
    ids = list(dict.fromkeys(member.value for member in wanted.members or []))
    if len(ids) + len(hidden) > MOST_MEMBERS:
        refuse("members", f"A team has at most {MOST_MEMBERS} members")
    numbers = [int(key) for key in ids if is_key(key) and key]
    found = list(session.scalars(select(User).where(User.id.in_(numbers), User.break_glass.is_(False), KEPT)))
    if len(found) != len(ids):
        unknown = set(ids) - {str(user.id) for user in found}
        raise InvalidValueException(detail=f"members: nobody has the id {', '.join(sorted(map(str, unknown)))}")
    return [{"user": user.email, "role": present[user.id].role if user.id in present else "responder"}
            for user in (*found, *hidden)]


def _refuse_taken(wanted: scim_shapes.Group, name: str, team: Team | None) -> None:
    others = [team_by_name(name)]
    if wanted.external_id:
        others.append(session.scalar(select(Team).where(Team.external_id == wanted.external_id)))
    if any(other is not None and other is not team for other in others):
        raise UniquenessException(detail="Another team, perhaps an archived one, has this displayName or externalId")
