"""Short words of the stories about webhooks."""

from __future__ import annotations

from sqlalchemy import select, update

from app.core.db import session, transaction
from app.incidents.notes import add_note
from app.webhooks.models import WebhookDelivery
from tests.incidents.people import by

SEND = "app.webhooks.ticks.send"


def noted(person, incident, text="Looking"):
    with transaction():
        add_note(incident, text, by=by(person))


def sent():
    return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()


def overdue():
    with transaction():
        session.execute(update(WebhookDelivery).values(next_at=WebhookDelivery.created_at))
