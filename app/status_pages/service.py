"""Commands on status pages and components: save, remove, override, correct the past, renew the access link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_text
from app.identity.queries import allow
from app.status_pages import branding, events, queries, rules, states
from app.status_pages.maintenance_models import Announcement, NoticeTemplate, PageWindow, Series, WindowUpdate
from app.status_pages.models import Component, Notice, NoticeIncident, Span, StatusPage
from app.status_pages.saving import Edit, fill
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage


def add_page(values: Mapping[str, Any], *, by: Actor) -> StatusPage:
    """A new page; an address that is taken is refused."""
    if queries.page_by_slug(str(values.get("slug", ""))) is not None:
        raise Invalid(problems=[Problem("slug", "Another page has this address")])
    return save_page(values, by=by)


def save_page(values: Mapping[str, Any], *, by: Actor) -> StatusPage:
    """Create or change the page `values["slug"]`; only what is named changes. Raises Invalid, Forbidden."""
    problems = Problems()
    slug = str(values.get("slug") or "")
    if fault := rules.slug_fault(slug):
        problems.add("slug", fault)
    problems.raise_if_any()
    found = queries.page_by_slug(slug)
    fresh, before = found is None, found and queries.page_document_of(found)
    page = found or StatusPage(slug=slug, name=slug, hosts=[], access="public", draft=False, time_zone="UTC", language="en",
                               intro="", accent="", auto_notice="off", auto_resolve=False, version=1, exports={})
    if found is not None:
        allow(by, "status_page.edit", team_id=page.team_id)
        alone("status pages")
        locked(StatusPage, page.id)
    elif (session.scalar(select(func.count()).select_from(StatusPage)) or 0) >= rules.MOST_PAGES:
        raise Conflict(f"There are {rules.MOST_PAGES} status pages already")
    access = page.access
    with session.no_autoflush:
        components = fill(Edit(page, by, problems), values)
        problems.raise_if_any()
    allow(by, "status_page.edit", team_id=page.team_id)
    if not fresh and page.access != access:
        page.link_hash, page.link_last4 = None, ""
    _keep(page)
    for one in components:
        states.begin(one)
    after = queries.page_document_of(page)
    if before != after or (values.get("export") or {}).get("header"):
        states.touch(page)
        record(events.CREATED if fresh else events.CHANGED, page.ref, by=by, also=states.also(page), name=page.name,
               before=before, after=after)
        states.settle(only=[page.id])
    return page


def hand_on(values: Mapping[str, Any], *, by: Actor) -> None:
    """Save the page of this name (`key`) under another team."""
    save_page({"slug": values["key"], "team": values["team"]}, by=by)


def _keep(page: StatusPage) -> None:
    try:
        with session.begin_nested():
            session.add(page)
    except IntegrityError:
        raise Conflict(f"There is a status page {page.slug} already") from None
    session.flush()


def remove_page(page: StatusPage, *, by: Actor) -> None:
    """Delete it with its history."""
    allow(by, "status_page.edit", team_id=page.team_id)
    before, ref, concerned, name = queries.page_document_of(page), page.ref, states.also(page), page.name
    components = [one.id for one in page.components]
    session.execute(delete(Span).where(Span.component_id.in_(components)))
    session.execute(delete(NoticeIncident).where(NoticeIncident.page_id == page.id))
    _forget_readers(page)
    for notice in session.scalars(select(Notice).where(Notice.page_id == page.id)):
        session.delete(notice)
    session.flush()
    session.delete(page)
    session.flush()
    record(events.DELETED, ref, by=by, also=concerned, name=name, before=before)


def _forget_readers(page: StatusPage) -> None:
    """Maintenance, templates, subscribers and what they were told."""
    windows = select(PageWindow.id).where(PageWindow.page_id == page.id)
    session.execute(delete(WindowUpdate).where(WindowUpdate.window_id.in_(windows)))
    readers = select(Subscriber.id).where(Subscriber.page_id == page.id)
    session.execute(delete(SubscriberMessage).where(SubscriberMessage.subscriber_id.in_(readers)))
    for table in (PageWindow, Series, NoticeTemplate, Subscriber, Announcement):
        session.execute(delete(table).where(table.page_id == page.id))


def renew_link(page: StatusPage, *, by: Actor) -> str:
    """A new access link of a private page; the old one, and the cookies that came of it, are dead. Returns its token."""
    allow(by, "status_page.edit", team_id=page.team_id)
    if page.access != "private":
        raise Conflict("Only a private page has an access link")
    token = secrets.new_token()
    page.link_hash, page.link_last4 = secrets.digest(token), token[-4:]
    states.touch(page)
    record(events.LINK_RENEWED, page.ref, by=by, also=states.also(page), name=page.name)
    return token


def set_logo(page: StatusPage, picture: bytes, *, by: Actor) -> None:
    """The picture above the page; nothing takes it away. Raises Invalid."""
    allow(by, "status_page.edit", team_id=page.team_id)
    problems = Problems()
    kind = problems.take("logo", branding.kind_of, picture) if picture else ""
    problems.raise_if_any()
    page.logo, page.logo_type = picture or None, kind or ""
    page.logo_mark = secrets.digest(picture.hex())[:12] if picture else ""
    states.touch(page)
    record(events.BRANDED, page.ref, by=by, also=states.also(page), name=page.name)


def override(component: Component, state: str, *, until: datetime, reason: str, by: Actor) -> None:
    """Show this state whatever the incidents say, until then. Raises Invalid, Forbidden."""
    page = component.page
    allow(by, "status_page.write", team_id=page.team_id)
    alone("status pages")
    problems, now = Problems(), clock.now()
    if state not in rules.STATES:
        problems.add("state", f"Must be one of {', '.join(rules.STATES)}")
    if fault := rules.override_fault(until, now):
        problems.add("until", fault)
    why = problems.take("reason", check_text, reason, least=1, most=500, label="A reason")
    problems.raise_if_any()
    held = locked(Component, component.id) or component
    held.override_state, held.override_until = state, until
    held.override_reason, held.override_name = why or "", by.name[:200]
    record(events.OVERRIDDEN, page.ref, by=by, also=states.also(page), name=component.name, state=state, reason=why,
           until=clock.rfc3339(until), component=component.public_id)
    session.flush()
    states.settle(only=[page.id], by=by)
    states.touch(page)


def end_override(component: Component, *, by: Actor) -> None:
    """Back to what the incidents say."""
    page = component.page
    allow(by, "status_page.write", team_id=page.team_id)
    alone("status pages")
    held = locked(Component, component.id) or component
    if held.override_state is None:
        return
    held.override_state = held.override_until = None
    held.override_reason = held.override_name = ""
    record(events.OVERRIDE_ENDED, page.ref, by=by, also=states.also(page), name=component.name,
           component=component.public_id)
    session.flush()
    states.settle(only=[page.id], by=by)
    states.touch(page)


def correct(component: Component, span: tuple[datetime, datetime], state: str, *, reason: str, by: Actor) -> None:
    """Say that the component was in this state between two past instants. Raises Invalid."""
    page, (start, end) = component.page, span
    allow(by, "status_page.edit", team_id=page.team_id)
    problems = Problems()
    if state not in rules.STATES:
        problems.add("state", f"Must be one of {', '.join(rules.STATES)}")
    if not start < end <= clock.now():
        problems.add("ends", "A span that is corrected lies in the past")
    why = problems.take("reason", check_text, reason, least=1, most=500, label="A reason")
    problems.raise_if_any()
    locked(Component, component.id)
    before = _cut_out(component, start, end)
    session.add(Span(component_id=component.id, state=state, starts=start, ends=end, reason=why or ""))
    states.touch(page)
    record(events.SPAN_CORRECTED, page.ref, by=by, also=states.also(page), name=component.name, reason=why, before=before,
           after=[clock.rfc3339(start), clock.rfc3339(end), state], component=component.public_id)


def _cut_out(component: Component, start: datetime, end: datetime) -> list[list[str | None]]:
    """Make room between two instants; what stood there."""
    before = []
    for span in session.scalars(select(Span).where(
            Span.component_id == component.id, Span.starts < end, (Span.ends > start) | Span.ends.is_(None))):
        before.append([clock.rfc3339(span.starts), clock.rfc3339(span.ends), span.state])
        later = (span.state, span.ends) if span.ends is None or span.ends > end else None
        if span.starts < start:
            span.ends = start
        else:
            session.delete(span)
        session.flush()
        if later is not None:
            session.add(Span(component_id=component.id, state=later[0], starts=end, ends=later[1]))
            session.flush()
    return before
