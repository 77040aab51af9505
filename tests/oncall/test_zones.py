"""A new zone database: what has been stays, what is to come moves, and the doctor names the schedules."""

from __future__ import annotations

import struct
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from app.core.db import session
from app.core.doctor import diagnose
from app.core.events import Event
from app.oncall.queries import schedule_by_key, shifts
from app.oncall.zones import digest_of
from tests import build

NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)
LOOK = "app.oncall.ticks.note_zones"


def tzif(until: datetime, rule: str) -> bytes:
    """A zone file (RFC 8536, version 2) of New York's clocks to `until`, and by the rule `rule` (POSIX TZ) after it."""
    spring = [datetime(year, 3, 8 + (6 - datetime(year, 3, 8).weekday()) % 7, 7) for year in range(2020, 2030)]
    autumn = [datetime(year, 11, 1 + (6 - datetime(year, 11, 1).weekday()) % 7, 6) for year in range(2020, 2030)]
    changes = sorted((at.replace(tzinfo=UTC), kind) for kind, days in ((1, spring), (0, autumn)) for at in days
                     if at.replace(tzinfo=UTC) < until)
    types = struct.pack(">lBB", -18000, 0, 0) + struct.pack(">lBB", -14400, 1, 4)
    names = b"EST\0EDT\0"

    def block(size: str) -> bytes:
        return (b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, len(changes), 2, len(names))
                + b"".join(struct.pack(f">{size}", int(at.timestamp())) for at, _ in changes)
                + bytes(kind for _, kind in changes) + types + names)
    return block("l") + block("q") + f"\n{rule}\n".encode()


@pytest.fixture
def database(tmp_path: Path):
    """`database(rule)` puts another zone database in force, in which New York keeps `rule` from now on."""
    before = zoneinfo.TZPATH

    def use(rule: str) -> None:
        (tmp_path / "America").mkdir(exist_ok=True)
        (tmp_path / "America" / "New_York").write_bytes(tzif(NOW, rule))
        zoneinfo.reset_tzpath([str(tmp_path), *before])
        zoneinfo.ZoneInfo.clear_cache()
    yield use
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


@pytest.fixture
def primary(payments, ana, bob, database):
    database("EST5EDT,M3.2.0,M11.1.0")
    build.schedule("office", team=payments, turns=[[ana]], time_zone="Europe/Berlin")
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], time_zone="America/New_York", unit="day")


def read():
    session.expire_all()
    return shifts(schedule_by_key("primary"), NOW - timedelta(days=100), NOW + timedelta(days=200))


@time_machine.travel(NOW, tick=False)
def test_a_new_zone_database_moves_only_what_is_to_come_and_the_doctor_names_the_schedule(primary, database, tick):
    """SCH-10: New York gives up summer time from this autumn on, as seen from July."""
    tick(LOOK)
    before = read()
    database("EDT4")  # summer time for ever
    after = read()
    past = [one for one in before if one.end <= NOW]
    assert after[:len(past)] == past and len(past) > 90
    moved = [(one.start, other.start) for one, other in zip(before, after, strict=False) if one.start != other.start]
    assert moved and min(moved)[0] > datetime(2026, 11, 1, tzinfo=UTC)
    assert {one - other for one, other in moved} == {timedelta(hours=1)}
    tick(LOOK)
    assert diagnose().figures["schedules_moved_by_zones"] == ["primary (America/New_York)"]
    tick(LOOK)
    assert [one.subject for one in session.query(Event).filter_by(kind="schedule.zone_changed")] == [primary.ref]


@time_machine.travel(NOW, tick=False)
def test_a_new_year_comes_into_sight_without_any_alarm(primary, tick):
    """SCH-10: the same database says the same, whenever it is asked."""
    tick(LOOK)
    with time_machine.travel(NOW + timedelta(days=200), tick=False):
        tick(LOOK)
        assert "schedules_moved_by_zones" not in diagnose().figures
    assert digest_of(zoneinfo.ZoneInfo("Asia/Kolkata"), 2026) == digest_of(zoneinfo.ZoneInfo("Asia/Kolkata"), 2026)
