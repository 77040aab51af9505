"""Signing in and out: attempts and locks, login sessions, first set-up, and new passwords."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from math import ceil
from typing import Any

from flask import current_app
from sqlalchemy import delete, func, select, update

from app.core import clock
from app.core.access import Actor
from app.core.db import alone, session
from app.core.errors import NotFound, RateLimited
from app.core.events import record
from app.core.forms import Problems, check_text, email_address, refuse, time_zone
from app.core.secrets import digest, new_token
from app.identity import credentials, devices, events, rules
from app.identity.models import ApiToken, FailedLogin, LoginSession, User
from app.identity.queries import allow, anybody, setup_link, user_by_email, user_document

KEPT = timedelta(hours=2)
NOBODY = "anonymous"


@dataclass(frozen=True)
class Attempt:
    """Somebody typed an e-mail address and a password. `user_id` is None where nobody has this address."""

    email: str
    ip: str
    user_id: int | None
    password_hash: str | None


def begin_attempt(email: str, *, ip: str) -> Attempt:
    """Count the attempt before the password is looked at, so that many at once get no more tries than five.

    Raises RateLimited while the account or the address is locked; such a call counts nothing and writes nothing.
    """
    email = email.strip().lower()[:254]
    alone(f"sign-in {email}")
    _refuse_locked(f"email:{email}", rules.ACCOUNT_TRIES, rules.ACCOUNT_LOCK)
    _refuse_locked(f"ip:{ip}", rules.ADDRESS_TRIES, rules.ADDRESS_LOCK)
    session.execute(delete(FailedLogin).where(FailedLogin.at < clock.now() - KEPT))
    session.add_all([FailedLogin(subject=f"email:{email}"), FailedLogin(subject=f"ip:{ip}")])
    session.flush()
    user = user_by_email(email)
    active = user is not None and user.is_active
    serves = user is not None and active and password_serves(user)
    return Attempt(email, ip, user.id if user else None, user.password_hash if user and serves else None)


def password_serves(user: User) -> bool:
    """Whether the settings let this person in with a password at all."""
    config = current_app.config
    single_sign_on = bool(config["OIDC_ISSUER"] and config["OIDC_CLIENT_ID"])
    return rules.password_serves(config["PASSWORD_LOGIN"], single_sign_on, user.break_glass)


def _refuse_locked(subject: str, tries: int, lasts: timedelta) -> None:
    until = rules.locked_until(_failures(subject), tries, lasts)
    if until is not None and until > clock.now():
        seconds = ceil((until - clock.now()).total_seconds())
        raise RateLimited(f"Too many wrong passwords. Try again in {ceil(seconds / 60)} min.", after=seconds)


def _failures(subject: str) -> list[Any]:
    return list(session.scalars(select(FailedLogin.at).where(FailedLogin.subject == subject)
                                .order_by(FailedLogin.at, FailedLogin.id)))


def refuse_attempt(attempt: Attempt, *, by: Actor) -> None:
    """Write down that the password was wrong, and the lock if this was one too many."""
    subject = f"user:{attempt.user_id}" if attempt.user_id else NOBODY
    shown = attempt.email if _is_address(attempt.email) else "an unknown address"
    record(events.SIGN_IN_FAILED, subject, by=by, email=shown)
    until = rules.locked_until(_failures(f"email:{attempt.email}"), rules.ACCOUNT_TRIES, rules.ACCOUNT_LOCK)
    if until is not None and until > clock.now():
        record(events.LOCKED, subject, by=by, email=shown, until=clock.rfc3339(until))


def _is_address(text: str) -> bool:
    """People type passwords into the field above: only what is an address may stand in the log."""
    try:
        return bool(email_address(text))
    except ValueError:
        return False


def accept_attempt(attempt: Attempt, *, by: Actor, road: str = "password") -> tuple[User, str]:
    """The password was right: forget the account's wrong ones and open a login. Its person, and the cookie's value."""
    user = session.get_one(User, attempt.user_id)
    if not user.is_active or user.password_hash != attempt.password_hash:
        raise NotFound("This account changed a moment ago. Sign in again.")
    session.execute(delete(FailedLogin).where(FailedLogin.subject == f"email:{attempt.email}"))
    _take_back(f"ip:{attempt.ip}")
    return user, open_login(user, ip=by.ip, agent=by.agent, road=road)


def half_accept(attempt: Attempt) -> None:
    """The password was right and a code must follow: this attempt does not count, wrong codes before it still do."""
    _take_back(f"email:{attempt.email}")
    _take_back(f"ip:{attempt.ip}")


def _take_back(subject: str) -> None:
    newest = select(func.max(FailedLogin.id)).where(FailedLogin.subject == subject).scalar_subquery()
    session.execute(delete(FailedLogin).where(FailedLogin.id == newest))


def open_login(user: User, *, ip: str, agent: str, road: str = "password", device: int | None = None) -> str:
    """A new login of this person; its cookie value, of which only a hash is kept. `road` is how they came in; one that
    a kept `device` begins proves nothing."""
    token = new_token()
    session.add(LoginSession(user_id=user.id, token_hash=digest(token), ip=ip[:64], agent=agent[:300], road=road,
                             device_id=device, proved_at=None if device else clock.now()))
    user.last_login_at = clock.now()
    session.flush()
    record(events.SIGNED_IN, user.ref, by=Actor(user.ref, user.name, "web", user.id, ip=ip, agent=agent))
    return token


def prove(login: LoginSession, *, road: str = "") -> str:
    """The person proved again who they are: the login goes on under a new cookie value, which is returned."""
    token = new_token()
    login.token_hash, login.proved_at, login.road = digest(token), clock.now(), road or login.road
    by = Actor(login.user.ref, login.user.name, "web", login.user_id, ip=login.ip, agent=login.agent)
    record(events.PROVED, login.user.ref, by=by)
    return token


def sign_out(login: LoginSession, *, by: Actor) -> None:
    """End this login; its cookie opens nothing from now on, wherever it was copied to."""
    if login.ended_at is None:
        close_logins(login.user, only=login.id)
        record(events.SIGNED_OUT, login.user.ref, by=by)


def end_logins(user: User, *, by: Actor, only: int | None = None, but: int | None = None) -> int:
    """End a person's logins: all, `only` the one with this id, or all `but` one. Their number."""
    allow(by, "own.edit" if by.user_id == user.id else "people.edit")
    count = close_logins(user, only=only, but=but)
    if count:
        record(events.LOGIN_ENDED, user.ref, by=by, name=user.name, count=count)
    return count


