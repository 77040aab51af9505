"""Handing over one message: claim it, call the channel with nothing open, record what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from traceback import format_tb
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import CursorResult, select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import Kind, record
from app.core.worker import owner
from app.incidents.models import Incident
from app.notifications import contacts, events, queries, rules, service
from app.notifications.compose import compose, seal_data
from app.notifications.models import ContactMethod, Message
from app.plugin_api import Address, Receipt, Refused, Rejected, Retry
from app.plugin_api import Message as Outgoing

log = structlog.get_logger()
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Claim:
    """A message that is ours to hand over, with all that the channel needs."""

    message_id: int
    channel: str
    outgoing: Outgoing
    address: Address
    config: Mapping[str, Any]


def hand_over(message_id: int) -> bool:
    """Claim, call, record. Says whether the message was ours."""
    with transaction():
        claim = _claim(message_id)
    session.remove()
    if claim is None:
        return False
    outcome = _call(claim)
    with transaction():
        message = session.get(Message, message_id, populate_existing=True, with_for_update=True)
        if message is not None and message.state == "sending" and message.lease_owner == owner():
            _record(message, outcome)
    return True


def postpone(message_id: int, fault: Exception) -> None:
    """A fault of ours before or after the call: it counts as a failed attempt, so that the next method gets its turn."""
    with transaction():
        message = session.get(Message, message_id, populate_existing=True, with_for_update=True)
        if message is None or message.state not in ("queued", "sending"):
            return
        if message.state == "queued":
            message.attempts += 1
        _record(message, RuntimeError(f"a fault of ours, {type(fault).__name__}: {str(fault)[:200]}"))


def _claim(message_id: int) -> Claim | None:
    """Ours by compare-and-set, under the incident's lock: once an acknowledge is committed nothing is claimed."""
    message = session.get(Message, message_id, populate_existing=True)
    if message is None:
        return None
    incident = _shared(message.incident_id)
    now = clock.now()
    if (reason := unwanted(message, incident)) is not None:
        _put_away(message, *reason)
        return None
    result = session.execute(update(Message).where(
        Message.id == message_id, Message.state == "queued", Message.next_at <= now).values(
        state="sending", lease_until=now + LEASE, lease_owner=owner(), attempts=Message.attempts + 1,
        started_at=now).execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    session.refresh(message)
    return Claim(message.id, message.channel, compose(message),
                 Address(message.address, queries.data_of(message.method)), _config(message.channel))


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


def _put_away(message: Message, state: str, reason: str) -> None:
    """It is not sent. Where its method was at fault the next one starts at once, as after a failure."""
    result = session.execute(update(Message).where(Message.id == message.id, Message.state == "queued").values(
        state=state, error=reason[:500]).execution_options(synchronize_session=False))
    if isinstance(result, CursorResult) and result.rowcount == 1 and state == "failed":
        session.refresh(message)
        _failed(message)


def _config(channel: str) -> dict[str, Any]:
    """The settings that the channel says it reads, and those declared by its plugin."""
    registry = current_app.extensions["plugins"]
    found = registry.channels.get(channel)
    names = [*getattr(found, "settings", ()), *(name for name, _ in registry.settings)]
    return {name: current_app.config.get(name, "") for name in names}


def _call(claim: Claim) -> Receipt | Exception:
    """The one place where a message leaves the house; nothing is open meanwhile."""
    registry = current_app.extensions["plugins"]
    if not registry.is_on("channel", claim.channel):
        return Refused(f"the channel {claim.channel} is not installed")
    try:
        receipt: Receipt = registry.channels[claim.channel].send(claim.outgoing, claim.address, claim.config)
        return receipt
    except (Retry, Refused, Rejected) as expected:
        return expected
    except Exception as fault:  # noqa: BLE001 - a plugin may raise anything; it is one more failed attempt
        # Not the fault's own words: they may hold the address.
        log.error("channel.failed", channel=claim.channel, message_id=claim.message_id, fault=type(fault).__name__,
                  trace="".join(format_tb(fault.__traceback__)))
        return Retry(f"The channel {claim.channel} has a fault ({type(fault).__name__})")


def _record(message: Message, outcome: Receipt | Exception) -> None:
    """What came of the call: sent, failed for good, or waiting for the next attempt."""
    now = clock.now()
    message.lease_until = message.lease_owner = None
    if isinstance(outcome, Receipt):
        message.state, message.sent_at, message.error = outcome.state, now, ""
        message.provider, message.provider_id = outcome.provider[:60], outcome.provider_id[:300]
        if outcome.state == "delivered":
            message.delivered_at = message.method.last_delivered_at = now
        kind = events.DELIVERED if outcome.state == "delivered" else events.SENT
        return _say(kind, message, provider=message.provider)
    said = str(outcome).replace(message.address, rules.masked(message.channel, message.address))
    message.error = said[:500] or type(outcome).__name__
    if isinstance(outcome, Refused):
        disable(message.method, message.error)
    permanent = isinstance(outcome, Refused | Rejected) or rules.gives_up(message.attempts)
    if permanent:
        return _failed(message)
    message.state = "queued"
    message.next_at = now + timedelta(seconds=rules.wait_after(message.attempts, getattr(outcome, "after", None)))
    _say(events.POSTPONED, message, error=message.error)
    if message.attempts == rules.FALLBACK_AFTER:
        service.next_method_now(message)


def _failed(message: Message) -> None:
    """For good: the next method starts at once; when none is left, escalation is told."""
    message.state = "failed"
    session.flush()
    _say(events.FAILED, message, error=message.error)
    if message.incident_id is None or message.kind not in ("page", "request"):
        return
    if service.next_method_now(message) or service.hope_left(message):
        return
    record(events.UNREACHABLE, f"incident:{message.incident_id}", by=SYSTEM, also=[message.user.ref, "incidents"],
           user=message.user.name, user_id=message.user_id, error=message.error, run=message.run_id,
           level=message.level, round=message.round, alone=not service.anybody_left(message))


def disable(method: ContactMethod, reason: str) -> None:
    """A dead address: its owner is told by the other methods, once. A browser that is gone leaves the list."""
    if method.disabled_at is not None:
        return
    name = method.name
    method.disabled_at, method.disabled_reason = clock.now(), reason[:300]
    session.flush()
    record(events.METHOD_DISABLED, method.user.ref, by=SYSTEM, name=name, channel=method.channel,
           person=method.user.name, method=method.id, reason=reason[:300])
    if method.channel == "webpush":
        contacts.put_away(method)
    others = queries.usable([method.user_id]).get(method.user_id, [])
    for other in [other for other in others if other.channel not in rules.LOUD] or others:
        told = service.plain_message("method_disabled", other,
                                     once=f"disabled:{method.id}:{method.disabled_at.timestamp():.0f}:{other.id}")
        for row in told:
            seal_data(row, {"text": f"{name} was refused: {reason}"})


def _say(fact: Kind, message: Message, **data: object) -> None:
    subject = f"incident:{message.incident_id}" if message.incident_id else message.user.ref
    also = [message.user.ref, "incidents"] if message.incident_id else []
    record(fact, subject, by=SYSTEM, also=also, message=message.id, user=message.user.name, user_id=message.user_id,
           channel=message.channel, address=rules.masked(message.channel, message.address), reason=message.reason,
           kind=WORDS.get(message.kind, message.kind), **data)


WORDS = {"page": "a page", "request": "a request to help", "test": "a test", "code": "a code",
         "acknowledged": "a notice", "resolved": "a notice", "assigned": "a notice", "merged": "a notice",
         "told": "a message", "method_disabled": "a warning",
         "gap": "a warning"}


def due(limit: int) -> list[int]:
    """Ids of messages that are due, pages before notices, oldest first."""
    return list(session.scalars(select(Message.id).where(
        Message.state == "queued", Message.next_at <= clock.now()).order_by(
        Message.kind.not_in(("page", "request", "code")), Message.next_at, Message.id).limit(limit)))
