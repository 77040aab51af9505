"""Which account an identity opens: the one bound to its issuer and subject, and never one found by address alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import alone, session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import email_address
from app.identity import events, rules, sso_settings
from app.identity.models import Identity, User
from app.identity.queries import from_directory, user_by_email, user_document
from app.identity.service import keep_an_admin
from app.identity.sso import Refused

log = structlog.get_logger()
Claims = Mapping[str, Any]


def person_for(claims: Claims, *, by: Actor) -> User:
    """The person whom these checked claims name, linked or created by the rules IDN-01 and IDN-03. Raises Refused."""
    alone("single sign-on")
    bound = identity_of(claims)
    user = bound.user if bound is not None else _unbound(claims, by)
    if not user.is_active:
        raise Refused("the account is deactivated")
    _follow(user, claims)
    return user


def _follow(user: User, claims: Claims) -> None:
    """Name and role follow the provider, where it tells them and no directory decides. The last admin stays one."""
    before, said, admin = user_document(user), _name_in(claims), sso_settings.says_admin(claims)
    if said and not from_directory(user):
        user.name = said
    if admin is not None and user.role != ("admin" if admin else "member"):
        try:
            keep_an_admin(user)
            user.role = "admin" if admin else "member"
        except Conflict as refusal:
            log.warning("identity_provider.role_kept", reason=refusal.detail)
    session.flush()
    if user_document(user) != before:
        itself = Actor(user.ref, user.name, "single sign-on", user_id=user.id)
        record(events.USER_CHANGED, user.ref, by=itself, name=user.name, before=before, after=user_document(user))


def identity_of(claims: Claims) -> Identity | None:
    """The identity with this issuer and subject, None while it is new."""
    return session.scalar(select(Identity).where(Identity.issuer == claims["iss"], Identity.subject == claims["sub"]))


def _unbound(claims: Claims, by: Actor) -> User:
    email = address_in(claims)
    user = user_by_email(email)
    if user is None:
        idp = sso_settings.provider()
        if idp is None or not idp.creates:
            raise Refused("there is no account for this person, and a first sign-in creates none")
        user = _new(claims, email, by)
    else:
        taken = session.scalar(select(Identity.id).where(Identity.user_id == user.id).limit(1)) is not None
        fault = rules.link_fault(claims.get("email_verified"), user.password_hash is not None, user.break_glass, taken)
        if fault:
            raise Refused(fault)
    session.add(Identity(user_id=user.id, user=user, issuer=str(claims["iss"]), subject=str(claims["sub"])))
    session.flush()
    record(events.IDENTITY_LINKED, user.ref, by=by, name=user.name, issuer=str(claims["iss"]),
           verified=claims.get("email_verified") is True)
    if claims.get("email_verified") is True:
        record(events.ADDRESS_VOUCHED, user.ref, by=by, name=user.name, email=email)
    return user


def address_in(claims: Claims) -> str:
    """The e-mail address that the provider states, in lower case. Raises Refused when it is none."""
    try:
        return email_address(claims.get("email"))
    except ValueError:
        raise Refused("the provider states no e-mail address") from None


def _name_in(claims: Claims) -> str:
    """The name that the provider states, "" when it states none that can be shown."""
    name = claims.get("name")
    return name.strip()[:200] if isinstance(name, str) and name.strip() and name.isprintable() else ""


def _new(claims: Claims, email: str, by: Actor) -> User:
    user = User(email=email, name=_name_in(claims) or email, role="member", memberships=[])
    session.add(user)
    session.flush()
    record(events.USER_CREATED, user.ref, by=by, name=user.name, after=user_document(user))
    return user
