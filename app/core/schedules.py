"""Times that come again, written as cron expressions in a zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from app.core.forms import time_zone


def cron_fault(text: object, zone: object = "UTC") -> str:
    """Why this is no schedule, as a sentence; "" when it is."""
    try:
        time_zone(zone)
        next(CronSim(str(text or ""), datetime(2026, 1, 1, tzinfo=UTC)))
    except ValueError as fault:
        return str(fault)
    except (CronSimError, StopIteration):
        return "Write a schedule like 0 9 * * 1-5: minute, hour, day, month, weekday"
    return ""


def next_time(cron: str, zone: str, after: datetime) -> datetime | None:
    """The first instant after `after` that the schedule names, by the wall clock of its zone; None when there is none."""
    try:
        return next(CronSim(cron, after.astimezone(ZoneInfo(zone)))).astimezone(UTC)
    except StopIteration:
        return None
