"""What the example organisation learned: one postmortem published, one in review, one just drafted, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from app.config.demo_story import PROBLEMS, Act
from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.identity.models import User
from app.identity.queries import user_by_email
from app.postmortems import editing, items, queries, reviewing, service, timeline
from app.postmortems.models import Postmortem

TEXTS: dict[str, dict[str, str]] = {
    "provider": {
        "Summary": "acme-pay throttled us for half an hour. One in six card payments failed; customers saw “try again”, "
                   "and many did, which doubled the load on `fraud-check`.",
        "Impact": "1,140 payments failed, about €48,000 of them for good. Orders that were paid were not affected.",
        "Detection": "The error rate of *Checkout* paged Ana two minutes after the first failed payment.",
        "Root cause": "The contract with acme-pay allows 200 payments a second. The sale that began at ten made 260.",
        "Contributing factors": "- The switch to the second provider existed, but nobody on duty had used it before.\n"
                                "- The runbook asked for a share of traffic without saying what is safe.",
        "Response": "Ana looked for a fault of ours for ten minutes, then read the answers of acme-pay: `429`.",
        "Recovery": "Switched to the second provider; the error rate fell within a minute.",
        "What went well": "The first page reached Ana in two seconds.",
        "What went badly": "Retries of the storefront doubled the load instead of waiting.",
        "Where we were lucky": "The second provider had room.",
        "Lessons": "A limit in a contract is a limit of the system, and belongs on the same dashboard."},
    "again": {
        "Summary": "Card payments failed again for a quarter of an hour, for the same reason: acme-pay throttled us.",
        "Impact": "310 payments failed. This time most customers came back.",
        "Root cause": "The switch to the second provider is still made by hand."},
}


def play(act: Act) -> None:
    """Somebody does something about the newest postmortem of the problem."""
    with transaction():
        found = session.scalar(select(Postmortem).where(
            Postmortem.title == PROBLEMS[act.problem].title).order_by(Postmortem.id.desc()).limit(1))
        person = user_by_email(f"{act.who}@example.com")
        if found is not None and person is not None:
            what, _, text = act.text.partition(" ")
            _DOES[what](found, Actor(person.ref, person.name, via="web", user_id=person.id), text)


def _write(found: Postmortem, by: Actor, text: str) -> None:
    said, bodies = queries.content_of(found), TEXTS[text]
    impact = {"provider": "1,140 payments failed", "again": "310 payments failed"}[text]
    service.save(found, found.version, replace(said, impact=impact, sections=tuple(
        replace(one, body=bodies.get(one.heading, one.body)) for one in said.sections)), by=by)


def _item(found: Postmortem, by: Actor, text: str) -> None:
    owner, days, priority, title = text.split(" ", 3)
    items.add_item(found, {"title": title, "owner": f"{owner}@example.com", "priority": priority, "due_on": (
        clock.now().date() + timedelta(days=int(days))).isoformat()}, by=by)


def _move(found: Postmortem, by: Actor, text: str) -> None:
    state, title = text.split(" ", 1)
    items.move_item(next(one for one in found.items if one.title == title), state, by=by)


def _reviewer(name: str) -> list[User]:
    person = user_by_email(f"{name}@example.com")
    return [person] if person else []


_DOES: dict[str, Callable[[Postmortem, Actor, str], object]] = {
    "writes": _write, "item": _item, "moves": _move,
    "submits": lambda found, by, text: reviewing.submit(found, _reviewer(text), by=by),
    "approves": lambda found, by, _: reviewing.approve(found, by=by),
    "publishes": lambda found, by, _: reviewing.publish_version(found, by=by),
    "comments": lambda found, by, text: editing.add_comment(found, text, by=by),
    "hides": lambda found, by, _: _people_only(found, by),
    "row": lambda found, by, text: editing.add_row(found, found.incidents[0].opened_at - timedelta(minutes=2), text, by=by),
}


def _people_only(found: Postmortem, by: Actor) -> None:
    """Readers can do without what machines said to each other."""
    rows = timeline.rows_of(found, queries.content_of(found))
    shown = {row.key for row in rows if not row.noise}
    editing.choose_rows(found, shown, seen={row.key for row in rows}, by=by)


LESSONS: tuple[Act, ...] = tuple(Act(days * 1440, "postmortem", problem, who, text) for days, problem, who, text in (
    (12.0, "cards", "ana", "writes provider"), (11.99, "cards", "ana", "hides"),
    (11.98, "cards", "ana", "row The sale begins: 260 payments a second"),
    (11.97, "cards", "ana", "item bob 6 high Say the safe share in the runbook"),
    (11.96, "cards", "ana", "item ana 40 medium Try the switch every quarter"),
    (11.95, "cards", "ana", "item chen 9 low Slow down retries in the storefront"),
    (11.9, "cards", "ana", "submits bob"), (11.5, "cards", "bob", "comments Was the retry storm visible on the dashboard?"),
    (11.4, "cards", "bob", "approves"), (11.3, "cards", "ana", "publishes"),
    (8.0, "cards", "chen", "moves done Slow down retries in the storefront"),
    (6.0, "cards", "bob", "writes again"), (5.98, "cards", "bob", "item bob 20 high Switch providers by itself on 429"),
    (5.9, "cards", "bob", "submits ana")))
