"""Commands about people: from pages, the API, the command line and the configuration document alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core.access import SYSTEM, Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict, Forbidden
from app.core.events import record
from app.core.forms import Problems, check_text, email_address, one_of, refuse, time_zone
from app.identity import credentials, events, rules, signin, sso_settings
from app.identity.estates import remove_team
from app.identity.models import User
from app.identity.queries import allow, anybody, name_owner, user_by_email, user_document
from app.identity.teams import add_team, archive_team, restore_team, save_team, set_member

__all__ = ["activate_user", "add_team", "add_user", "archive_team", "deactivate_user", "first_start",
           "keep_an_admin", "remove_team", "remove_user", "restore_team", "save_team", "save_user", "set_break_glass",
           "set_member"]

Values = Mapping[str, Any]


def save_user(values: Values, *, by: Actor) -> User:
    """Create or change the person named by `email`; a partial document changes only what it names."""
    problems = Problems()
    email = problems.take("email", email_address, values.get("email"))
    user = user_by_email(email) if email else None
    allow(by, "own.edit" if user is not None and user.id == by.user_id else "people.edit")
    clean = _user_fields(values, problems, user)
    _refuse_owned(clean, problems, user, by)
    problems.raise_if_any()
    if user is None:
        return _add_user(str(email), clean, by)
    return _change_user(user, clean, by)


def add_user(values: Values, *, by: Actor) -> User:
    """Create a person; one who is there already is a fault of the form, not a change."""
    allow(by, "people.edit")
    if user_by_email(str(values.get("email", ""))) is not None:
        refuse("email", "There is already a person with this address")
    return save_user(values, by=by)


def _user_fields(values: Values, problems: Problems, user: User | None) -> dict[str, Any]:
    clean: dict[str, Any] = {}
    if "name" in values or user is None:
        clean["name"] = problems.take("name", check_text, values.get("name"), least=1, most=200, label="The name")
    if "role" in values:
        clean["role"] = problems.take("role", one_of, values["role"], choices=rules.PLATFORM_ROLES)
    if "time_zone" in values:
        clean["time_zone"] = problems.take("time_zone", time_zone, values["time_zone"])
    if values.get("password") is not None:
        clean["password"] = problems.take(
            "password", credentials.check_password, values["password"],
            name=str(clean.get("name") or (user.name if user else "")), email=str(values.get("email")))
    return clean


def _refuse_owned(clean: Mapping[str, Any], problems: Problems, user: User | None, by: Actor) -> None:
    """A person can't write what the directory or the provider would write over; who holds the machine may."""
    if user is not None and by.user_id is not None and clean.get("name") not in (None, user.name):
        owner = name_owner(user)
        if owner:
            problems.add("name", f"The name is set by {owner}. Change it there")


def _add_user(email: str, clean: dict[str, Any], by: Actor) -> User:
    password = clean.pop("password", None)
    local = bool(password) and clean.get("role") == "admin" and by.kind in ("operator", "system")
    user = User(email=email, memberships=[], break_glass=local, **clean,
                password_hash=credentials.hash_password(password) if password else None)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        raise Conflict(f"Somebody added {email} at the same moment.") from None
    record(events.USER_CREATED, user.ref, by=by, name=user.name, after=user_document(user))
    return user


def _change_user(user: User, clean: dict[str, Any], by: Actor) -> User:
    before = user_document(user)
    if clean.get("role", user.role) != user.role:
        allow(by, "people.edit")
        keep_an_admin(user)
    password = clean.pop("password", None)
    for name, value in clean.items():
        setattr(user, name, value)
    session.flush()
    if user_document(user) != before:
        record(events.USER_CHANGED, user.ref, by=by, name=user.name, before=before, after=user_document(user))
    if password is not None and not credentials.password_matches(user.password_hash, password):
        if by.user_id is not None and by.user_id != user.id:
            raise Forbidden("Only the person or an operator sets a password; make a sign-in link instead.")
        signin.set_password(user, password, by=by)
    return user


def keep_an_admin(user: User) -> None:
    """Raise Conflict when `user` is the last active platform admin, or the last who gets in without the identity
    provider while passwords are for break-glass accounts only. Two admins demoting each other wait in line."""
    if user.role != "admin" or not user.is_active:
        return
    others = _other_admins(user)
    if not others:
        raise Conflict(f"{user.name} is the last platform admin. Make somebody else an admin first.")
    _keep_a_way_in(user, others)


def _other_admins(user: User) -> list[User]:
    alone("platform admins")
    return list(session.scalars(select(User).where(User.role == "admin", User.state == "active", User.id != user.id)
                                .with_for_update()))


def _keep_a_way_in(user: User, others: Iterable[User]) -> None:
    def local(one: User) -> bool:
        return one.break_glass and one.password_hash is not None
    if local(user) and not any(local(other) for other in others) and sso_settings.mode() == "break-glass":
        raise Conflict(f"{user.name} is the last admin with a local password: with the identity provider away, nobody "
                       "could administer. Make another break-glass account first: oncall user break-glass EMAIL.")


def deactivate_user(user: User, *, by: Actor) -> User:
    """End all access of a person at once; their name stays in history."""
    allow(by, "people.edit")
    if not user.is_active:
        return user
    keep_an_admin(user)
    user.state = "deactivated"
    signin.close_logins(user)
    credentials.drop_credentials(user)
    record(events.USER_DEACTIVATED, user.ref, by=by, also=_teams_of(user), name=user.name)
    return user


remove_user = deactivate_user


def activate_user(user: User, *, by: Actor) -> User:
    """Let a deactivated person in again; old logins, tokens and links stay dead. Raises Conflict for whoever was erased."""
    allow(by, "people.edit")
    locked(User, user.id)
    if user.erased_at is not None:
        raise Conflict("Whoever was erased does not come back: add them anew.")
    if not user.is_active:
        user.state = "active"
        record(events.USER_ACTIVATED, user.ref, by=by, also=_teams_of(user), name=user.name)
    return user


def set_break_glass(user: User, wanted: bool, *, by: Actor) -> User:
    """Whether this account's password serves when single sign-on is away; no directory touches it then."""
    allow(by, "admin")
    if user.break_glass != wanted:
        if user.role == "admin" and user.is_active:
            _keep_a_way_in(user, _other_admins(user))
        user.break_glass = wanted
        record(events.BREAK_GLASS_CHANGED, user.ref, by=by, name=user.name, break_glass=wanted)
    return user


def _teams_of(user: User) -> list[str]:
    return [f"team:{membership.team_id}" for membership in user.memberships]


def first_start() -> str | None:
    """While there is nobody: make the admin of ADMIN_EMAIL and ADMIN_PASSWORD, or return the set-up link in words."""
    if anybody():
        return None
    config = current_app.config
    if config["ADMIN_EMAIL"] and config["ADMIN_PASSWORD"]:
        save_user({"email": config["ADMIN_EMAIL"], "name": "Administrator", "role": "admin",
                   "password": config["ADMIN_PASSWORD"]}, by=SYSTEM)
        return None
    link = credentials.make_link(None, by=SYSTEM)
    return f"First start: open {link} to create the first admin (valid 24 h, works once)"
