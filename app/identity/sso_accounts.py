"""Which account an identity opens: the one bound to its issuer and subject, and never one found by address alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import alone, session
from app.core.events import record
from app.core.forms import email_address
from app.identity import events, rules
from app.identity.models import Identity, User
from app.identity.queries import user_by_email, user_document
from app.identity.sso import Refused

Claims = Mapping[str, Any]


def person_for(claims: Claims, *, by: Actor) -> User:
    """The person whom these checked claims name, linked or created by the rules IDN-01 and IDN-03. Raises Refused."""
    alone("single sign-on")
    bound = identity_of(claims)
    user = bound.user if bound is not None else _unbound(claims, by)
    if not user.is_active:
        raise Refused("the account is deactivated")
    return user


def identity_of(claims: Claims) -> Identity | None:
    """The identity with this issuer and subject, None while it is new."""
    return session.scalar(select(Identity).where(Identity.issuer == claims["iss"], Identity.subject == claims["sub"]))


def _unbound(claims: Claims, by: Actor) -> User:
    email = address_in(claims)
    user = user_by_email(email)
    if user is None:
        if current_app.config["OIDC_CREATE"] != "yes":
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
    return user


def address_in(claims: Claims) -> str:
    """The e-mail address that the provider states, in lower case. Raises Refused when it is none."""
    try:
        return email_address(claims.get("email"))
    except ValueError:
        raise Refused("the provider states no e-mail address") from None


def _new(claims: Claims, email: str, by: Actor) -> User:
    name = claims.get("name")
    named = name.strip()[:200] if isinstance(name, str) and name.strip() and name.isprintable() else email
    user = User(email=email, name=named, role="member", memberships=[])
    session.add(user)
    session.flush()
    record(events.USER_CREATED, user.ref, by=by, name=user.name, after=user_document(user))
    return user
