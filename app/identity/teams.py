"""Commands about teams and who is in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, NotFound
from app.core.events import record
from app.core.forms import Problems, check_boolean, check_key, check_list, check_text, one_of, refuse, tags
from app.identity import events, rules
from app.identity.models import Membership, Team, User
from app.identity.queries import admins, allow, team_by_key, team_by_name, team_document, user_by_email

MOST_MEMBERS = 500
Values = Mapping[str, Any]


def save_team(values: Values, *, by: Actor, seen: str = "", without_manager: bool = True) -> Team:
    """Create or change the team named by `key`; `members` replaces the whole list.

    `seen` is the `queries.version_of` of the team that the editor looked at: a newer one raises Conflict. With
    `without_manager` False, taking the last manager away raises Conflict too, until it is confirmed.
    """
    problems = Problems()
    key = problems.take("key", check_key, values.get("key"))
    team = team_by_key(key) if key else None
    if team is None:
        allow(by, "team.create")
    else:
        allow(by, "team.edit", team_id=team.id)
        team = _locked(team)
    clean = _team_fields(values, problems, team)
    members = _members(values["members"], problems) if values.get("members") is not None else None
    problems.raise_if_any()
    if team is None:
        return _create(str(key), clean, members or {}, by)
    return _change_team(team, clean, members, by, seen=seen, without_manager=without_manager)


def add_team(values: Values, *, by: Actor) -> Team:
    """Create a team; one that is there already is a fault of the form, not a change."""
    allow(by, "team.create")
    if team_by_key(str(values.get("key", ""))) is not None:
        refuse("key", "There is already a team with this key")
    return save_team(values, by=by)


def _team_fields(values: Values, problems: Problems, team: Team | None) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    if "name" in values or team is None:
        clean["name"] = problems.take("name", check_text, values.get("name"), least=2, most=100, label="The name")
        taken = team_by_name(clean["name"]) if clean["name"] else None
        if taken is not None and (team is None or taken.id != team.id):
            problems.add("name", "There is already a team with this name")
    if "description" in values:
        clean["description"] = problems.take("description", check_text, values["description"] or "", most=500,
                                             label="The description")
    if "tags" in values:
        clean["tags"] = problems.take("tags", tags, values["tags"])
    for name in ("private", "note_required"):
        if name in values:
            clean[name] = problems.take(name, check_boolean, values[name])
    return clean


def _members(given: object, problems: Problems) -> dict[int, str]:
    """Role by user id."""
    wanted: dict[int, str] = {}
    for at, member in enumerate(problems.take("members", check_list, given, most=MOST_MEMBERS, label="Members") or []):
        here = problems.at(f"members[{at}]")
        entry = member if isinstance(member, Mapping) else {}
        user = user_by_email(str(entry.get("user", "")))
        role = here.take("role", one_of, entry.get("role", "responder"), choices=rules.TEAM_ROLES)
        if user is None:
            here.add("user", f"There is no person with the address {entry.get('user', '')}")
        elif user.id in wanted:
            here.add("user", f"{user.name} is named twice")
        elif role:
            wanted[user.id] = role
    return wanted


def _create(key: str, clean: dict[str, Any], members: dict[int, str], by: Actor) -> Team:
    team = Team(key=key, memberships=[], **{"tags": [], **clean})
    session.add(team)
    _flush()
    _set_members(team, members)
    record(events.TEAM_CREATED, team.ref, by=by, name=team.name, after=team_document(team))
    return team


def _change_team(team: Team, clean: dict[str, Any], members: dict[int, str] | None, by: Actor, *,
                 seen: str, without_manager: bool) -> Team:
    before = team_document(team)
    if seen and seen != rules.version_of(before):
        raise Conflict("Somebody else changed this team meanwhile. Look at it again before you save.", state=before)
    for name, value in clean.items():
        setattr(team, name, value)
    if members is not None:
        if not without_manager:
            keep_a_manager(team, members)
        _set_members(team, members)
    _flush()
    after = team_document(team)
    if after != before:
        record(events.TEAM_CHANGED, team.ref, by=by, name=team.name, before=before, after=after)
    return team


def set_member(team: Team, user: User, role: str | None, *, by: Actor, new: bool = False,
               without_manager: bool = False) -> Team:
    """Give a person a role in the team; None takes them out, which everybody may do with themselves.

    `new`: the person must not be a member yet, else Conflict.
    """
    leaves = role is None and user.id == by.user_id
    allow(by, "own.edit" if leaves else "team.edit", team_id=None if leaves else team.id)
    if role is not None and role not in rules.TEAM_ROLES:
        refuse("role", f"Must be one of {', '.join(rules.TEAM_ROLES)}")
    team = _locked(team)
    members = {member.user_id: member.role for member in team.memberships}
    if new and user.id in members:
        raise Conflict(f"{user.name} is in this team already.")
    if role is None:
        members.pop(user.id, None)
    else:
        members[user.id] = role
    return _change_team(team, {}, members, by, seen="", without_manager=without_manager)


def archive_team(team: Team, *, by: Actor) -> Team:
    """Put the team away: history stays readable, nothing new is routed to it."""
    allow(by, "team.create", team_id=team.id)
    if team.archived_at is None:
        team.archived_at = clock.now()
        record(events.TEAM_ARCHIVED, team.ref, by=by, name=team.name)
    return team


def restore_team(team: Team, *, by: Actor) -> Team:
    """Take an archived team back into use."""
    allow(by, "team.create", team_id=team.id)
    if team.archived_at is not None:
        team.archived_at = None
        record(events.TEAM_RESTORED, team.ref, by=by, name=team.name)
    return team


def keep_a_manager(team: Team, members: Mapping[int, str]) -> None:
    """Raise Conflict when the change takes the last manager away; says who administers the team then."""
    had = [member.user for member in team.memberships if member.role == "manager"]
    if not had or "manager" in members.values():
        return
    raise Conflict(f"{had[0].name} is the last manager of {team.name}. Without one, the platform admins administer it: "
                   f"{', '.join(admin.name for admin in admins()[:5])}. Confirm to go on.")


def _set_members(team: Team, wanted: Mapping[int, str]) -> None:
    present = {member.user_id: member for member in team.memberships}
    for user_id, member in present.items():
        if user_id not in wanted:
            team.memberships.remove(member)
    for user_id, role in wanted.items():
        if user_id in present:
            present[user_id].role = role
        else:
            team.memberships.append(Membership(user=session.get_one(User, user_id), role=role))


def _locked(team: Team) -> Team:
    """The team as it is now, ours until the transaction ends."""
    found = locked(Team, team.id)
    if found is None:
        raise NotFound("There is no such team.")
    session.refresh(found, ["memberships"])
    return found


def _flush() -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise Conflict("Somebody else saved a team with this key or name at the same moment.") from None
