"""What proves who somebody is: passwords, API tokens and one-time links. Only hashes of them are kept."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import delete, update

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden
from app.core.events import record
from app.core.forms import Problems, check_list, check_text, one_of, unique
from app.core.secrets import digest, new_token
from app.identity import events, rules
from app.identity.models import ApiToken, SetupLink, User
from app.identity.queries import allow, may

if TYPE_CHECKING:
    from argon2 import PasswordHasher

COMMON = Path(__file__).with_name("common_passwords.txt")
# Each hash takes 19 MiB and a core for some 20 ms: a flood of wrong passwords must not take all of either.
_room = BoundedSemaphore(4)


@cache
def _hasher() -> PasswordHasher:
    """argon2id with 19 MiB, 2 passes and 1 lane (OWASP Password Storage Cheat Sheet)."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


@cache
def _common() -> frozenset[str]:
    return frozenset(line.strip() for line in COMMON.read_text().splitlines() if line and not line.startswith("#"))


@cache
def _nobodys_hash() -> str:
    """What a password is compared with where there is none, so that the answer takes as long."""
    return _hasher().hash(new_token())


def check_password(password: object, *, name: str, email: str) -> str:
    """The password, if it may be one. Raises ValueError with a sentence."""
    text = password if isinstance(password, str) else ""
    fault = rules.password_fault(text, name=name, email=email, common=_common())
    if fault:
        raise ValueError(fault)
    return text


def hash_password(password: str) -> str:
    """What is stored of a password."""
    with _room:
        return _hasher().hash(password.encode("utf-8", "surrogatepass"))


def password_matches(stored: str | None, password: str) -> bool:
    """Whether the password is right; equally slow without a stored hash. Takes some 20 ms."""
    from argon2.exceptions import InvalidHashError, VerificationError

    typed = password.encode("utf-8", "surrogatepass") if len(password) <= 200 else b""
    with _room:
        try:
            return _hasher().verify(stored or _nobodys_hash(), typed) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def create_token(
    user: User, *, by: Actor, name: object = "", scopes: object = None, days: int | None = None,
) -> tuple[ApiToken, str]:
    """A new API token of this person, and its text, which nobody can read again. `scopes` None: all of their rights.

    For oneself, or by a platform admin for others; never more than the token that asks.
    """
    _own(user, by)
    problems = Problems()
    label = problems.take("name", check_text, name or "API token", least=1, most=100, label="The name")
    wanted = _checked_scopes(problems, scopes)
    if days is not None and not 1 <= days <= 365:
        problems.add("expires_days", "A token may live 1 to 365 days")
    problems.raise_if_any()
    _no_more_rights(wanted, by)
    text = new_token("oc_")
    token = ApiToken(user_id=user.id, user=user, name=label, token_hash=digest(text), last4=text[-4:], scopes=wanted,
                     expires_at=clock.now() + timedelta(days=days) if days else None)
    session.add(token)
    session.flush()
    record(events.TOKEN_CREATED, token.ref, by=by, also=[user.ref], name=label, owner=user.name, scopes=wanted or [],
           expires_at=clock.rfc3339(token.expires_at) or "never")
    return token, text


def _checked_scopes(problems: Problems, scopes: object) -> list[str] | None:
    given = problems.take("scopes", check_list, scopes, most=20, label="Scopes")
    found = [problems.take(f"scopes[{at}]", one_of, scope, choices=rules.SCOPES)
             for at, scope in enumerate(given or [])]
    return unique(scope for scope in found if scope) or None


def _no_more_rights(wanted: list[str] | None, by: Actor) -> None:
    """A token can't make one with more rights than it has; scopes admin and scim are given by admins only."""
    if by.scopes is not None and "admin" not in by.scopes and (wanted is None or not set(wanted) <= by.scopes):
        raise Forbidden("A token can't make one that may do more than itself.")
    if wanted and {"admin", "scim"} & set(wanted) and not may(by, "admin"):
        raise Forbidden("Only platform admins make tokens with the scopes admin or scim.")


def revoke_token(token: ApiToken, *, by: Actor) -> ApiToken:
    """From now on the token opens nothing."""
    _own(token.user, by)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        record(events.TOKEN_REVOKED, token.ref, by=by, also=[token.user.ref], name=token.name, owner=token.user.name)
    return token


def _own(user: User, by: Actor) -> None:
    allow(by, "own.edit" if by.user_id == user.id else "people.edit")


def make_link(user: User | None, *, by: Actor) -> str:
    """The address of a new one-time link, for this person or (None) for the first admin. Older ones die."""
    if user is not None:
        allow(by, "people.edit")
    session.execute(delete(SetupLink).where(SetupLink.user_id == (user.id if user else None),
                                            SetupLink.used_at.is_(None)))
    token = new_token()
    session.add(SetupLink(user_id=user.id if user else None, token_hash=digest(token),
                          expires_at=clock.now() + rules.LINK_LASTS))
    session.flush()
    if user is not None:
        record(events.LINK_CREATED, user.ref, by=by, name=user.name)
    return f"{current_app.config['BASE_URL']}/setup/{token}"


def take_link(link: SetupLink) -> bool:
    """Use the link up; False when somebody else just did."""
    taken = session.execute(update(SetupLink).where(SetupLink.id == link.id, SetupLink.used_at.is_(None))
                            .values(used_at=clock.now()))
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def drop_credentials(user: User) -> None:
    """End every token and unused link of a person who may no longer come in."""
    session.execute(update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
                    .values(revoked_at=clock.now()))
    session.execute(delete(SetupLink).where(SetupLink.user_id == user.id, SetupLink.used_at.is_(None)))
