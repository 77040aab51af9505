"""Commands that write messages into the outbox: pages by people's rules, notices, tests. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, true, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import record
from app.core.jobs import wake
from app.identity.models import User
from app.incidents.models import Incident
from app.notifications import bundles, events, queries, quiet, rules
from app.notifications.models import ContactMethod, Message

EXPIRES, AT_ONCE, APART = timedelta(minutes=30), timedelta(seconds=5), timedelta(seconds=30)
NOTICES, NOTICES_APART = ("acknowledged", "resolved", "assigned", "merged"), timedelta(seconds=60)
UNDER_WAY = ("sending", "sent", "delivered", "unsent")
TOLD = "told"  # a message to somebody by name; it replaces no notice
SEND = "app.notifications.ticks.send"


@dataclass(frozen=True)
class Paging:
    """Why people are paged: level and round of a run (counted from 0), and the reason by user id.
    `again`: the fact because of which the same round is paged once more."""

    run_id: int
    level: int
    round: int
    reasons: Mapping[int, str] = field(default_factory=dict)
    again: str = ""


def page(incident: Incident, people: Sequence[User], paging: Paging) -> list[Message]:
    """Queue each person's messages by their own rules, later ones with their due time. A repeat creates nothing."""
    _begin_anew(incident, people, paging)
    prefix = f"page:{paging.run_id}:{paging.round}:{paging.level}" + (f":{paging.again}" if paging.again else "")
    written, told = _by_rules("page", incident, people, prefix), _just_told(paging)
    bundles.gather(incident, written)
    for message in written:
        message.run_id, message.level, message.round = paging.run_id, paging.level, paging.round
        message.reason = paging.reasons.get(message.user_id, "")
        if message.next_at <= message.queued_at and message.method_id in told:
            message.next_at = told[message.method_id] + APART
    return _keep(written)


def lost(incident: Incident, people: Sequence[int], paging: Paging) -> None:
    """A level means people whom nothing reaches: managers and admins hear of it, and a copy goes out on the off-chance."""
    for user in session.scalars(select(User).where(User.id.in_(people)).order_by(User.id)) if people else ():
        record(events.UNREACHABLE, incident.ref, by=SYSTEM, also=[user.ref, "incidents"], user=user.name, user_id=user.id,
               error="no contact method is proven", run=paging.run_id, level=paging.level, round=paging.round, alone=False)


def copy(incident: Incident, user: User, *, cause: str) -> list[Message]:
    """A copy of the page to the address of the account, proven or not; it never counts as reached."""
    method = session.scalar(select(ContactMethod).where(
        ContactMethod.user_id == user.id, ContactMethod.channel == "email", ContactMethod.address == user.email,
        ContactMethod.disabled_at.is_(None)).limit(1))
    if method is None:
        name = f"account {user.id}"
        method = ContactMethod(user_id=user.id, name=name, channel="email", address=user.email, removed_at=clock.now())
        session.add(method)
        session.flush()
    written = _queued("copy", method, incident, once=f"{cause}:copy")
    written.reason = "no proven way to reach you worked"
    return _keep([written])


def _begin_anew(incident: Incident, people: Sequence[User], paging: Paging) -> None:
    """Whoever is paged again restarts their rules: what still waits of an earlier level or round is not sent."""
    if paging.again and session.scalar(select(Message.id).where(Message.once.startswith(
            f"page:{paging.run_id}:{paging.round}:{paging.level}:{paging.again}:")).limit(1)):
        return
    session.execute(update(Message).where(
        Message.incident_id == incident.id, Message.user_id.in_([person.id for person in people]),
        Message.kind == "page", Message.state == "queued",
        true() if paging.again else or_(Message.run_id != paging.run_id, Message.level != paging.level,
                                        Message.round != paging.round)).values(
        state="cancelled", error="paged again" if paging.again else f"paged again by level {paging.level + 1}"))


