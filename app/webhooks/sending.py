"""One delivery: claim it, call the receiver with nothing open, record what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import CursorResult, select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import Event, record
from app.core.http import Answer, ForbiddenAddress, Unreachable, request, retry_after
from app.core.jobs import stir
from app.core.lanes import kept
from app.core.secrets import Unreadable
from app.core.shadow import JUST_NOW, Shadow, begun_since, newest
from app.core.signatures import sign
from app.shadow import queries as shadows
from app.shadow.service import Held, note
from app.webhooks import events, queries, rules
from app.webhooks.models import Webhook, WebhookDelivery
from app.webhooks.service import also

LEASE = timedelta(seconds=60)
GONE = 410


@dataclass(frozen=True)
class Call:
    """A delivery that is ours to make."""

    delivery_id: int
    attempts: int
    url: str
    body: bytes
    secret: str
    shadows: int


def hand_over(delivery_id: int) -> bool:
    """Claim, call, record. Says whether the delivery was ours."""
    with transaction():
        call = _claim(delivery_id)
    session.remove()
    if call is None:
        return False
    outcome = _call(call)
    kept(lambda: _record_call(call, outcome))
    return True


def _record_call(call: Call, outcome: Answer | str) -> None:
    """Unless somebody has tried again since: what only went back, as our lease ran out meanwhile, is still ours."""
    delivery = session.get(WebhookDelivery, call.delivery_id, populate_existing=True, with_for_update=True)
    if delivery is not None and delivery.state in ("sending", "queued") and delivery.attempts == call.attempts:
        _record(delivery, outcome)


def _claim(delivery_id: int) -> Call | None:
    now, seen = clock.now(), newest()
    result = session.execute(update(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.state == "queued", WebhookDelivery.next_at <= now).values(
        state="sending", lease_until=now + LEASE, attempts=WebhookDelivery.attempts + 1)
        .execution_options(synchronize_session=False))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    delivery = session.get_one(WebhookDelivery, delivery_id, populate_existing=True)
    webhook = delivery.webhook
    event = session.get(Event, delivery.event_id) if delivery.event_id else None
    if webhook.off_at is not None:
        return _cancel(delivery, "the webhook is switched off")
    if delivery.event_id and event is None:
        return _cancel(delivery, "the log was trimmed meanwhile")
    if event is not None and not _concerned(webhook, event):
        return _cancel(delivery, "it is another team's by now")
    if event is not None and (shadow := _shadow(delivery, event)) is not None:
        note(shadow, Held(f"webhook:{delivery.id}", now, "webhook", "webhook", delivery.kind, whom=webhook.name,
                          incident=queries.incident_of(event), team_id=webhook.team_id))
        return _cancel(delivery, shadow.words)
    try:
        secret = queries.secret_of(webhook)
    except Unreadable as fault:
        return _record(delivery, str(fault))
    told = queries.body_of(event) if event else queries.test_body(webhook, delivery.created_at)
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    return Call(delivery.id, delivery.attempts, webhook.url, body, secret, seen)


def _shadow(delivery: WebhookDelivery, event: Event) -> Shadow | None:
    """The shadow of what it tells of, or of the team whose webhook it is."""
    return shadows.of_event(event, delivery.created_at) or shadows.of_team(delivery.webhook.team_id, delivery.created_at)


def _concerned(webhook: Webhook, event: Event) -> bool:
    """Whether it still may hear this: an incident that waits for a further try may have changed hands."""
    teams = queries.teams_of(event)
    return rules.concerned(webhook.team_id, teams, queries.private_teams(teams), named=queries.named(webhook, event))


def _cancel(delivery: WebhookDelivery, reason: str) -> None:
    delivery.state, delivery.error, delivery.ended_at, delivery.lease_until = "cancelled", reason, clock.now(), None


def _call(call: Call) -> Answer | str:
    """The answer, or a sentence that says why there is none."""
    if begun_since(call.shadows):
        return JUST_NOW
    headers = sign(call.body, secret=call.secret, at=clock.now(), delivery=str(call.delivery_id))
    try:
        return request("POST", call.url, data=call.body, timeout=rules.CALL_SECONDS,
                       headers={"Content-Type": "application/json", **headers})
    except (ForbiddenAddress, Unreachable) as fault:
        return fault.reason


def _record(delivery: WebhookDelivery, outcome: Answer | str) -> None:
    webhook, now = delivery.webhook, clock.now()
    delivery.answer = outcome.status if isinstance(outcome, Answer) else None
    delivery.lease_until = None
    if isinstance(outcome, Answer) and 200 <= outcome.status < 300:
        delivery.state, delivery.error, delivery.ended_at, webhook.failing_since = "sent", "", now, None
    else:
        delivery.error = outcome if isinstance(outcome, str) else f"The answer was {outcome.status}"
        after = retry_after(outcome) if isinstance(outcome, Answer) else None
        again = rules.next_try(delivery.attempts, after, now)
        delivery.state, delivery.next_at = ("failed", delivery.next_at) if again is None else ("queued", again)
        delivery.ended_at = now if again is None else None
        _note_failure(webhook, outcome, given_up=again is None)
    stir(f"webhook/{webhook.key}", "webhook.delivery")


def _note_failure(webhook: Webhook, outcome: Answer | str, *, given_up: bool) -> None:
    """Nothing is sent any more to who says that it is gone, or has failed for a day through every try of a delivery."""
    held = session.scalars(select(Webhook).where(Webhook.id == webhook.id).with_for_update()).one()
    held.failing_since = held.failing_since or clock.now()
    gone = isinstance(outcome, Answer) and outcome.status == GONE
    if held.off_at is None and (gone or (given_up and clock.now() - held.failing_since > rules.OFF_AFTER)):
        held.off_at = clock.now()
        held.off_reason = "the receiver says that it is gone (410)" if gone else "every call failed for a day"
        record(events.SWITCHED_OFF, held.ref, by=SYSTEM, also=also(held), name=held.name, reason=held.off_reason)


def postpone(delivery_id: int, fault: Exception) -> None:
    """A fault of ours before or after the call counts as a failed attempt."""
    with transaction():
        delivery = session.get(WebhookDelivery, delivery_id, populate_existing=True, with_for_update=True)
        if delivery is not None and delivery.state in ("queued", "sending"):
            delivery.attempts += delivery.state == "queued"
            _record(delivery, f"a fault of ours, {type(fault).__name__}: {str(fault)[:200]}")
