"""What readers of a shop's page do in tests."""

from __future__ import annotations

from app.core.access import Actor
from app.core.db import session, transaction
from app.status_pages import notices
from app.status_pages.notices import Said
from app.status_pages.subscriber_models import Subscriber

READER = "rita@reader.example"


def by(person):
    return Actor(person.ref, person.name, user_id=person.id)


def subscribe(client, deliver=None, **form):
    answer = client.post("/status/shop/subscribe", data={"kind": "email", "address": READER, "news": ["outage", "notice", "maintenance"],
                                                         **form})
    if deliver is not None:
        deliver()
    return answer


def subscriber():
    session.expire_all()
    return session.query(Subscriber).one()


def write(shop, text="A cable.", parts=("Card payments",), **more):
    with transaction():
        notices.open_notice(shop.page, {"title": "Cards fail", "components": [shop.component(one).public_id for one in parts]},
                            Said("investigating", text, **more), by=by(shop.bob))