def close_logins(user: User, *, only: int | None = None, but: int | None = None) -> int:
    """End logins as part of a greater command, which records why."""
    chosen = update(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
    if only is not None:
        chosen = chosen.where(LoginSession.id == only)
    if but is not None:
        chosen = chosen.where(LoginSession.id != but)
    done = session.execute(chosen.values(ended_at=clock.now()))
    devices.end_behind(user, only=only, but=but)
    return int(done.rowcount)  # type: ignore[attr-defined]


def note_seen(login_id: int) -> None:
    """Remember that this login was just in use; asked at most every 5 minutes."""
    session.execute(update(LoginSession).where(LoginSession.id == login_id).values(last_seen_at=clock.now()))


def note_used(token_id: int) -> None:
    """Remember that this API token was just in use; asked at most once a minute."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=clock.now()))


def set_password(user: User, password: str, *, by: Actor, keep: int | None = None) -> None:
    """Replace a checked password: every other login ends (but `keep`), and a lock on the account is lifted."""
    user.password_hash = credentials.hash_password(password)
    close_logins(user, but=keep)
    session.execute(delete(FailedLogin).where(FailedLogin.subject == f"email:{user.email}"))
    record(events.PASSWORD_CHANGED, user.ref, by=by, name=user.name)


def change_password(user: User, present: str, new: str, *, by: Actor, keep: int | None = None) -> None:
    """The person's own change: proves the present password first. Raises Invalid naming the field."""
    allow(by, "own.edit" if by.user_id == user.id else "admin")
    if not credentials.password_matches(user.password_hash, present):
        refuse("present", "This is not your present password")
    problems = Problems()
    clean = problems.take("password", credentials.check_password, new, name=user.name, email=user.email)
    problems.raise_if_any()
    set_password(user, str(clean), by=by, keep=keep)


def reset_password(user: User, new: str, *, by: Actor) -> None:
    """An operator's or admin's change: ends all logins and lifts a lock. Raises Invalid on a password that can't be."""
    allow(by, "admin")
    problems = Problems()
    clean = problems.take("password", credentials.check_password, new, name=user.name, email=user.email)
    problems.raise_if_any()
    set_password(user, str(clean), by=by)


def use_link(token: str, values: Mapping[str, str], *, ip: str, agent: str) -> tuple[User, str]:
    """Follow a one-time link: make the first admin, or set the password of the person it is for; then sign them in.

    Raises NotFound when the link is dead, Invalid when what was typed can't be taken (the link lives on).
    """
    link = setup_link(token)
    if link is None:
        raise NotFound("This link was used already or is older than 24 hours.")
    user, password = _first_admin(values) if link.user is None else _invited(link.user, values)
    alone("first set-up")
    if (link.user is None and anybody()) or not credentials.take_link(link):
        raise NotFound("This link was used already.")
    by = Actor(user.ref, user.name, "web", user.id, ip=ip, agent=agent)
    if link.user is None:
        user.password_hash, user.break_glass = credentials.hash_password(password), True
        session.add(user)
        session.flush()
        by = replace(by, ref=user.ref, user_id=user.id)
        record(events.USER_CREATED, user.ref, by=by, name=user.name, after=user_document(user))
        record(events.SETUP_COMPLETED, user.ref, by=by)
    else:
        set_password(user, password, by=by)
    return user, open_login(user, ip=ip, agent=agent, road="link")


def _first_admin(values: Mapping[str, str]) -> tuple[User, str]:
    problems = Problems()
    name = problems.take("name", check_text, values.get("name"), least=1, most=200, label="Your name") or ""
    email = problems.take("email", email_address, values.get("email")) or ""
    zone = problems.take("time_zone", time_zone, values.get("time_zone") or "UTC")
    password = problems.take("password", credentials.check_password, values.get("password"), name=name, email=email)
    problems.raise_if_any()
    return User(name=name, email=email, role="admin", time_zone=zone, memberships=[]), str(password)


def _invited(user: User, values: Mapping[str, str]) -> tuple[User, str]:
    problems = Problems()
    password = problems.take("password", credentials.check_password, values.get("password"), name=user.name,
                             email=user.email)
    problems.raise_if_any()
    return user, str(password)
