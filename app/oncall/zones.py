"""What the zone database says of the zones in use: when it says another thing than before, the schedules are named."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session
from app.core.events import Event, record
from app.oncall import events
from app.oncall.calendar_models import ZoneMark
from app.oncall.models import Layer, Schedule

YEARS_AHEAD, SAID_FOR = 2, timedelta(days=30)
_STEP = timedelta(hours=6)


def digest_of(zone: ZoneInfo, year: int) -> str:
    """A mark of the offsets that a zone has through a year: another one means that clocks change at other times."""
    at, said, last = datetime(year, 1, 1, tzinfo=UTC), hashlib.sha256(), None
    while at.year == year:
        if (offset := at.astimezone(zone).utcoffset()) != last:
            said.update(f"{at.isoformat()} {offset}\n".encode())
            last = offset
        at += _STEP
    return said.hexdigest()[:16]


def note() -> int:
    """Look at every zone in use; state for each schedule whose shifts a new zone database moves that it does."""
    year, used = clock.now().year, _used()
    marks = {one.zone: one for one in session.scalars(select(ZoneMark))}
    done = 0
    for zone, schedules in used.items():
        found = {str(one): digest_of(ZoneInfo(zone), one) for one in range(year, year + YEARS_AHEAD + 1)}
        mark = marks.get(zone)
        if mark is None:
            session.add(ZoneMark(zone=zone, digests=found))
        elif mark.digests != found:
            moved = any(mark.digests.get(one, said) != said for one, said in found.items())
            mark.digests = found
            for schedule in schedules if moved else ():
                record(events.ZONE_CHANGED, schedule.ref, by=SYSTEM, also=[schedule.team.ref], name=schedule.name,
                       key=schedule.key, zone=zone)
                done += 1
    return done


def _used() -> dict[str, list[Schedule]]:
    """The schedules in use by the zones that they or their layers count in."""
    found: dict[str, dict[int, Schedule]] = {}
    schedules = {one.id: one for one in session.scalars(select(Schedule).where(Schedule.archived_at.is_(None)))}
    for one in schedules.values():
        found.setdefault(one.time_zone, {})[one.id] = one
    rows = select(Layer.time_zone, Layer.schedule_id).where(Layer.time_zone.is_not(None), Layer.until.is_(None)).distinct()
    for zone, key in session.execute(rows):
        if key in schedules:
            found.setdefault(zone, {})[key] = schedules[key]
    return {zone: list(held.values()) for zone, held in found.items()}


def moved() -> dict[str, list[str]]:
    """For the doctor: the schedules whose zone's clocks were found to change at other times in the last 30 days."""
    rows = session.scalars(select(Event).where(
        Event.kind == events.ZONE_CHANGED.name, Event.at > clock.now() - SAID_FOR).order_by(Event.id))
    return {"schedules_moved_by_zones": sorted({f"{one.data['key']} ({one.data['zone']})" for one in rows})}
