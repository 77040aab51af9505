"""What status pages do because time passed, or because a wake-up was lost."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import select

from app.core import clock
from app.core.db import alone, session, transaction
from app.core.lanes import looked
from app.status_pages import announcing, notices, recurrence, states, windows
from app.status_pages.maintenance_models import PageWindow, Series
from app.status_pages.models import Component, NoticeUpdate

BATCH = 200
log = structlog.get_logger()


def follow() -> int:
    """Components that do not show what they should do so now; overrides end. Looks first, writes only where needed."""
    found = states.differing(clock.now())
    session.rollback()
    if not found:
        return 0
    with transaction():
        return states.settle()


def tell_last_words() -> int:
    """Components whose changes were damped: what is true now is told, if it is not what was told last."""
    now = clock.now()
    due = looked(lambda limit: _ids(select(Component.id).where(Component.tell_at <= now).limit(limit)), BATCH)
    for key in due:
        with transaction():
            component = session.get(Component, key, populate_existing=True, with_for_update={"of": Component})
            if component is not None and component.tell_at is not None and component.tell_at <= now:
                announcing.tell_of_component(component)
    return len(due)


def run_windows() -> int:
    """Maintenance begins and ends."""
    now = clock.now()
    due = looked(lambda limit: _ids(select(PageWindow.id).where(
        PageWindow.state.in_(windows.OPEN), PageWindow.starts <= now,
        (PageWindow.state == "scheduled") | (PageWindow.ends <= now)).limit(limit)), BATCH)
    if due:
        with transaction():
            windows.move_on()
    return len(due)


def remind() -> int:
    """Who wants it is told of maintenance before it begins."""
    due = windows.reminders()
    session.rollback()
    for key, once in due:
        with transaction():
            window = session.get(PageWindow, key)
            if window is not None and window.state == "scheduled":
                announcing.tell_of_window(window, "before", once=once)
    return len(due)


def list_windows() -> int:
    """Each series keeps 90 days of its times listed."""
    soon = clock.now() + recurrence.LISTED - windows.LISTED_EVERY
    due = looked(lambda limit: _ids(select(Series.id).where(Series.listed_until < soon).limit(limit)), BATCH)
    for key in due:
        with transaction():
            series = session.get(Series, key)
            if series is not None:
                windows.list_ahead(series)
    return len(due)


def publish_due() -> int:
    """Scheduled updates whose time has come. One that fails keeps none of the others back."""
    now = clock.now()
    due = looked(lambda limit: _ids(select(NoticeUpdate.id).where(NoticeUpdate.due_at <= now).limit(limit)), BATCH)
    published = 0
    for key in due:
        try:
            with transaction():
                published += _publish(key)
        except Exception:
            log.exception("status_update.not_published", update=key)
            session.remove()
    return published


def _publish(key: int) -> bool:
    """Publish one, if it still waits and its time has come."""
    alone("status pages")
    update = session.get(NoticeUpdate, key, populate_existing=True, with_for_update={"of": NoticeUpdate})
    if update is None or update.due_at is None or update.due_at > clock.now():
        return False
    notices.go_live_when_due(update)
    return True


def _ids(query: Any) -> list[int]:
    return list(session.scalars(query))
