"""The page about single sign-on: what is set, what to enter at the provider, what it says, and what was refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from app.core.db import session
from app.core.events import Event
from app.identity import events, rules, sso
from app.identity.models import Identity, User

# Of the token itself, not of the person.
ABOUT_THE_TOKEN = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
MOST_BREAK_GLASS = 3


@dataclass(frozen=True)
class SsoPage:
    """`claims`: what the provider just said, None when nobody tried; `break_glass`: accounts of last resort."""

    provider: sso.Provider | None
    callback: str
    creates: bool
    password_login: str
    second_factor: str
    linked: int
    break_glass: list[User]
    too_many: bool
    refusals: list[Event]
    claims: list[tuple[str, str]] | None


def sso_page(claims: Mapping[str, Any] | None = None) -> SsoPage:
    """The page, with what was said in the order of names."""
    config, idp = current_app.config, sso.provider()
    local = list(session.scalars(select(User).where(User.break_glass, User.state == "active").order_by(User.name)))
    refused = session.scalars(select(Event).where(Event.kind == events.SSO_REFUSED.name)
                              .order_by(Event.id.desc()).limit(10))
    said = None if claims is None else sorted(
        (name, str(value)) for name, value in claims.items() if name not in ABOUT_THE_TOKEN)
    return SsoPage(
        idp, f"{config['BASE_URL']}/login/sso/callback", config["OIDC_CREATE"] == "yes", mode(),
        config["REQUIRE_SECOND_FACTOR"], session.scalar(select(func.count(Identity.id))) or 0, local,
        len(local) > MOST_BREAK_GLASS, list(refused), said)


def mode() -> str:
    """Who may sign in with a password: `everyone` or `break-glass`."""
    serves = rules.password_serves(current_app.config["PASSWORD_LOGIN"], sso.provider() is not None, False)
    return "everyone" if serves else "break-glass"
