"""What Bob and Ana write for readers in tests."""

from __future__ import annotations

from app.core.access import Actor
from app.core.db import session, transaction
from app.status_pages import notices
from app.status_pages.models import Notice
from app.status_pages.notices import Said
from app.status_pages.service import save_page


def by(person):
    return Actor(person.ref, person.name, user_id=person.id)


def opened(shop, text="We look.", state="investigating", **values):
    """Bob publishes a notice about card payments."""
    with transaction():
        made = notices.open_notice(shop.page, {"title": "Cards fail", "components": [shop.component("Card payments").public_id],
                                               **values}, Said(state, text), by=by(shop.bob))
        return made.public_id


def notice():
    session.expire_all()
    return session.query(Notice).one()


def say(shop, state, text="More.", **more):
    with transaction():
        notices.say(notice(), Said(state, text, **more), by=by(shop.bob))


def automatic(shop, **values):
    with transaction():
        save_page({"slug": "shop", **values}, by=by(shop.ana))
