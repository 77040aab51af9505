"""Reading people and teams, and the one gate that every command asks: `allow`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, NotFound
from app.core.panels import Use, panels
from app.core.secrets import digest
from app.identity import rules
from app.identity.models import ApiToken, Identity, LoginSession, Membership, SetupLink, Team, User

# Actors without a person: machines that were let in by their own token, and whoever holds the machine itself.
TRUSTED = frozenset({"operator", "system", "integration", "heartbeat", "workflow_run"})


def allow(by: Actor, action: str, *, team_id: int | None = None, involved: bool = False) -> None:
    """Raise unless `by` may do `action` to a thing of this team: NotFound when the team is private to others,
    Forbidden otherwise. `involved`: the person was paged for, assigned to or requested on this incident."""
    if may(by, action, team_id=team_id, involved=involved):
        return
    if team_id is not None and not may_see(by, team_id):
        raise NotFound
    raise Forbidden("Your role does not include this.")


def may(by: Actor, action: str, *, team_id: int | None = None, involved: bool = False) -> bool:
    """Whether `allow` would let it pass."""
    if by.user_id is None:
        return by.kind in TRUSTED
    user = session.get(User, by.user_id)
    if user is None or not user.is_active or not rules.scopes_permit(by.scopes, action):
        return False
    role = role_in(user, team_id)
    outside = team_id is not None and role is None and user.role != "admin"  # to others it is all the same
    team = session.get(Team, team_id) if outside else None
    private = team is not None and team.private
    return rules.permitted(user.role, role, action, team_private=private, involved=involved)


def may_anywhere(by: Actor, action: str) -> bool:
    """Whether there can be anything to which `by` may do this: the question before a body is read."""
    if by.user_id is None:
        return by.kind in TRUSTED
    user = session.get(User, by.user_id)
    if user is None or not user.is_active or not rules.scopes_permit(by.scopes, action):
        return False
    if rules.permitted(user.role, None, action, involved=True):  # most questions end here, without another query
        return True
    return any(rules.permitted(user.role, member.role, action, involved=True) for member in user.memberships)


def may_see(by: Actor, team_id: int) -> bool:
    """Whether the actor may know of this team and its things at all."""
    teams = visible_teams(by)
    return teams is None or team_id in teams


def role_in(user: User, team_id: int | None) -> str | None:
    """The person's role in a team, None outside of it."""
    return next((found.role for found in user.memberships if found.team_id == team_id), None)


def admins() -> list[User]:
    """The active platform admins, by name."""
    return list(session.scalars(select(User).where(User.role == "admin", User.state == "active").order_by(User.name)))


def managers(team_id: int | None) -> list[User]:
    """The active managers of the team, by name; nobody for no team."""
    found = select(User).join(Membership, Membership.user_id == User.id).where(
        Membership.team_id == team_id, Membership.role == "manager", User.state == "active")
    return [] if team_id is None else list(session.scalars(found.order_by(User.name)))


def visible_teams(by: Actor) -> set[int] | None:
    """Ids of the teams whose things the actor may see; None when that is all. Things without a team are seen."""
    user = session.get(User, by.user_id) if by.user_id is not None else None
    if (by.user_id is None and by.kind in TRUSTED) or (user is not None and user.is_active and user.role == "admin"):
        return None
    if user is None or not user.is_active:
        return set()
    mine = [membership.team_id for membership in user.memberships]
    if session.scalar(select(Team.id).where(Team.private, Team.id.not_in(mine)).limit(1)) is None:
        return None
    return set(session.scalars(select(Team.id).where(or_(Team.private.is_(False), Team.id.in_(mine)))))


def uses(page: str, thing: object, by: Actor) -> list[Use]:
    """Where the thing is used, as the domains above say under `page`, and as far as the actor may know of it."""
    return known_uses([use for found in panels(page, thing).values() for use in found], by)


def uses_of(page: str, things: Sequence[Any], by: Actor) -> dict[int, list[Use]]:
    """The same of many things by their ids, where those domains answer for all of them at once."""
    found: dict[int, list[Use]] = {thing.id: [] for thing in things}
    for told in panels(page, things).values() if found else ():
        for key, some in told.items():
            found[key] += some
    return known_of(found, by)


def known_of(found: Mapping[int, Sequence[Use]], by: Actor) -> dict[int, list[Use]]:
    """`known_uses` of many things by their ids."""
    teams = visible_teams(by)
    return {key: _known(some, teams) for key, some in found.items()}


def known_uses(found: Sequence[Use], by: Actor) -> list[Use]:
    """Those that the actor may know of, and how many others there are."""
    return _known(found, visible_teams(by))


