"""What comes of a message that was handed over: sent, delivered, tried again or failed, and who has to know."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Kind, record
from app.core.metrics import HANDED
from app.notifications import accounts, contacts, events, queries, rules, service, sink
from app.notifications.channel_models import Surface
from app.notifications.compose import ACTIONABLE, seal_data
from app.notifications.models import ContactMethod, Message
from app.plugin_api import NoAccess, Receipt, Refused, Rejected


def record_outcome(message: Message, outcome: Receipt | Exception, shown: str | None = "") -> None:
    """What came of the call: sent (`shown`: how the incident looked in it, None where it is
    one of several), failed for good, or tried again."""
    if message.kind == sink.KIND:
        return sink.note(message, outcome)
    now = clock.now()
    message.lease_until = message.lease_owner = None
    if isinstance(outcome, Receipt):
        message.state, message.sent_at, message.error = outcome.state, now, ""
        message.provider, message.provider_id = outcome.provider[:60], outcome.provider_id[:300]
        if outcome.state == "delivered":
            message.delivered_at = message.method.last_delivered_at = now
        HANDED.labels(message.channel).observe(max(0.0, (now - message.next_at).total_seconds()))
        _keep_true(message, shown)
        kind = events.DELIVERED if outcome.state == "delivered" else events.SENT
        return say(kind, message, provider=message.provider)
    said = str(outcome).replace(message.address, rules.masked(message.channel, message.address))
    message.error = said[:500] or type(outcome).__name__
    if isinstance(outcome, Refused):
        disable(message.method, message.error)
    permanent = isinstance(outcome, Refused | Rejected | NoAccess) or rules.gives_up(message.attempts)
    if permanent:
        return fail(message)
    message.state = "queued"
    message.next_at = now + timedelta(seconds=rules.wait_after(message.attempts, getattr(outcome, "after", None)))
    say(events.POSTPONED, message, error=message.error)
    if message.attempts == rules.FALLBACK_AFTER or isinstance(outcome, accounts.LeftOut):
        service.next_method_now(message)


def _keep_true(message: Message, shown: str | None) -> None:
    """What was sent by a channel that can change it later is made to agree whenever the incident changes."""
    channel = accounts.registry().channels.get(message.channel)
    able = channel is not None and "update" in channel.can and message.kind in ACTIONABLE
    if shown is None or not able or not message.provider_id:
        return
    session.add(Surface(incident_id=message.incident_id, message_id=message.id, channel=message.channel,
                        account=message.account, address=message.address, provider_id=message.provider_id,
                        shown=shown, next_at=clock.now()))


def fail(message: Message) -> None:
    """For good: the next method starts at once; when none is left, escalation is told."""
    message.state = "failed"
    session.flush()
    say(events.FAILED, message, error=message.error)
    if message.incident_id is None or message.kind not in ("page", "request"):
        return
    if service.next_method_now(message) or service.hope_left(message):
        return
    record(events.UNREACHABLE, f"incident:{message.incident_id}", by=SYSTEM, also=[message.user.ref, "incidents"],
           user=message.user.name, user_id=message.user_id, error=message.error, run=message.run_id,
           level=message.level, round=message.round, alone=not service.anybody_left(message))


def disable(method: ContactMethod, reason: str, *, returns: bool = False) -> None:
    """A dead address: its owner is told by the other methods, once. A browser that is gone leaves the list, unless it
    `returns` by itself."""
    if method.disabled_at is not None:
        return
    name = method.name
    method.disabled_at, method.disabled_reason = clock.now(), reason[:300]
    session.flush()
    record(events.METHOD_DISABLED, method.user.ref, by=SYSTEM, name=name, channel=method.channel,
           person=method.user.name, method=method.id, reason=reason[:300])
    if method.channel == "webpush" and not returns:
        contacts.put_away(method)
    others = queries.usable([method.user_id]).get(method.user_id, [])
    for other in [other for other in others if other.channel not in rules.LOUD] or others:
        told = service.plain_message("method_disabled", other,
                                     once=f"disabled:{method.id}:{method.disabled_at.timestamp():.0f}:{other.id}")
        for row in told:
            seal_data(row, {"text": f"{name} was refused: {reason}"})


def say(fact: Kind, message: Message, **data: object) -> None:
    """Record a fact about a message, the address masked."""
    subject = f"incident:{message.incident_id}" if message.incident_id else message.user.ref
    also = [message.user.ref, "incidents"] if message.incident_id else []
    record(fact, subject, by=SYSTEM, also=also, message=message.id, user=message.user.name, user_id=message.user_id,
           channel=message.channel, address=rules.masked(message.channel, message.address), reason=message.reason,
           kind=WORDS.get(message.kind, message.kind), **data)


WORDS = {"page": "a page", "request": "a request to help", "test": "a test", "code": "a code",
         "acknowledged": "a notice", "resolved": "a notice", "assigned": "a notice", "merged": "a notice",
         "told": "a message", "method_disabled": "a warning",
         "gap": "a warning", "alarm": "a warning", "copy": "a copy", "reply": "an answer",
         "postmortem": "a notice", "action_item": "a reminder"}