def _just_told(paging: Paging) -> dict[int, datetime]:
    """The methods that another level of this run used in the same moment, and when: nobody reads the same twice at once."""
    found = session.execute(select(Message.method_id, func.max(Message.queued_at)).where(
        Message.run_id == paging.run_id, Message.kind == "page", Message.state.in_(UNDER_WAY),
        or_(Message.level != paging.level, Message.round != paging.round),
        Message.queued_at > clock.now() - AT_ONCE).group_by(Message.method_id))
    return {method: at for method, at in found}


def ask(incident: Incident, people: Sequence[User], *, reason: str, cause: str) -> list[Message]:
    """Page people who were assigned or asked to help, whatever the escalation does."""
    written = _by_rules("request", incident, people, cause)
    for message in written:
        message.reason = reason[:300]
    return _keep(written)


def _by_rules(kind: str, incident: Incident, people: Sequence[User], prefix: str) -> list[Message]:
    ids = [person.id for person in people]
    methods, own = queries.usable(ids), queries.rules_of(ids, incident.urgency)
    silences = quiet.quiet_of(ids) if incident.urgency == "low" else {}
    written: list[Message] = []
    for person in people:
        by_id = {method.id: method for method in methods.get(person.id, [])}
        steps = rules.plan(own.get(person.id, []), [rules.Method(m.id, m.channel) for m in by_id.values()],
                           severity=incident.severity, urgency=incident.urgency)
        for number, step in enumerate(steps):
            message = _queued(kind, by_id[step.method_id], incident, once=f"{prefix}:{person.id}:{number}",
                              after=step.after)
            message.step = number
            held = rules.quiet_until(silences.get(person.id, ()), message.next_at)
            if held is not None:
                message.next_at, message.expires_at, message.bundle = held, held + EXPIRES, f"quiet:{message.method_id}"
            written.append(message)
    return written


def notify(incident: Incident, people: Sequence[User], *, kind: str, cause: str, reason: str,
           channels: Collection[str] | None = None) -> list[Message]:
    """Tell people quietly what became of an incident; the newest notice replaces a waiting one.

    `channels` limits it; without it every quiet method is used.
    """
    ids = [person.id for person in people]
    methods = queries.usable(ids)
    session.execute(update(Message).where(
        Message.incident_id == incident.id, Message.user_id.in_(ids), Message.state == "queued", kind != TOLD,
        Message.kind.in_(NOTICES), ~Message.once.startswith(f"{cause}:")).values(
        state="cancelled", error="a newer notice replaces it"))
    written = [_queued(kind, method, incident, once=f"{cause}:{person.id}:{method.id}")
               for person in people for method in methods.get(person.id, [])
               if method.channel not in rules.LOUD and (channels is None or method.channel in channels)]
    last = _last_notices(incident, ids)
    for message in written:
        message.urgency, message.reason = "low", reason
        if kind != TOLD and message.method_id in last:
            message.next_at = max(message.next_at, last[message.method_id] + NOTICES_APART)
    return _keep(written)


def _last_notices(incident: Incident, ids: Sequence[int]) -> dict[int, datetime]:
    """When each method last got a notice about the incident: at most one a minute, and the newest wins."""
    found = session.execute(select(Message.method_id, func.max(Message.started_at)).where(
        Message.incident_id == incident.id, Message.user_id.in_(ids), Message.kind.in_(NOTICES),
        Message.started_at > clock.now() - NOTICES_APART).group_by(Message.method_id))
    return {method: at for method, at in found}


def tell(people: Sequence[User], *, kind: str, cause: str, reason: str, without: Collection[str] = (),
         scope: str = "") -> list[Message]:
    """A notice beside incidents, about `scope` (`team:3`), by the ways that come first in each person's own rules for
    low urgency, but by none of the channels `without`."""
    ids = [person.id for person in people]
    methods, own = queries.usable(ids), queries.rules_of(ids, "low")
    written = []
    for person in people:
        by_id = {method.id: method for method in methods.get(person.id, []) if method.channel not in without}
        steps = rules.plan(own.get(person.id, []), [rules.Method(m.id, m.channel) for m in by_id.values()],
                           severity="low", urgency="low")
        written += [_queued(kind, by_id[step.method_id], None, once=f"{cause}:{person.id}:{number}")
                    for number, step in enumerate(steps) if step.after == steps[0].after]
    for message in written:
        message.reason, message.scope = reason[:300], scope
    return _keep(written)


