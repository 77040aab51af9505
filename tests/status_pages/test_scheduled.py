"""Updates that wait for their time or come late, and what else may have changed until then."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict, Invalid
from app.core.events import Event
from app.status_pages import notices
from app.status_pages.models import Notice
from app.status_pages.notices import Said
from app.status_pages.service import override
from tests.status_pages.writing import automatic, by, notice, opened, say


def due(shop, state, text, **more):
    say(shop, state, text, due_at=clock.now() + timedelta(hours=2), **more)


@pytest.fixture
def later(tick):
    """`later()`: three hours on, the clock publishes what is due."""
    def passed():
        with time_machine.travel(clock.now() + timedelta(hours=3), tick=False):
            tick("app.status_pages.ticks.publish_due")
    return passed


def test_an_update_moves_only_components_that_the_page_has(app, shop, later):
    """One that is unknown is refused; one that went in the meantime keeps nothing back."""
    opened(shop)
    with pytest.raises(Invalid, match="no such component"):
        say(shop, "identified", changes={"nothing": "degraded"})
    due(shop, "monitoring", "Soon.", changes={shop.component("Post office").public_id: "degraded"})
    automatic(shop, components=[{"name": "Card payments", "services": ["checkout"]}])
    later()
    assert notice().state == "monitoring"


def test_a_scheduled_update_that_fails_keeps_no_other_back(app, shop, later, monkeypatch):
    """Each has a transaction of its own."""
    opened(shop)
    for text in ("Broken.", "Whole."):
        due(shop, "monitoring", text)
    told = notices.tell_of_update
    monkeypatch.setattr(notices, "tell_of_update", lambda update: 1 / 0 if update.text == "Broken." else told(update))
    later()
    assert {one.text: one.due_at is None for one in notice().updates} == {"We look.": True, "Broken.": False, "Whole.": True}


def test_a_scheduled_update_that_no_longer_fits_is_taken_back(app, shop, later):
    """It was resolved in the meantime: nothing comes after that but investigating."""
    opened(shop)
    due(shop, "monitoring", "Too late.")
    say(shop, "resolved")
    later()
    assert notice().state == "resolved" and "Too late." not in [one.text for one in notice().updates]
    assert session.query(Event).filter_by(kind="status_notice.update_cancelled").one().actor == "system"


def test_an_update_entered_late_does_not_undo_what_came_after_it(app, shop):
    """It stands in its place of the story."""
    opened(shop, started_at=clock.now() - timedelta(hours=2))
    say(shop, "resolved")
    say(shop, "investigating", "It came back then.", at=clock.now() - timedelta(minutes=30))
    assert notice().state == "resolved" and notice().resolved_at is not None


def test_a_draft_whose_update_waits_is_not_published_without_it(app, shop):
    """There would be nothing to read."""
    with transaction():
        notices.open_notice(shop.page, {"title": "Cards fail"}, Said("investigating", "Soon.", due_at=clock.now() + timedelta(hours=1)),
                            by=by(shop.bob))
    with pytest.raises(Conflict, match="waits for its time"), transaction():
        notices.publish_draft(notice(), by=by(shop.bob))


def test_what_is_set_by_hand_writes_no_notice_by_itself(app, shop, run_jobs):
    """STAT-31: an override is somebody's own word."""
    automatic(shop, auto_notice="publish")
    with transaction():
        override(shop.component("Post office"), "major_outage", until=clock.now() + timedelta(hours=1), reason="x", by=by(shop.bob))
    run_jobs()
    assert session.query(Notice).count() == 0
