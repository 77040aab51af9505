"""The whole public document of a page: what outsiders may know, and nothing else. Partners are shown the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.db import session
from app.status_pages import bars, queries, rules
from app.status_pages.bars import Day
from app.status_pages.maintenance_models import PageWindow
from app.status_pages.models import Component, Notice, NoticeUpdate, Span, StatusPage
from app.status_pages.texts import html


@dataclass(frozen=True)
class PublicComponent:
    """A component as outsiders see it; `uptime` in percent of what is known of the last 90 days."""

    id: str
    name: str
    description: str
    group: str
    state: str
    since: datetime
    days: list[Day]
    uptime: float | None


@dataclass(frozen=True)
class PublicUpdate:
    """A status update, published at `at`."""

    at: datetime
    state: str
    text: str
    edited: bool

    @property
    def html(self) -> Markup:
        """The text as safe HTML."""
        return html(self.text)


@dataclass(frozen=True)
class PublicNotice:
    """A notice; its updates stand latest first."""

    id: str
    title: str
    state: str
    impact: str
    components: list[str]
    started_at: datetime
    resolved_at: datetime | None
    updates: list[PublicUpdate]


@dataclass(frozen=True)
class PublicWindow:
    """Maintenance, planned, running or cancelled."""

    id: str
    title: str
    text: str
    state: str
    starts: datetime
    ends: datetime
    components: list[str]
    updates: list[PublicUpdate]

    @property
    def html(self) -> Markup:
        """What is done, as safe HTML."""
        return html(self.text)


@dataclass(frozen=True)
class Document:
    """All that a page says at `at`. Open notices come newest first; `past` ended in the last 14 days."""

    slug: str
    name: str
    intro: str
    language: str
    zone: ZoneInfo
    access: str
    state: str
    components: list[PublicComponent]
    notices: list[PublicNotice]
    past: list[PublicNotice]
    maintenance: list[PublicWindow]
    at: datetime
    url: str
    names: dict[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> list[tuple[str, list[PublicComponent]]]:
        """Components by group, in the order in which the groups first appear."""
        found: dict[str, list[PublicComponent]] = {}
        for one in self.components:
            found.setdefault(one.group, []).append(one)
        return list(found.items())

    @property
    def affected(self) -> list[PublicComponent]:
        """What is not operational, worst first."""
        return sorted((one for one in self.components if one.state != rules.OPERATIONAL),
                      key=lambda one: -rules.STATES.index(one.state))


def page_document(page: StatusPage) -> Document:
    """The public document as of the last full minute, or of the last change: every process writes the same bytes."""
    now = max(clock.now().replace(second=0, microsecond=0), page.changed_at)
    zone = ZoneInfo(page.time_zone)
    components = public_components(page.components, now, zone)
    names = {one.id: one.public_id for one in page.components}
    open_, past = _notices(page, names, now)
    return Document(
        slug=page.slug, name=page.name, intro=page.intro, language=page.language, zone=zone, access=page.access,
        state=rules.worst(one.state for one in components), components=components, notices=open_, past=past,
        maintenance=_maintenance(page, names, now), at=now, url=queries.address_of(page),
        names={one.id: one.name for one in components})


def public_components(components: Collection[Component], now: datetime, zone: ZoneInfo) -> list[PublicComponent]:
    """The components with their bars."""
    spans = spans_of([one.id for one in components], now - timedelta(days=rules.BARS + 2))
    found = []
    for one in components:
        days = bars.bars(spans.get(one.id, []), now, zone)
        found.append(PublicComponent(one.public_id, one.name, one.description, one.group, one.state, one.since, days,
                                     bars.uptime(days)))
    return found


def spans_of(components: Iterable[int], after: datetime) -> dict[int, list[bars.Was]]:
    """What each component was since then, oldest first."""
    found: dict[int, list[bars.Was]] = {}
    for key, state, starts, ends in session.execute(
            select(Span.component_id, Span.state, Span.starts, Span.ends)
            .where(Span.component_id.in_(list(components)), or_(Span.ends.is_(None), Span.ends > after))
            .order_by(Span.component_id, Span.starts)):
        found.setdefault(key, []).append(bars.Was(state, starts, ends))
    return found


def _notices(page: StatusPage, names: dict[int, str], now: datetime) -> tuple[list[PublicNotice], list[PublicNotice]]:
    found = [public_notice(one, names) for one in session.scalars(
        _published(page).where(or_(Notice.resolved_at.is_(None), Notice.resolved_at > now - rules.RECENT)))]
    return ([one for one in found if one.resolved_at is None], [one for one in found if one.resolved_at is not None])


def _maintenance(page: StatusPage, names: dict[int, str], now: datetime) -> list[PublicWindow]:
    """What runs, comes within 90 days, or was cancelled although it would still come."""
    found = session.scalars(select(PageWindow).where(
        PageWindow.page_id == page.id, PageWindow.state != "completed", PageWindow.ends > now)
        .options(selectinload(PageWindow.updates)).order_by(PageWindow.starts, PageWindow.id)
        .execution_options(populate_existing=True))
    return [public_window(one, names) for one in found]


def public_window(one: PageWindow, names: dict[int, str]) -> PublicWindow:
    """Maintenance as outsiders see it."""
    updates = [PublicUpdate(said.at, said.state, said.text, False) for said in reversed(one.updates)]
    return PublicWindow(one.public_id, one.title, one.text, one.state, one.starts, one.ends,
                        [names[key] for key in one.components if key in names], updates)


def _published(page: StatusPage) -> Any:
    return (select(Notice).where(Notice.page_id == page.id, ~Notice.draft).options(selectinload(Notice.updates))
            .order_by(Notice.started_at.desc(), Notice.id.desc()).execution_options(populate_existing=True))


def public_notice(notice: Notice, names: dict[int, str]) -> PublicNotice:
    """A notice as outsiders see it; `names` are the public ids of the page's components."""
    updates = [public_update(one) for one in reversed(notice.updates) if one.due_at is None]
    return PublicNotice(notice.public_id, notice.title, notice.state, notice.impact,
                        [names[key] for key in notice.components if key in names], notice.started_at, notice.resolved_at,
                        updates)


