"""The calendars of the example organisation, read without connecting to anybody."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core.db import session, transaction
from app.oncall import imports
from app.oncall.ical import Entry, occurrences, written
from app.oncall.models import CalendarImport


def read_holidays(now: datetime) -> None:
    """What the calendars of holidays say, in the place of reading them: a demo connects to nobody."""
    days = (("Founders’ day", now + timedelta(days=5)), ("Public holiday", now - timedelta(days=4)))
    text = written("Holidays", [Entry(f"{name}@demo", at, at + timedelta(hours=12), name, "", "", at) for name, at in days])
    with transaction():
        for row in session.scalars(select(CalendarImport)):
            imports.took(row, occurrences(text, ZoneInfo(row.schedule.time_zone), now - imports.AHEAD, now + imports.AHEAD))
            row.next_at = now + timedelta(days=400)
