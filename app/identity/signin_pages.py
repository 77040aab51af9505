"""What the pages of signing in and proving it show: one dataclass a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import segno
from flask import current_app

from app.core.errors import Problem
from app.identity import factors, rules, signin, sso
from app.identity.models import LoginSession, User
from app.identity.pages import Errors, errors_of


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
