"""What the pages of signing in and proving it show: one dataclass a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import segno
from flask import current_app
from sqlalchemy import func, select

from app.core.db import session
from app.core.errors import Problem
from app.core.events import Event
from app.identity import events, factors, rules, signin, sso
from app.identity.models import Identity, LoginSession, User
from app.identity.pages import Errors, Form, errors_of


@dataclass(frozen=True)
class LoginPage:
    """The sign-in form. `folded`: passwords are for the day on which single sign-on does not work."""

    email: str = ""
    next: str = "/"
    problem: str = ""
    single_sign_on: bool = False
    folded: bool = False


def login_page(*, email: str = "", next: str = "/", problem: str = "") -> LoginPage:
    """The form as the settings want it."""
    on = sso.provider() is not None
    folded = not rules.password_serves(current_app.config["PASSWORD_LOGIN"], on, False)
    return LoginPage(email, next, problem, on, on and folded and not (email or problem))


@dataclass(frozen=True)
class CodePage:
    """The form for the code that follows the password."""

    problem: str = ""


@dataclass(frozen=True)
class ProofPage:
    """The ways in which this person can prove again who they are."""

    email: str
    next: str
    problem: str
    password: bool
    code: bool
    passkeys: bool
    single_sign_on: bool


def proof_page(login: LoginSession, *, next: str, problem: str = "") -> ProofPage:
    """What this person has; a password only where it serves."""
    user = login.user
    held = factors.factors_of(user)
    serves = user.password_hash is not None and signin.password_serves(user)
    return ProofPage(user.email, next, problem, serves, held.codes, bool(held.passkeys),
                     sso.provider() is not None and factors.is_linked(user))


@dataclass(frozen=True)
class FactorsPage:
    """My second factors. `picture` and `secret` are there while the first code is still to come, `recovery` once."""

    user: User
    held: factors.Factors
    must: bool
    picture: str = ""
    secret: str = ""
    recovery: list[str] = field(default_factory=list)
    errors: Errors = field(default_factory=dict)
    most_passkeys: int = rules.MOST_PASSKEYS


def factors_page(user: User, login: LoginSession, *, recovery: Iterable[str] = (),
                 problems: Iterable[Problem] = ()) -> FactorsPage:
    """The page, with the picture that an application reads (as an image: the policy allows no inline style)."""
    address = factors.waiting(user)
    picture = segno.make(address, error="m").svg_data_uri(scale=5, dark="#000", light="#fff") if address else ""
    return FactorsPage(user, factors.factors_of(user), factors.missing(login), picture, _secret(address),
                       list(recovery), errors_of(problems))


def _secret(address: str | None) -> str:
    """The secret in groups of four, for typing."""
    text = address.partition("secret=")[2].partition("&")[0] if address else ""
    return " ".join(text[at:at + 4] for at in range(0, len(text), 4))


# Of the token itself, not of the person.
ABOUT_THE_TOKEN = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
MOST_BREAK_GLASS = 3


@dataclass(frozen=True)
class SsoPage:
    """`claims`: what the provider just said, None when nobody tried; `break_glass`: accounts of last resort."""

    provider: sso.Provider | None
    callback: str
    password_login: str
    second_factor: str
    linked: int
    break_glass: list[User]
    too_many: bool
    refusals: list[Event]
    claims: list[tuple[str, str]] | None
    form: Form
    errors: Errors


def sso_page(claims: Mapping[str, Any] | None = None, *, form: Form | None = None,
             problems: Iterable[Problem] = ()) -> SsoPage:
    """The page, with what was said in the order of names, and what was typed when it was refused."""
    config, idp = current_app.config, sso.provider()
    local = list(session.scalars(select(User).where(User.break_glass, User.state == "active").order_by(User.name)))
    refused = session.scalars(select(Event).where(Event.kind == events.SSO_REFUSED.name)
                              .order_by(Event.id.desc()).limit(10))
    said = None if claims is None else sorted(
        (name, str(value)) for name, value in claims.items() if name not in ABOUT_THE_TOKEN)
    claim, wanted = sso.role_map()
    present = {"issuer": idp.issuer, "client_id": idp.client_id, "scopes": idp.scopes, "creates": idp.creates} if idp else {
        "scopes": "openid email profile", "creates": True}
    typed = form or {**present, "role_claim": claim, "admin_values": ", ".join(wanted)}
    return SsoPage(
        idp, f"{config['BASE_URL']}/login/sso/callback", sso.mode(), config["REQUIRE_SECOND_FACTOR"],
        session.scalar(select(func.count(Identity.id))) or 0, local, len(local) > MOST_BREAK_GLASS, list(refused), said,
        typed, errors_of(problems))
