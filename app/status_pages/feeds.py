"""What readers follow with programs of their own: Atom (RFC 4287), RSS 2.0, and a calendar of maintenance (RFC 5545)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icalendar import Calendar, Event, vText
from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.db import session
from app.status_pages import document as documents
from app.status_pages import queries
from app.status_pages.document import PublicNotice
from app.status_pages.models import Notice, StatusPage
from app.status_pages.rendering import Rendered
from app.status_pages.texts import plain
from app.status_pages.words import Words

if TYPE_CHECKING:
    from feedgen.feed import FeedGenerator

MOST = 50


def atom(page: StatusPage) -> Rendered:
    """The newest notices. An entry is a notice; its id stays, whatever is edited or added."""
    return Rendered(_feed(page, "feed.atom").atom_str(), "application/atom+xml")


def rss(page: StatusPage) -> Rendered:
    """The same as RSS 2.0."""
    return Rendered(_feed(page, "feed.rss").rss_str(), "application/rss+xml")


def _feed(page: StatusPage, own: str) -> FeedGenerator:
    from feedgen.feed import FeedGenerator

    url, words = queries.address_of(page), Words(page.language)
    notices = _newest(page)
    feed = FeedGenerator()
    feed.id(url)
    feed.title(page.name)
    feed.description(page.name)
    feed.author({"name": page.name})
    feed.language(page.language)
    feed.link(href=f"{url}/{own}", rel="self")
    feed.link(href=url, rel="alternate")
    feed.updated(max((one.updates[0].at for one in notices if one.updates), default=page.created_at))
    for one in notices:
        entry = feed.add_entry(order="append")
        address = f"{url}/notices/{one.id}"
        entry.id(address)
        entry.guid(address, permalink=True)
        entry.link(href=address)
        entry.title(f"{one.title} ({words(one.state)})")
        entry.published(one.started_at)
        entry.updated(one.updates[0].at if one.updates else one.started_at)
        entry.content(str(_told(one, words)), type="html")
    return feed


def _told(one: PublicNotice, words: Words) -> Markup:
    parts = [Markup("<p><b>{}</b> <time>{}</time></p>{}").format(words(said.state), clock.rfc3339(said.at), said.html)
             for said in one.updates]
    return Markup("").join(parts) or escape(one.title)


def _newest(page: StatusPage) -> list[PublicNotice]:
    names = {one.id: one.public_id for one in page.components}
    found = session.scalars(select(Notice).where(Notice.page_id == page.id, ~Notice.draft)
                            .options(selectinload(Notice.updates)).order_by(Notice.started_at.desc(), Notice.id.desc())
                            .limit(MOST).execution_options(populate_existing=True))
    return [documents.public_notice(one, names) for one in found]


def calendar(page: StatusPage) -> Rendered:
    """Maintenance of the next 90 days, what was cancelled marked so."""
    document, host = documents.page_document(page), queries.address_of(page).split("/")[2]
    made = Calendar()
    made.add("prodid", "-//OnCall Platform//Status page//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", page.name)
    for one in document.maintenance:
        event = Event()
        event.add("uid", f"{one.id}@{host}")
        event.add("dtstamp", document.at.replace(microsecond=0))
        event.add("dtstart", one.starts.replace(microsecond=0))
        event.add("dtend", one.ends.replace(microsecond=0))
        event.add("summary", one.title)
        names = ", ".join(document.names[key] for key in one.components)
        event.add("description", "\n\n".join(filter(None, (names, plain(one.text)))))
        event["status"] = vText("CANCELLED" if one.state == "cancelled" else "CONFIRMED")
        event.add("url", document.url)
        made.add_component(event)
    return Rendered(made.to_ical(), "text/calendar")