def _known(found: Sequence[Use], teams: set[int] | None) -> list[Use]:
    seen = [use for use in found if teams is None or use.team_id is None or use.team_id in teams]
    hidden = len(found) - len(seen)
    return [*seen, *([Use(f"{hidden} of teams that you can’t see")] if hidden else [])]


def managed_teams(by: Actor) -> set[int] | None:
    """Ids of the teams whose audit and settings are the actor's; None for all of them."""
    if may(by, "admin"):
        return None
    user = session.get(User, by.user_id) if by.user_id is not None else None
    return {found.team_id for found in user.memberships if found.role == "manager"} if user else set()


def user_by_email(email: str) -> User | None:
    """The person with this address, in any letter case."""
    return session.scalar(select(User).where(User.email == email.strip().lower()))


def team_by_key(key: str) -> Team | None:
    """The team with this key, archived ones too."""
    return session.scalar(select(Team).where(Team.key == key.strip().lower()))


def team_named(key: object, by: Actor) -> Team | None:
    """The team that a body names: one that its sender may not know of is as one that is not there."""
    team = team_by_key(key) if isinstance(key, str) else None
    return team if team is not None and may_see(by, team.id) else None


def team_by_name(name: str) -> Team | None:
    """The team with this name, in any letter case."""
    return session.scalar(select(Team).where(func.lower(Team.name) == name.strip().lower()))


def user_document(user: User) -> dict[str, Any]:
    """The person as in the configuration document, without secrets."""
    return {"email": user.email, "name": user.name, "role": user.role, "time_zone": user.time_zone}


def team_document(team: Team) -> dict[str, Any]:
    """The team as in the configuration document, but its policy, which escalation adds."""
    return team_documents([team])[0]


def team_documents(teams: Sequence[Team]) -> list[dict[str, Any]]:
    """The same of many."""
    members: dict[int, list[dict[str, str]]] = {team.id: [] for team in teams}
    for key, email, role in session.execute(select(Membership.team_id, User.email, Membership.role).join(
            Membership.user).where(Membership.team_id.in_(members)).order_by(User.email)):
        members[key].append({"user": email, "role": role})
    return [{"key": team.key, "name": team.name, "description": team.description, "tags": list(team.tags),
             "private": team.private, "note_required": team.note_required, "members": members[team.id]} for team in teams]


def from_directory(user: User) -> bool:
    """Whether a directory provisions this person and so decides their name and address."""
    return user.profile is not None or user.external_id is not None


def linked(user_ids: Iterable[int]) -> set[int]:
    """Those of these people who sign in at the identity provider."""
    return set(session.scalars(select(Identity.user_id).where(Identity.user_id.in_(list(user_ids)))))


def source_of(user: User, *, sso: bool) -> str:
    """Where this account comes from, in a word for people."""
    return "SCIM" if from_directory(user) else "SSO" if sso else "local"


def name_owner(user: User) -> str:
    """Who decides this person's name elsewhere, in words; "" when it is written here."""
    if from_directory(user):
        return "your organisation's directory"
    return "your identity provider" if linked([user.id]) else ""


def anybody() -> bool:
    """Whether the system has any person yet."""
    return session.scalar(select(User.id).limit(1)) is not None


def login_of(token: str) -> LoginSession | None:
    """The login that this cookie value opens, None when it ended, timed out or its person was deactivated."""
    found = session.scalar(select(LoginSession).where(LoginSession.token_hash == digest(token))
                           .options(joinedload(LoginSession.user)))
    if found is None or not found.user.is_active:
        return None
    valid = rules.login_valid(found.created_at, found.last_seen_at, found.ended_at, clock.now())
    return found if valid else None


def api_token(text: str) -> ApiToken | None:
    """The API token with this text, None when it is unknown, revoked, expired or its owner deactivated."""
    found = session.scalar(select(ApiToken).where(ApiToken.token_hash == digest(text))
                           .options(joinedload(ApiToken.user)))
    if found is None or found.revoked_at is not None or not found.user.is_active:
        return None
    return found if found.expires_at is None or clock.now() < found.expires_at else None


def setup_link(token: str) -> SetupLink | None:
    """The one-time link with this text, None when it is unknown, used or older than a day. One that makes the first
    admin is dead once there is anybody."""
    found = session.scalar(select(SetupLink).where(SetupLink.token_hash == digest(token)))
    if found is None or found.used_at is not None or found.expires_at <= clock.now():
        return None
    if found.user is None:
        return None if anybody() else found
    return found if found.user.is_active else None


def rights(user: User) -> str:
    """Equal for two people exactly when they may see and do the same: they may share the render of a live page."""
    teams = sorted((member.team_id, member.role) for member in user.memberships)
    return f"{user.is_active} {user.role} {teams}"