def public_update(update: NoticeUpdate) -> PublicUpdate:
    """An update as outsiders see it."""
    return PublicUpdate(update.at, update.state, update.text, update.edited_at is not None)


@dataclass(frozen=True)
class Month:
    """The notices that began in one month of the page's calendar."""

    first: date
    notices: list[PublicNotice]
    earlier: str
    later: str


def month_document(page: StatusPage, month: date) -> Month:
    """What was said in the month that begins with this day."""
    zone = ZoneInfo(page.time_zone)
    after = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    start, end = (datetime(one.year, one.month, 1, tzinfo=zone) for one in (month, after))
    names = {one.id: one.public_id for one in page.components}
    found = session.scalars(_published(page).where(Notice.started_at >= start, Notice.started_at < end))
    first = session.scalar(select(Notice.started_at).where(Notice.page_id == page.id, ~Notice.draft)
                           .order_by(Notice.started_at).limit(1))
    before = (month - timedelta(days=1)).replace(day=1)
    return Month(month, [public_notice(one, names) for one in found],
                 f"{before:%Y-%m}" if first is not None and first < start else "",
                 f"{after:%Y-%m}" if end <= clock.now() else "")


def as_json(document: Document) -> dict[str, Any]:
    """The document for machines, by the names of its description."""
    return {
        "page": {"name": document.name, "url": document.url, "time_zone": document.zone.key}, "status": document.state,
        "components": [{"id": one.id, "name": one.name, "group": one.group or None, "status": one.state,
                        "since": clock.rfc3339(one.since), "uptime_90d": one.uptime} for one in document.components],
        "notices": [notice_json(one) for one in [*document.notices, *document.past]],
        "maintenance": [{"id": one.id, "title": one.title, "state": one.state, "starts": clock.rfc3339(one.starts),
                         "ends": clock.rfc3339(one.ends), "components": one.components, "updates": _updates(one.updates)}
                        for one in document.maintenance],
        "generated_at": clock.rfc3339(document.at)}


def notice_json(notice: PublicNotice) -> dict[str, Any]:
    """A notice for machines."""
    return {"id": notice.id, "title": notice.title, "state": notice.state, "impact": notice.impact,
            "components": notice.components, "started_at": clock.rfc3339(notice.started_at),
            "resolved_at": clock.rfc3339(notice.resolved_at), "updates": _updates(notice.updates)}


def _updates(updates: list[PublicUpdate]) -> list[dict[str, Any]]:
    return [{"at": clock.rfc3339(one.at), "state": one.state, "text": one.text} for one in updates]
