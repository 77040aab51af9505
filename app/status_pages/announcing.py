"""What subscribers are to be told, written down in the transaction of the fact itself: neither lost nor told twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.status_pages import queries, rules
from app.status_pages.maintenance_models import Announcement, PageWindow
from app.status_pages.models import Component, NoticeUpdate, Span, StatusPage
from app.status_pages.texts import plain
from app.status_pages.words import Words


@dataclass(frozen=True)
class News:
    """What is told: `once` names it for ever, `components` are ids, `data` goes to machines."""

    once: str
    kind: str
    subject: str
    text: str
    components: Collection[int] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


def announce(page: StatusPage, news: News) -> None:
    """Write it down, once; a tick gives each subscriber a message of it. A draft of a page tells nobody."""
    if page.draft or session.scalar(select(Announcement.id).where(Announcement.once == news.once)) is not None:
        return
    session.add(Announcement(once=news.once, page_id=page.id, kind=news.kind, components=list(news.components),
                             subject=news.subject[:400], text=news.text, data=dict(news.data)))
    session.flush()


def tell_of_component(component: Component) -> None:
    """The first change at once, later ones damped: at most one in 5 minutes, and the last word is always told."""
    now, state = clock.now(), heard(component.state)
    tell, component.tell_at = rules.damped(rules.Told(component.told_state, component.told_at), state, now)
    if not tell:
        return
    page, words = component.page, Words(component.page.language)
    span = session.scalar(select(Span.id).where(Span.component_id == component.id, Span.ends.is_(None)))
    component.told_state, component.told_at = state, now
    said = f"{component.name} {words('is_now')}: {words(state)}"
    announce(page, News(f"component:{component.id}:{span}", "outage", f"[{page.name}] {component.name}: {words(state)}",
                        f"{said} ({words.moment(component.since, ZoneInfo(page.time_zone))} {page.time_zone}).",
                        [component.id], {"event": "component", "component": component.public_id, "name": component.name,
                                         "status": state, "since": clock.rfc3339(component.since)}))


def heard(state: str) -> str:
    """What subscribers of outages hear: maintenance is told by its own messages."""
    return rules.OPERATIONAL if state == rules.MAINTENANCE else state


def tell_of_update(update: NoticeUpdate) -> None:
    """A published update of a notice."""
    notice, page = update.notice, update.notice.page
    words = Words(page.language)
    announce(page, News(f"update:{update.id}", "notice", f"[{page.name}] {words(update.state)}: {notice.title}",
                        plain(update.text), notice.components,
                        {"event": "notice", "notice": notice.public_id, "title": notice.title, "state": update.state,
                         "text": update.text, "url": f"{queries.address_of(page)}/notices/{notice.public_id}"}))


def tell_of_window(window: PageWindow, what: str, *, once: str = "", text: str = "") -> None:
    """Maintenance: `before`, `started`, `ended`, `moved`, `cancelled`, or an update with its text."""
    page, words = window.page, Words(window.page.language)
    zone = ZoneInfo(page.time_zone)
    span = f"{words.moment(window.starts, zone)} {words('until')} {words.moment(window.ends, zone)} ({page.time_zone})"
    heading = words(f"window_{what}") if what != "update" else words(window.state)
    announce(page, News(once or f"window:{window.id}:{what}", "maintenance", f"[{page.name}] {heading}: {window.title}",
                        "\n\n".join(filter(None, (span, text or plain(window.text)))), window.components,
                        {"event": "maintenance", "window": window.public_id, "title": window.title, "what": what,
                         "state": window.state, "starts": clock.rfc3339(window.starts), "ends": clock.rfc3339(window.ends)}))
