"""Ana and a calendar outside: how she agrees, what we know of it, and what should stand there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from app.core.db import session
from app.oncall.calendar_models import CalendarLink
from app.oncall.feed_texts import spans_of
from app.oncall.queries import schedule_by_key, shifts

NOW = datetime(2026, 2, 11, 15, tzinfo=UTC)
SYNC = "app.oncall.calendar_ticks.sync_links"
HOUR = timedelta(hours=1)


def agree(browser, vendor, **answer) -> str:
    """Connect, agree at the vendor's, and come back: the page that Ana sees then."""
    away = browser.post(f"/me/calendars/{vendor.slug}/connect")
    asked = {name: one[0] for name, one in parse_qs(urlsplit(away.location).query).items()}
    assert asked["redirect_uri"] == f"http://localhost/me/calendars/{vendor.slug}/connected"
    said = {"code": "good-code", "state": asked["state"], **answer}
    browser.get(f"/me/calendars/{vendor.slug}/connected", query_string=said)
    return browser.get("/me/calendars").text


def connect(browser, vendor, calendar: str = "main") -> CalendarLink:
    """Agree and choose a calendar."""
    assert "Choose a calendar" in agree(browser, vendor)
    browser.post(f"/me/calendars/outside/{link().id}", data={"calendar": calendar})
    return link()


def link() -> CalendarLink:
    session.expire_all()
    return session.query(CalendarLink).one()


def mine(ana, schedule="primary") -> list:
    """Ana's shifts of the next 90 days, by what the house answers; the running one from its start."""
    found = shifts(schedule_by_key(schedule), NOW - timedelta(days=10), NOW + timedelta(days=97))
    return [(one.start, one.end) for one in spans_of(found, ana.id)
            if one.end > NOW and one.start < NOW + timedelta(days=90)]
