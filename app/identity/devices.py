"""Kept devices: a token of 90 days begins a new login when the one before has ended, and is replaced at each use."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, update

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.events import record
from app.core.secrets import digest, new_token, same
from app.identity import events, rules
from app.identity.models import Device, LoginSession, User
from app.identity.queries import allow

# `name.secret`: the name stays with the device, the secret is replaced; whoever shows the name with another secret
# holds a copy of what was replaced.
DOT = "."


def keep(login: LoginSession) -> str:
    """Keep this person signed in on the device of this login; the device's first token."""
    name, secret = new_token(), new_token()
    device = Device(user_id=login.user_id, name_hash=digest(name), secret_hash=digest(secret), ip=login.ip,
                    agent=login.agent, road=login.road)
    session.add(device)
    session.flush()
    login.device_id = device.id
    by = Actor(login.user.ref, login.user.name, "web", login.user_id, ip=login.ip, agent=login.agent)
    record(events.DEVICE_KEPT, login.user.ref, by=by)
    return f"{name}{DOT}{secret}"


def renew(token: str, *, by: Actor) -> tuple[Device, str] | None:
    """The device of this token, and the token that replaces it; None when it opens nothing.

    A token that was replaced already is a copy: the device and all its logins end (OAuth 2.0 Security BCP, RFC 9700,
    4.14.2, on refresh tokens).
    """
    name, _, secret = token.partition(DOT)
    found = session.scalar(select(Device).where(Device.name_hash == digest(name)))
    device = locked(Device, found.id) if found is not None else None
    if device is None or not rules.device_valid(device.last_used_at, device.ended_at, clock.now()):
        return None
    if not same(device.secret_hash, digest(secret)):
        _end(Device.id == device.id)
        record(events.DEVICE_COPIED, device.user.ref, by=by, name=device.user.name)
        return None
    if not device.user.is_active:
        return None
    fresh = new_token()
    device.secret_hash, device.last_used_at = digest(fresh), clock.now()
    device.ip, device.agent = by.ip[:64], by.agent[:300]
    return device, f"{name}{DOT}{fresh}"


def end(device: Device, *, by: Actor) -> None:
    """The device is kept no longer, and the logins that it began end."""
    allow(by, "own.edit" if by.user_id == device.user_id else "people.edit")
    if device.ended_at is None:
        _end(Device.id == device.id)
        record(events.DEVICE_ENDED, device.user.ref, by=by, name=device.user.name)


def end_behind(user: User, *, only: int | None = None, but: int | None = None) -> None:
    """End a person's devices as part of ending logins: all, that of the login `only`, or all but that of `but`."""
    behind = select(LoginSession.device_id).where(LoginSession.device_id.is_not(None))
    if only is not None:
        _end(Device.user_id == user.id, Device.id.in_(behind.where(LoginSession.id == only)))
    else:
        _end(Device.user_id == user.id, Device.id.not_in(behind.where(LoginSession.id == (but or 0))))


def _end(*which: ColumnElement[bool]) -> None:
    chosen = select(Device.id).where(Device.ended_at.is_(None), *which)
    session.execute(update(LoginSession).where(LoginSession.device_id.in_(chosen), LoginSession.ended_at.is_(None))
                    .values(ended_at=clock.now()))
    session.execute(update(Device).where(Device.ended_at.is_(None), *which).values(ended_at=clock.now()))


def kept_by(user: User) -> list[Device]:
    """The devices on which a person stays signed in, the last used first."""
    found = session.scalars(select(Device).where(Device.user_id == user.id, Device.ended_at.is_(None))
                            .order_by(Device.last_used_at.desc(), Device.id.desc()))
    return [device for device in found if rules.device_valid(device.last_used_at, device.ended_at, clock.now())]