def plain_message(kind: str, method: ContactMethod, *, once: str) -> list[Message]:
    """A test, code or warning to one method; [] when it was written before."""
    return _keep([_queued(kind, method, None, once=once)])


def cancel(incident: Incident, reason: str, *, kinds: Iterable[str] = ("page",), cause: str = "") -> int:
    """Waiting messages about an incident that no longer needs them, or of one `cause`, read `cancelled`, with the reason."""
    result = session.execute(update(Message).where(
        Message.incident_id == incident.id, Message.state == "queued", Message.kind.in_(list(kinds)),
        Message.once.startswith(f"{cause}:") if cause else true())
        .values(state="cancelled", error=reason))
    return int(result.rowcount)


def send_again(message: Message, *, avoid: str = "", after: int = 0) -> list[Message]:
    """The same page to the same address once more: by another provider than `avoid`, or after so many seconds."""
    again = _queued(message.kind, message.method, message.incident, once=f"again:{message.id}", after=after)
    again.run_id, again.level, again.round, again.step = message.run_id, message.level, message.round, message.step
    again.urgency, again.reason, again.avoid, again.again_of = message.urgency, message.reason, avoid, message.id
    again.bundle, again.scope = message.bundle, message.scope  # those that went together go together again
    return _keep([again])


def next_method_now(message: Message) -> bool:
    """The fallback: the person's next rule starts at once, unless it has begun. Says whether there is one to hope for."""
    following = session.scalar(_siblings(message).where(
        Message.state.in_(("queued", *UNDER_WAY)), Message.step > message.step).order_by(Message.step).limit(1))
    if following is None:
        return False
    if following.state == "queued" and following.attempts == 0:
        following.next_at = min(following.next_at, clock.now())
        wake(SEND)
    return True


def hope_left(message: Message) -> bool:
    """Whether another message of this page was sent, is under way or still waits."""
    return session.scalar(_siblings(message).where(
        Message.id != message.id, Message.state.in_(("queued", *UNDER_WAY))).limit(1)) is not None


def anybody_left(message: Message) -> bool:
    """Whether anybody else of this level was or may still be reached."""
    return session.scalar(select(Message.id).where(
        Message.run_id == message.run_id, Message.level == message.level, Message.round == message.round,
        Message.user_id != message.user_id,
        Message.state.in_(("queued", *UNDER_WAY))).limit(1)) is not None


def _siblings(message: Message) -> Select[Message]:
    """The messages of the same page to the same person."""
    return select(Message).where(
        Message.incident_id == message.incident_id, Message.user_id == message.user_id, Message.kind == message.kind,
        Message.run_id.is_not_distinct_from(message.run_id), Message.level.is_not_distinct_from(message.level),
        Message.round.is_not_distinct_from(message.round))


def _queued(kind: str, method: ContactMethod, incident: Incident | None, *, once: str | None = None,
            after: int = 0) -> Message:
    now = clock.now()
    since, due = max(now, incident.triggered_at) if incident else now, now + timedelta(seconds=after)
    return Message(kind=kind, once=once, incident_id=incident.id if incident else None, user_id=method.user_id,
                   method_id=method.id, channel=method.channel, address=method.address, queued_at=since, next_at=due,
                   urgency=incident.urgency if incident else "low", expires_at=due + EXPIRES, state="queued", step=0)


def _keep(written: list[Message]) -> list[Message]:
    """Add those that do not exist yet, and wake a sender."""
    keys = [message.once for message in written if message.once]
    known = set(session.scalars(select(Message.once).where(Message.once.in_(keys)))) if keys else set()
    fresh = [message for message in written if message.once not in known or message.once is None]
    session.add_all(fresh)
    session.flush()
    if fresh:
        wake(SEND)
    return fresh
