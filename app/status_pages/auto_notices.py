"""Notices that a page writes and resolves by itself, where it says so."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import alone, session
from app.incidents.models import Incident
from app.status_pages import queries, rules
from app.status_pages.models import Component, Notice, NoticeIncident
from app.status_pages.notices import Said, link, open_notice, say
from app.status_pages.words import Words


def write_by_itself(component: Component) -> Notice | None:
    """A component broke: the page's own first notice, as a draft or published, unless one tells of it already.

    What somebody set by hand is theirs to explain.
    """
    page = component.page
    if page.auto_notice == "off" or any(state in (rules.OPERATIONAL, rules.MAINTENANCE)
                                        for state in (component.state, component.computed)):
        return None
    alone("status pages")
    open_ = session.scalars(select(Notice).where(Notice.page_id == page.id, Notice.resolved_at.is_(None)).with_for_update())
    if any(component.id in one.components for one in open_):
        return None
    words = Words(page.language)
    made = open_notice(page, {"title": f"{component.name}: {words(component.state)}", "components": [component.public_id],
                              "draft": page.auto_notice == "draft"}, Said("investigating", words("we_look")), by=SYSTEM)
    for number in _incidents_of(component):
        if session.scalar(select(NoticeIncident.notice_id).where(
                NoticeIncident.page_id == page.id, NoticeIncident.incident_id == number)) is None:
            link(made, number, by=SYSTEM)
    return made


def _incidents_of(component: Component) -> Sequence[int]:
    return session.scalars(select(Incident.id).where(
        Incident.service_id.in_([one.id for one in component.services]), Incident.status != "resolved",
        ~Incident.test)).all()


def resolve_by_itself(number: int) -> None:
    """An incident is over: pages that say so publish the resolving update of its notice, when nothing else is open."""
    for notice in session.scalars(select(Notice).join(NoticeIncident, NoticeIncident.notice_id == Notice.id).where(
            NoticeIncident.incident_id == number).order_by(Notice.id)).all():
        if notice.page.auto_resolve and queries.resolvable(notice):
            say(notice, Said(rules.RESOLVED, Words(notice.page.language)("it_is_over")), by=SYSTEM)
