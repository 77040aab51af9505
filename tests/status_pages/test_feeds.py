"""How heavy a page is, and what programs of readers make of it."""

from __future__ import annotations

import re
from datetime import timedelta

import feedparser
import time_machine
from icalendar import Calendar

from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.status_pages import maintenance, notices, service, windows
from app.status_pages.notices import Said


def by(person):
    return Actor(person.ref, person.name, user_id=person.id)


def a_hard_season(shop, at):
    """Fourteen times, six days apart, half of the page breaks for an hour."""
    for day in range(14):
        at.shift(timedelta(days=6))
        for one in shop.page.components[:15]:
            with transaction():
                service.override(session.merge(one), ("degraded", "major_outage")[day % 2], reason="x", by=by(shop.ana),
                                 until=clock.now() + timedelta(hours=1))


def test_the_page_is_light_and_complete_without_script(app, shop, client):
    """STAT-19, STAT-20: 30 components with 90 days of trouble and 3 notices in 50 kB; bars speak; at most two more requests."""
    with time_machine.travel("2026-03-01T12:00:00+00:00", tick=False) as at:
        with transaction():
            parts = [{"name": f"A part of the shop number {one}"} for one in range(30)]
            service.save_page({"slug": "shop", "components": parts}, by=by(shop.ana))
        a_hard_season(shop, at)
        for number in range(3):
            with transaction():
                notices.open_notice(shop.page, {"title": f"Trouble {number}"}, Said("identified", "A cable. " * 20), by=by(shop.bob))
        page = client.get("/status/shop").text
    assert len(page.encode()) < 50_000 and len(re.findall(r'src="|rel="stylesheet"', page)) <= 2
    assert "outages on" in page and "%; " in page and len((app.config["ROOT"] / "static/js/status.js").read_bytes()) < 5000


def test_feeds_are_read_by_a_feed_parser_and_ids_stay(app, shop, client):
    """STAT-26: Atom and RSS; an edit and an update change no id."""
    with transaction():
        made = notices.open_notice(shop.page, {"title": "Cards <fail>"}, Said("identified", "A *cable*."), by=by(shop.bob))
        key = made.id
    before = [feedparser.parse(client.get(f"/status/shop/feed.{kind}").data) for kind in ("atom", "rss")]
    with transaction():
        notices.say(session.get(notices.Notice, key), Said("resolved", "Mended."), by=by(shop.bob))
    after = [feedparser.parse(client.get(f"/status/shop/feed.{kind}").data) for kind in ("atom", "rss")]
    assert not any(one.bozo for one in (*before, *after)) and all("Mended" in str(one.entries[0]) for one in after)
    assert [one.entries[0].id for one in before] == [one.entries[0].id for one in after]


def test_the_calendar_holds_what_comes_and_what_was_cancelled(app, shop, client):
    """STAT-26: read by a calendar library."""
    part = shop.component("Card payments").public_id
    with transaction():
        first = f"{clock.now() + timedelta(days=1):%Y-%m-%dT02:00}"
        maintenance.plan(shop.page, {"title": "Cables", "starts": first, "ends": first.replace("02:00", "03:00"), "components": [part],
                                     "repeat": {"unit": "week"}}, by=by(shop.ana))
    with transaction():
        maintenance.cancel(session.query(windows.PageWindow).order_by(windows.PageWindow.id).first(), by=by(shop.ana))
    found = Calendar.from_ical(client.get("/status/shop/maintenance.ics").data).walk("VEVENT")
    assert [str(one["STATUS"]) for one in found] == ["CANCELLED", *["CONFIRMED"] * 12]


def test_the_badge_is_small_and_says_what_it_shows(app, shop, client):
    """STAT-27: below 2 kB, 60 s, its words for screen readers; of one component, too."""
    part = shop.component("Post office").public_id
    answer = client.get(f"/status/shop/badge.svg?component={part}")
    assert 'aria-label="Post office: Operational"' in answer.text and len(answer.data) < 2000
    assert answer.headers["Cache-Control"] == "public, max-age=60" and client.get("/status/shop/badge.svg?component=x").status_code == 404
