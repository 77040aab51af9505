"""People as a directory keeps them: found, shown, added, changed and taken away by it."""

from __future__ import annotations

from typing import Any

from scim2_models import GroupMembership, InvalidValueException, Meta, UniquenessException
from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.core.forms import Problems, check_text, email_address, time_zone
from app.identity import events, scim_shapes
from app.identity.models import Membership, User
from app.identity.queries import user_document
from app.identity.scim_filters import named
from app.identity.service import activate_user, deactivate_user

KEPT = or_(User.removed_at.is_(None), User.state == "active")


def everybody() -> Select[Any]:
    """Whom a directory may know of: not the break-glass accounts, nor whom it took away."""
    return select(User).where(User.break_glass.is_(False), KEPT).options(
        selectinload(User.memberships).joinedload(Membership.team))


def shown(user: User) -> scim_shapes.User:
    """The person as the directory gets them."""
    said = user.profile or {}
    emails = said.get("emails") or []
    if user.email not in [str(email.get("value", "")).lower() for email in emails]:
        emails = [{"value": user.email, "type": "work", "primary": True}]
    groups = [GroupMembership(value=str(member.team_id), display=member.team.name, type="direct")
              for member in user.memberships if member.team.archived_at is None]
    return scim_shapes.User(
        id=str(user.id), external_id=user.external_id, user_name=said.get("userName") or user.email,
        display_name=user.name, name=scim_shapes.Name(**said["name"]) if said.get("name") else None,
        timezone=user.time_zone, active=user.is_active, groups=groups or None,
        emails=[scim_shapes.Email(**email) for email in emails],
        meta=Meta(resource_type="User", created=user.created_at))


def add(wanted: scim_shapes.User, by: Actor) -> User:
    """Take in a person; whom the directory took away before comes back as who they were."""
    values = _values(wanted, None)
    former = session.scalar(select(User).where(User.email == values["email"], ~KEPT, User.break_glass.is_(False)))
    if former is not None:
        change(former, wanted, by)
        return activate_user(former, by=by) if wanted.active is not False else former
    _refuse_taken(values, None)
    user = User(memberships=[], state="deactivated" if wanted.active is False else "active", **values)
    session.add(user)
    _flush(user)
    record(events.USER_CREATED, user.ref, by=by, name=user.name, after=_account(user))
    record(events.ADDRESS_VOUCHED, user.ref, by=by, name=user.name, email=user.email)
    return user


def change(user: User, wanted: scim_shapes.User, by: Actor) -> None:
    """Make the person what the directory wants; also lets them in or out."""
    before, values = _account(user), _values(wanted, user)
    _refuse_taken(values, user)
    for name, value in values.items():
        setattr(user, name, value)
    user.removed_at = None
    _flush(user)
    after = _account(user)
    if after != before:
        record(events.USER_CHANGED, user.ref, by=by, name=user.name, before=before, after=after)
    if after["email"] != before["email"]:
        record(events.ADDRESS_VOUCHED, user.ref, by=by, name=user.name, email=user.email)
    if wanted.active is True:
        activate_user(user, by=by)
    elif wanted.active is False:
        deactivate_user(user, by=by)


def take_away(user: User, by: Actor) -> None:
    """The directory knows the person no more: no access from now on, their name stays in history."""
    if user.is_active:
        deactivate_user(user, by=by)
    else:
        record(events.USER_REMOVED, user.ref, by=by, name=user.name)
    user.removed_at, user.external_id, user.user_name, user.profile = clock.now(), None, None, None


def _account(user: User) -> dict[str, Any]:
    return {**user_document(user), "user_name": user.user_name, "external_id": user.external_id,
            "profile": user.profile}


def _values(wanted: scim_shapes.User, user: User | None) -> dict[str, Any]:
    """The columns that the directory decides. Raises Invalid or InvalidValueException naming the attribute."""
    problems = Problems()
    sign_in = problems.take("userName", check_text, wanted.user_name, least=1, most=254, label="userName") or ""
    name = problems.take("displayName", check_text, _name(wanted, sign_in), least=1, most=200, label="The name")
    external = problems.take("externalId", check_text, wanted.external_id or "", most=254, label="externalId")
    zone = problems.take("timezone", time_zone, wanted.timezone or (user.time_zone if user else "UTC"))
    problems.raise_if_any()
    profile = wanted.model_dump(include={"user_name", "name", "emails"})
    profile.pop("schemas", None)
    return {"email": _email(wanted), "name": name, "time_zone": zone, "user_name": sign_in.lower(),
            "external_id": external or None, "profile": profile}


def _name(wanted: scim_shapes.User, otherwise: str) -> str:
    said = wanted.name or scim_shapes.Name()
    parts = " ".join(part for part in (said.given_name, said.family_name) if part)
    return wanted.display_name or said.formatted or parts or otherwise


def _email(wanted: scim_shapes.User) -> str:
    given = sorted(wanted.emails or [], key=lambda email: not email.primary)
    text = next((email.value for email in given if email.value), wanted.user_name)
    try:
        return email_address(text)
    except ValueError:
        where = "emails" if wanted.emails else "emails: there is none, and userName is"
        raise InvalidValueException(detail=f"{where}: not an e-mail address") from None


def _refuse_taken(values: dict[str, Any], user: User | None) -> None:
    taken = [named(values["user_name"]), User.email == values["email"]]
    if values["external_id"]:
        taken.append(User.external_id == values["external_id"])
    if session.scalar(select(User.id).where(or_(*taken), User.id != (user.id if user else 0)).limit(1)) is not None:
        raise UniquenessException(detail="Somebody else has this userName, externalId or e-mail address")


def _flush(user: User) -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        session.expire(user) if user.id else None
        raise UniquenessException(detail="Somebody else got this userName, externalId or address just now") from None
