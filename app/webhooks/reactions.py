"""What webhooks do because something happened: a row for each one that hears it."""

from __future__ import annotations

from sqlalchemy import select

from app.core.db import session
from app.core.events import Event
from app.core.jobs import wake
from app.webhooks import queries, rules
from app.webhooks.models import WebhookDelivery
from app.webhooks.service import QUEUE, SEND


def tell(event: Event) -> None:
    """Queue the event for every webhook that hears it or is called by it, once."""
    hearing = [hook for hook in queries.in_use() if rules.hears(hook.events, event.kind) or queries.named(hook, event)]
    if not hearing:
        return
    teams = queries.teams_of(event)
    private = queries.private_teams(teams)
    told = set(session.scalars(select(WebhookDelivery.webhook_id).where(WebhookDelivery.event_id == event.id)))
    wanted = [hook for hook in hearing if hook.id not in told and rules.concerned(
        hook.team_id, teams, private, named=queries.named(hook, event))]
    session.add_all(WebhookDelivery(webhook_id=hook.id, event_id=event.id, kind=event.kind) for hook in wanted)
    if wanted:
        wake(SEND, QUEUE)
