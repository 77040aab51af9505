"""Commands on calendars outside: agreed to, chosen, kept in step, disconnected. The core names no vendor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_, select, update

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import record
from app.core.secrets import Unreadable, open_, seal
from app.identity.queries import allow
from app.oncall import events
from app.oncall.calendar_models import CalendarLink
from app.oncall.feed_texts import shifts_of
from app.oncall.link_rules import wait, wanted
from app.plugin_api import Calendar, CalendarEntry, Grant, Inbound, NoAccess, Refused, Rejected, Retry

AHEAD, EVERY, LEASE = timedelta(days=90), timedelta(hours=6), timedelta(minutes=10)
MOST_FAILURES = 12
"""After so many failures in a row (about two days) one who disconnected is let go although the vendor can't be reached."""


def offers() -> dict[str, Calendar]:
    """The calendars that can be connected: switched on, and with all they need."""
    registry = current_app.extensions["plugins"]
    return {slug: offer for slug, offer in sorted(registry.calendars.items())
            if registry.is_on("calendar", slug) and all(current_app.config.get(name) for name in offer.needs)}


def offer_of(slug: str) -> Calendar:
    """One that can be connected. Raises NotFound."""
    try:
        return offers()[slug]
    except KeyError:
        raise NotFound("This calendar can't be connected here. Subscribe to an address instead.") from None


def config_of(offer: Calendar) -> dict[str, Any]:
    """The settings that it reads."""
    return {name: current_app.config.get(name, "") for name in offer.settings}


def links_of(user_id: int | None) -> list[CalendarLink]:
    """What a person connected, in the order they did."""
    return list(session.scalars(select(CalendarLink).where(CalendarLink.user_id == user_id).order_by(CalendarLink.id)))


def own_link(key: int, by: Actor) -> CalendarLink:
    """One of the person's own, unless it is about to go. Raises NotFound."""
    link = session.get(CalendarLink, key)
    if link is None or link.user_id != by.user_id or link.state == "leaving":
        raise NotFound("There is no such calendar")
    return link


def agreed(slug: str, inbound: Inbound, callback: str) -> tuple[Grant, list[tuple[str, str]]]:
    """What the vendor gives for its answer, and the person's calendars; nothing is open meanwhile. Raises Conflict."""
    offer = offer_of(slug)
    try:
        grant = offer.granted(inbound, callback, config_of(offer))
        return grant, offer.calendars(grant, config_of(offer))
    except (Rejected, Retry, NoAccess, Refused) as fault:
        raise Conflict(f"It was not connected: {fault.reason}") from None


def keep(slug: str, grant: Grant, choices: list[tuple[str, str]], *, by: Actor) -> CalendarLink:
    """Keep a consent; the same account again goes on with the calendar that was chosen."""
    allow(by, "own.edit")
    link = session.scalar(select(CalendarLink).where(
        CalendarLink.user_id == by.user_id, CalendarLink.plugin == slug).with_for_update())
    if link is None:
        place = f"{current_app.config['BASE_URL']}\n{by.user_id}"
        link = CalendarLink(user_id=by.user_id, plugin=slug, mark=hashlib.sha256(place.encode()).hexdigest()[:32])
        session.add(link)
    if link.account != grant.account or link.calendar not in [one[0] for one in choices]:
        link.calendar, link.calendar_name, link.former = "", "", []
    link.account, link.choices = grant.account[:254], [list(one) for one in choices]
    link.state, link.error, link.failures = "on" if link.calendar else "choosing", "", 0
    link.next_at = clock.now()
    store(link, grant)
    session.flush()
    record(events.LINK_MADE, link.user.ref, by=by, name=offer_of(slug).name, account=link.account)
    return link


def choose(link: CalendarLink, calendar: str, *, by: Actor) -> None:
    """Show the shifts in this calendar of theirs; what we wrote in another goes. Raises Invalid."""
    allow(by, "own.edit")
    names = {str(one[0]): str(one[1]) for one in link.choices}
    if calendar not in names:
        raise Invalid(problems=[Problem("calendar", "Choose one of your calendars")])
    if link.calendar and link.calendar != calendar:
        link.former = [*link.former, link.calendar]
    link.calendar, link.calendar_name, link.state = calendar, names[calendar][:200], "on"
    link.former = [one for one in link.former if one != calendar]
    link.next_at, link.error, link.failures = clock.now(), "", 0
    record(events.LINK_CHOSEN, link.user.ref, by=by, name=_name(link), calendar=link.calendar_name)


def leave(link: CalendarLink, *, by: Actor) -> None:
    """Our entries to come and the tokens go; the person sees it no more."""
    allow(by, "own.edit")
    record(events.LINK_ENDED, link.user.ref, by=by, name=_name(link))
    if link.state == "broken":
        session.delete(link)
    else:
        link.state, link.next_at, link.failures = "leaving", clock.now(), 0
    session.flush()


def look_soon(people: Collection[int] | None) -> None:
    """The shifts of these people, or of everybody, may be others."""
    due = update(CalendarLink).where(CalendarLink.state == "on").values(next_at=clock.now())
    session.execute(due if people is None else due.where(CalendarLink.user_id.in_(people)))


