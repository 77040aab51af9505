"""What the example organisation tells its readers: notices old and new, maintenance that comes, texts that are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from app.config.demo_story import DAY, PROBLEMS, Act
from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.identity.queries import user_by_email
from app.incidents.models import Incident
from app.status_pages import maintenance, notices, queries, subscribing, templates
from app.status_pages.models import Notice, StatusPage
from app.status_pages.notices import Said
from app.status_pages.subscribing import Wish

READERS: tuple[Act, ...] = (
    Act(13.8 * DAY, "readers", who="farah", text="texts"), Act(13.8 * DAY, "readers", who="farah", text="subscribers"),
    Act(2.4 * DAY - 6, "readers", "down", "farah", "open"), Act(2.4 * DAY - 24, "readers", "down", "farah", "resolved"),
    Act(1.5 * DAY, "readers", who="farah", text="maintenance"),
    Act(6, "readers", "cards", "farah", "open"), Act(3, "readers", "cards", "farah", "identified"),
)
# problem: title, component, first words, words at the next state
WORDS = {
    "down": ("Our shop can't be reached from some places", "Storefront",
             "Some of you see an error in place of our shop. We are "
             "looking into it.", "The shop is reachable again from everywhere. We are sorry for the trouble."),
    "cards": ("Card payments fail for some customers", "Card payments",
              "About one in eight card payments fails. Other ways to "
              "pay work.",
              "Our card provider has trouble in western Europe. We are moving payments to a **second provider**."),
}


def play(act: Act) -> None:
    """Somebody tells readers something."""
    with transaction():
        page, person = queries.page_by_slug("shop"), user_by_email(f"{act.who}@example.com")
        if page is not None and person is not None:
            by = Actor(person.ref, person.name, via="web", user_id=person.id)
            _DOES.get(act.text, _say)(page, act, by)


def _texts(page: StatusPage, _act: Act, by: Actor) -> None:
    templates.save(page,
                   {"name": "Something fails", "title": "{{ component }} fails for some customers", "state": "investigating",
                          "text": "{{ component }} has trouble since {{ started_at }}. We are looking into it."}, by=by)
    templates.save(page, {"name": "It is over", "state": "resolved", "text": "Everything works again. We are sorry."}, by=by)


def _subscribers(page: StatusPage, _act: Act, _by: Actor) -> None:
    """Nobody who would be sent anything: one who has not confirmed, one who ended it."""
    subscribing.ask(page, Wish("email", "reader@example.org"), told=False)
    subscribing.end(subscribing.ask(page, Wish("email", "former@example.org"), told=False))


def _open(page: StatusPage, act: Act, by: Actor) -> None:
    title, name, words, _ = WORDS[act.problem]
    component = next(one for one in page.components if one.name == name)
    number = session.scalar(select(Incident.id).where(
        Incident.title == PROBLEMS[act.problem].title, Incident.status != "resolved").order_by(Incident.id.desc()).limit(1))
    notices.open_notice(page, {"title": title, "components": [component.public_id], "incident": number},
                        Said("investigating", words), by=by)


def _say(page: StatusPage, act: Act, by: Actor) -> None:
    title, _, _, words = WORDS[act.problem]
    found = session.scalars(select(Notice).where(Notice.page_id == page.id, Notice.title == title)).one()
    notices.say(found, Said(act.text, words), by=by)


def _maintenance(page: StatusPage, _act: Act, by: Actor) -> None:
    search = next(one for one in page.components if one.name == "Search")
    sunday = clock.now() + timedelta(days=6 - clock.now().weekday() + 7 * (clock.now().weekday() >= 5))
    maintenance.plan(page, {"title": "Search index is rebuilt", "text": "Results may be up to an hour old.",
                            "starts": f"{sunday:%Y-%m-%dT02:00}", "ends": f"{sunday:%Y-%m-%dT03:00}",
                            "components": [search.public_id], "repeat": {"unit": "week", "every": 2}}, by=by)


_DOES: dict[str, Callable[[StatusPage, Act, Actor], None]] = {
    "texts": _texts, "subscribers": _subscribers, "open": _open, "maintenance": _maintenance,
}
