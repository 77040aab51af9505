"""Handing over one message: claim it, call the channel with nothing open, record what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from traceback import format_tb

import structlog
from sqlalchemy import CursorResult, select, update

from app.core import clock
from app.core.db import session, transaction
from app.core.lanes import kept
from app.core.metrics import FAULTS
from app.core.shadow import JUST_NOW, Shadow, begun_since, newest
from app.core.worker import owner
from app.incidents.models import Incident
from app.notifications import accounts, bundles, queries, sink
from app.notifications.compose import compose, look
from app.notifications.models import Message
from app.notifications.outcomes import fail, record_outcome
from app.plugin_api import Address, NoAccess, Receipt, Refused, Rejected, Retry
from app.plugin_api import Message as Outgoing
from app.shadow import queries as shadows
from app.shadow.service import Held, note

log = structlog.get_logger()
LEASE = timedelta(seconds=60)
URGENT = ("page", "request", "code", sink.KIND)


@dataclass(frozen=True)
class Claim:
    """A message that is ours to hand over, with all that the channel needs."""

    message_id: int
    channel: str
    outgoing: Outgoing
    address: Address
    routes: list[accounts.Route] | Exception
    shadows: int
    messages: Mapping[int, int]
    """All that are handed over as one, each with how often it was tried."""


@dataclass(frozen=True)
class Tried:
    """One account that was called, and its fault."""

    route: accounts.Route
    fault: Exception | None


def hand_over(message_id: int) -> bool:
    """Claim, call, record. Says whether the message was ours."""
    with transaction():
        claim = _claim(message_id)
    session.remove()
    if claim is None:
        return False
    tried, outcome = _call(claim)
    kept(lambda: _record(claim, tried, outcome))
    return True


def _record(claim: Claim, tried: list[Tried], outcome: Receipt | Exception) -> None:
    for number, attempts in claim.messages.items():
        message = session.get(Message, number, populate_existing=True, with_for_update=True)
        if message is not None and _is_still_ours(message, attempts):
            message.account = tried[-1].route.account if tried else ""
            alone = claim.outgoing.incident and number == claim.message_id  # one post is kept true once
            record_outcome(message, outcome, look(claim.outgoing) if alone else None)
    _note(tried)


def _is_still_ours(message: Message, attempts: int) -> bool:
    """Whether nobody has tried it since. What only went back, since our lease ran out meanwhile, is taken again."""
    if message.state == "queued" and message.attempts == attempts:
        message.state, message.lease_owner = "sending", owner()
    return message.state == "sending" and message.lease_owner == owner()


def postpone(message_id: int, fault: Exception) -> None:
    """A fault of ours before or after the call: it counts as a failed attempt, so that the next method gets its turn."""
    with transaction():
        message = session.get(Message, message_id, populate_existing=True, with_for_update=True)
        if message is None or message.state not in ("queued", "sending"):
            return
        if message.state == "queued":
            message.attempts += 1
        record_outcome(message, RuntimeError(f"a fault of ours, {type(fault).__name__}: {str(fault)[:200]}"))


def _claim(message_id: int) -> Claim | None:
    """What is handed over now, the first of a bundle with all the others; None when nothing of it is ours."""
    seen = newest()
    asked = session.get(Message, message_id, populate_existing=True)
    together = bundles.due(asked) if asked is not None else []
    if not together or together[0].id != message_id:  # a bundle goes with its first message
        return None
    for number in sorted({one.incident_id for one in together if one.incident_id is not None}):
        _shared(number)  # in the order in which whoever changes several takes them
    taken = [one for one in together if _taken(one)]
    if not taken:
        return None
    message, *others = taken
    ways = sink.routes(message) or accounts.routes(
        message.channel, only=message.account if message.kind == "test" else "", avoid=message.avoid.split())
    return Claim(message.id, message.channel, compose(message, others),
                 Address(message.address, queries.data_of(message.method)), ways, seen,
                 {one.id: one.attempts for one in taken})


def _taken(message: Message) -> bool:
    """Ours by compare-and-set, under the incident's lock: once an acknowledge is committed nothing is claimed."""
    incident = _shared(message.incident_id)
    now = clock.now()
    if (reason := unwanted(message, incident)) is not None:
        _put_away(message, *reason)
        return False
    if (shadow := _shadow(message, incident)) is not None:
        _withhold(message, shadow)
        return False
    result = session.execute(update(Message).where(
        Message.id == message.id, Message.state == "queued", Message.next_at <= now).values(
        state="sending", lease_until=now + LEASE, lease_owner=owner(), attempts=Message.attempts + 1,
        started_at=now).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return False
    session.refresh(message)
    return True


def _shadow(message: Message, incident: Incident | None) -> Shadow | None:
    """The shadow that keeps it back. Codes, tests that a person asked for and alarms about the system itself leave."""
    if message.kind in ("code", "test", sink.KIND) or (message.kind == "alarm" and incident is None and not message.scope):
        return None
    if incident is not None:
        return shadows.of_incident(incident, message.queued_at)
    return shadows.of(message.scope, message.queued_at)


def _withhold(message: Message, shadow: Shadow) -> None:
    """It is listed instead; whatever follows a message that was sent follows this one, too."""
    if not _put_away(message, "unsent", shadow.words):
        return
    note(shadow, Held(f"message:{message.id}", message.next_at, message.kind, message.channel, message.reason,
                      user=(message.user_id, message.user.name), incident=message.incident,
                      team_id=shadows.team_of(message.scope)))


def _shared(incident_id: int | None) -> Incident | None:
    if incident_id is None:
        return None
    return session.get(Incident, incident_id, with_for_update={"read": True}, populate_existing=True)


def unwanted(message: Message, incident: Incident | None) -> tuple[str, str] | None:
    """The state and reason with which a waiting message ends, or None when it is still wanted."""
    if message.expires_at is not None and message.expires_at < clock.now():
        return "expired", "it waited longer than 30 minutes"
    if message.method.disabled_at is not None:
        return "failed", f"{message.method.name} is disabled"
    if message.method.address != message.address:
        return "failed", f"{message.method.name} has another address now"
    if incident is None or message.kind not in ("page", "request"):
        return None
    if incident.status == "resolved":
        return "cancelled", f"resolved by {incident.resolved_name}"
    if message.kind == "page":
        return _outdated(message, incident)
    return None


def _outdated(message: Message, incident: Incident) -> tuple[str, str] | None:
    if incident.status == "acknowledged":
        return "cancelled", f"acknowledged by {incident.acknowledged_name}"
    if incident.snoozed_until is not None:
        return "cancelled", "snoozed"
    if message.queued_at < incident.triggered_at:
        return "cancelled", "the escalation began anew"
    return None


def _put_away(message: Message, state: str, reason: str) -> bool:
    """It is not sent; says whether it waited. Where its method was at fault the next one starts at once, as after a
    failure."""
    result = session.execute(update(Message).where(Message.id == message.id, Message.state == "queued").values(
        state=state, error=reason[:500]).execution_options(synchronize_session=False))
    done = isinstance(result, CursorResult) and result.rowcount == 1
    if done and state == "failed":
        session.refresh(message)
        fail(message)
    return done


def _call(claim: Claim) -> tuple[list[Tried], Receipt | Exception]:
    """Hand it to one account after the other until one takes it; nothing is open meanwhile."""
    if isinstance(claim.routes, Exception):
        return [], claim.routes
    if begun_since(claim.shadows):
        return [], Retry(JUST_NOW, after=1)
    tried: list[Tried] = []
    for route in claim.routes:
        outcome = call(route, claim)
        tried.append(Tried(route, outcome if isinstance(outcome, Exception) else None))
        if isinstance(outcome, Receipt | Refused):
            return tried, outcome
    faults = [one.fault for one in tried if one.fault is not None]
    return tried, next((fault for fault in faults if isinstance(fault, Retry)), faults[0])


def call(route: accounts.Route, claim: Claim) -> Receipt | Exception:
    """The one place where a message leaves the house."""
    try:
        return route.channel.send(claim.outgoing, claim.address, route.config)
    except (Retry, Refused, Rejected, NoAccess) as expected:
        return expected
    except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; it is one more failed attempt
        FAULTS.labels(route.plugin).inc()
        # Not the fault's own words: they may hold the address.
        log.error("channel.failed", channel=claim.channel, message_id=claim.message_id, fault=type(fault).__name__,
                  trace="".join(format_tb(fault.__traceback__)))
        return Retry(f"The channel {claim.channel} has a fault ({type(fault).__name__})")


def _note(tried: list[Tried]) -> None:
    """How the accounts fare: a fault of the address or of the message says nothing about its provider."""
    for one in tried:
        harmless = isinstance(one.fault, Refused | Rejected) or (isinstance(one.fault, Retry) and one.fault.address)
        accounts.note(one.route, None if harmless else one.fault)


def due(limit: int, *, pages: bool | None = None) -> list[int]:
    """Ids of messages that are due, oldest first: pages, what is no page, or pages before the rest."""
    query = select(Message.id).where(Message.state == "queued", Message.next_at <= clock.now())
    if pages is not None:
        query = query.where(Message.kind.in_(URGENT) if pages else Message.kind.not_in(URGENT))
    return list(session.scalars(query.order_by(Message.kind.not_in(URGENT), Message.next_at, Message.id).limit(limit)))