@dataclass(frozen=True)
class Job:
    """One turn at one calendar: what to do there, found before anything is called. `held` are shifts of teams in shadow:
    they stay there, or stay away, as they are."""

    id: int
    offer: Calendar
    config: Mapping[str, Any]
    grant: Grant
    mark: str
    calendar: str
    former: tuple[str, ...]
    entries: tuple[CalendarEntry, ...]
    held: tuple[CalendarEntry, ...]
    leaving: bool
    seen: datetime


def due(limit: int) -> list[int]:
    """Which turns have come."""
    free = or_(CalendarLink.lease_until.is_(None), CalendarLink.lease_until <= clock.now())
    return list(session.scalars(select(CalendarLink.id).where(
        CalendarLink.next_at <= clock.now(), CalendarLink.state.in_(("on", "leaving")), free)
        .order_by(CalendarLink.next_at).limit(limit)))


def claim(key: int) -> Job | None:
    """Take one turn, if nobody else has; whoever may not read schedules any more leaves."""
    now = clock.now()
    free = or_(CalendarLink.lease_until.is_(None), CalendarLink.lease_until <= now)
    taken = session.execute(update(CalendarLink).where(
        CalendarLink.id == key, CalendarLink.next_at <= now, free).values(lease_until=now + LEASE))
    link = session.get(CalendarLink, key, populate_existing=True)
    if not taken.rowcount or link is None or link.next_at is None:  # type: ignore[attr-defined]
        return None
    offer = offers().get(link.plugin)
    try:
        grant = grant_of(link)
    except Unreadable:
        return _forget(link)
    if offer is None:
        link.next_at, link.lease_until, link.error = now + EVERY, None, "It is switched off at the moment"
        return None
    try:
        entries, held = shifts_of(link.user, now, now + AHEAD)
    except NotFound:
        link.state, entries, held = "leaving", [], []
    return Job(link.id, offer, config_of(offer), grant, link.mark, link.calendar, tuple(link.former),
               tuple(wanted(entries)), tuple(wanted(held)), link.state == "leaving", link.next_at)


def _forget(link: CalendarLink) -> None:
    """Its tokens can't be read: nothing can be done there any more."""
    link.lease_until = None
    if link.state == "leaving":
        session.delete(link)
    else:
        _break(link, "What we kept of your consent can't be read any more")


def finished(job: Job, *, more: bool) -> None:
    """The calendar is as it should be, or `more` is left to write; who left is gone."""
    link = session.get(CalendarLink, job.id, populate_existing=True)
    if link is None:
        return
    link.lease_until = None
    if job.leaving and link.state == "leaving" and not more:
        session.delete(link)
        return
    link.synced_at, link.failures, link.error = clock.now(), 0, ""
    link.former = [one for one in link.former if one not in job.former] if not more else link.former
    if link.next_at == job.seen:
        link.next_at = clock.now() + (timedelta() if more else EVERY)


def failed(job: Job, fault: Retry | NoAccess | Refused | Rejected) -> None:
    """It could not be written: later again; without the person's consent, or without their calendar, not before they
    said what next."""
    link = session.get(CalendarLink, job.id, populate_existing=True)
    if link is None:
        return
    link.lease_until = None
    if link.next_at != job.seen:  # meanwhile they agreed anew or chose another: this fault is of what was before
        return
    link.error, link.failures = fault.reason[:300], link.failures + 1
    if job.leaving and link.state == "leaving" and (not isinstance(fault, Retry) or link.failures > MOST_FAILURES):
        session.delete(link)
    elif isinstance(fault, NoAccess):
        _break(link, fault.reason)
    elif isinstance(fault, Refused):
        link.state, link.calendar, link.next_at = "choosing", "", None
        record(events.LINK_BROKEN, link.user.ref, by=SYSTEM, name=_name(link), reason=link.error)
    else:
        link.next_at = clock.now() + wait(link.failures, getattr(fault, "after", None))


def _break(link: CalendarLink, reason: str) -> None:
    """Nothing more is written until the person agrees again."""
    link.state, link.grant_sealed, link.next_at, link.error = "broken", "", None, reason[:300]
    record(events.LINK_BROKEN, link.user.ref, by=SYSTEM, name=_name(link), reason=link.error)


def store(link: CalendarLink, grant: Grant) -> None:
    """Keep the tokens, sealed."""
    text = json.dumps([grant.access, grant.refresh, grant.expires_at.isoformat(), grant.account])
    link.grant_sealed = seal(text, bound_to=f"calendar_link:{link.mark}/{link.plugin}")


def grant_of(link: CalendarLink) -> Grant:
    """The tokens."""
    access, refresh, until, account = json.loads(open_(
        link.grant_sealed, bound_to=f"calendar_link:{link.mark}/{link.plugin}"))
    return Grant(access, refresh, datetime.fromisoformat(until), account)


def _name(link: CalendarLink) -> str:
    offer = current_app.extensions["plugins"].calendars.get(link.plugin)
    return offer.name if offer else link.plugin

