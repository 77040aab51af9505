"""Commands that prove contact methods: send a code, take it back, send a test."""

from __future__ import annotations

import secrets as random
from datetime import timedelta

from sqlalchemy import func, select

from app.core import clock, secrets
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Conflict, RateLimited
from app.identity.models import User
from app.notifications import events, queries, service
from app.notifications.compose import seal_data
from app.notifications.contacts import MOST, only_owner, say
from app.notifications.models import ContactCode, ContactMethod, Message

CODE_LIVES, RESEND = timedelta(minutes=15), timedelta(seconds=60)
TRIES, PER_ADDRESS_HOUR, PER_PERSON_DAY = 5, 5, 20


def send_code(method: ContactMethod, *, by: Actor) -> Message:
    """Send a fresh code to that very address. At most one a minute, 5 an hour, 20 a person and day."""
    only_owner(method.user, by)
    locked(ContactMethod, method.id)
    sent = select(func.count()).select_from(ContactCode)
    here, now = sent.where(ContactCode.method_id == method.id), clock.now()
    today = sent.join(ContactMethod).where(ContactMethod.user_id == method.user_id)
    if session.scalar(here.where(ContactCode.sent_at > now - RESEND)):
        raise RateLimited("A code was sent less than a minute ago", after=60)
    if (session.scalar(here.where(ContactCode.sent_at > now - timedelta(hours=1))) or 0) >= PER_ADDRESS_HOUR or (
            session.scalar(today.where(ContactCode.sent_at > now - timedelta(days=1))) or 0) >= PER_PERSON_DAY:
        raise RateLimited("Too many codes were sent. Try again later", after=3600)
    code = f"{random.randbelow(10**6):06d}"
    session.add(ContactCode(method_id=method.id, code_hash=_hash(method, code), sent_at=now,
                            expires_at=now + CODE_LIVES))
    message = service.plain_message("code", method, once=f"code:{method.id}:{now.timestamp()}")[0]
    seal_data(message, {"code": code})
    return message


def prove(method: ContactMethod, code: str, *, by: Actor) -> bool:
    """The code came back: the method is proven. A wrong one counts; the fifth voids it. Says whether it was right."""
    only_owner(method.user, by)
    locked(ContactMethod, method.id)
    newest = session.scalar(select(ContactCode).where(ContactCode.method_id == method.id)
                            .order_by(ContactCode.id.desc()).limit(1))
    if newest is None or newest.used_at or newest.expires_at < clock.now() or newest.tries >= TRIES:
        raise Conflict("This code is no longer valid. Ask for a new one.")
    newest.tries += 1
    if not secrets.same(newest.code_hash, _hash(method, code.strip())):
        return False
    newest.used_at = method.proven_at = clock.now()
    method.disabled_at, method.disabled_reason = None, ""
    say(events.METHOD_PROVEN, method, by)
    return True


def _hash(method: ContactMethod, code: str) -> str:
    """Bound to the address: what was sent to a former one proves nothing."""
    return secrets.digest(f"{method.id}:{method.channel}:{method.address}:{code}")


def test_pages(user: User, *, by: Actor) -> list[Message]:
    """One test message by every usable method, the real way; once a minute."""
    only_owner(user, by)
    methods = queries.usable([user.id]).get(user.id, [])
    if not methods:
        raise Conflict("You have no proven contact method: nobody could page you")
    minute = int(clock.now().timestamp()) // 60
    not_twice(user)
    fresh = [message for method in methods
             for message in service.plain_message("test", method, once=f"test:{method.id}:{minute}")]
    if not fresh:
        raise RateLimited("A test was sent less than a minute ago", after=60)
    return fresh


def test_method(method: ContactMethod, *, by: Actor) -> list[Message]:
    """One test message by this method, the real way, once a minute; only its owner may."""
    only_owner(method.user, by)
    if not method.usable:
        raise Conflict(f"{method.name} is not proven, so no page goes there")
    not_twice(method.user)
    return service.plain_message("test", method, once=f"test:{method.id}:{clock.now().timestamp():.0f}")


def not_twice(user: User) -> None:
    """Raise RateLimited when the person had a test within the last minute."""
    if session.scalar(select(Message.id).where(Message.user_id == user.id, Message.kind == "test",
                                               Message.queued_at > clock.now() - RESEND).limit(1)):
        raise RateLimited("A test was sent less than a minute ago", after=60)


def vouch(user: User, address: str) -> None:
    """The address that somebody trusted vouches for is proven; without such a method the person gets one."""
    mail = [method for method in queries.methods_of(user) if method.channel == "email"]
    method = next((one for one in mail if one.address.lower() == address), None)
    if method is None:
        names = {one.name for one in queries.methods_of(user)}
        numbered = (f"mail {number}" for number in range(2, MOST + 3))
        name = next(text for text in ("mail", *numbered) if text not in names)
        method = ContactMethod(user_id=user.id, name=name, channel="email", address=address)
        method.user = user
        session.add(method)
        session.flush()
        say(events.METHOD_ADDED, method, SYSTEM)
    if method.proven_at is None:
        method.proven_at = clock.now()
        say(events.METHOD_PROVEN, method, SYSTEM)


def link(user: User, channel: str, address: str, *, by: Actor, name: str) -> ContactMethod:
    """An address that was shown to be theirs becomes a proven contact method; the same again changes nothing."""
    only_owner(user, by)
    known = queries.methods_of(user)
    method = next((one for one in known if (one.channel, one.address.lower()) == (channel, address.lower())), None)
    if method is None:
        if len(known) >= MOST:
            raise Conflict(f"A person has at most {MOST} contact methods")
        names = {one.name for one in known}
        free = next(text for text in (name, *(f"{name} {number}" for number in range(2, MOST + 3))) if text not in names)
        method = ContactMethod(user_id=user.id, name=free[:60], channel=channel, address=address)
        method.user = user
        session.add(method)
        session.flush()
        say(events.METHOD_ADDED, method, by)
    if not method.usable:
        method.proven_at, method.disabled_at, method.disabled_reason = clock.now(), None, ""
        say(events.METHOD_PROVEN, method, by)
    return method
