"""Quiet hours: low urgency waits until their end, high urgency never, on the two odd nights of the year as well."""

from datetime import UTC, datetime, time

import pytest

from app.core.db import session, transaction
from app.core.events import Event
from app.incidents.models import Incident
from app.notifications import quiet
from app.notifications.rules import Quiet, quiet_until
from tests import build
from tests.notifications.paged import as_actor, message, messages, page, play

SEND = "app.notifications.ticks.send"
NIGHT = {"days": list(quiet.DAYS), "from": "11:00", "to": "13:00", "time_zone": "UTC"}  # it is noon in these stories


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("moment", "until"), [
    ("2026-03-02T21:59", None), ("2026-03-02T22:00", "2026-03-03T06:00"), ("2026-03-03T05:59", "2026-03-03T06:00"),
    ("2026-03-03T06:00", None), ("2026-03-07T23:00", None),
])
def test_a_night_ends_on_the_next_morning(moment, until):
    nights = [Quiet((0, 1, 2, 3, 4), time(22), time(6), "UTC")]
    assert quiet_until(nights, at(moment)) == (at(until) if until else None)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28T22:30", 6.5), ("2026-10-24T21:30", 8.5), ("2026-06-01T21:30", 7.5)])
def test_the_night_in_which_the_clocks_change_ends_at_its_own_time(day, hours):
    """NTF-07: 7 o'clock in Berlin, an hour earlier or later by UTC."""
    until = quiet_until([Quiet(tuple(range(7)), time(23), time(7), "Europe/Berlin")], at(day))
    assert (until - at(day)).total_seconds() == hours * 3600


def test_spans_that_touch_are_one_silence():
    spans = [Quiet((0,), time(8), time(12), "UTC"), Quiet((0,), time(12), time(18), "UTC")]
    assert quiet_until(spans, at("2026-03-02T09:00")) == at("2026-03-02T18:00")


@pytest.fixture
def asleep(now, ana):
    with transaction():
        quiet.save(ana, [NIGHT], by=as_actor(ana))
    return ana


def test_low_urgency_waits_until_the_end_and_is_sent_then(asleep, now, tick, smtp):
    """NTF-07."""
    page(asleep, severity="low", urgency="low")
    play(now, tick, 3590, step=1795)
    assert smtp.to("ana@example.com") == [] and message().state == "queued"
    play(now, tick, 15, step=15)
    assert len(smtp.to("ana@example.com")) == 1


@pytest.mark.parametrize("severity", ["high", "critical"])
def test_high_urgency_is_never_held(asleep, now, tick, smtp, severity):
    """NTF-07."""
    page(asleep, severity=severity)
    tick(SEND)
    assert len(smtp.to("ana@example.com")) == 1


def test_what_is_raised_meanwhile_pages_at_once(asleep, now, tick, run_jobs, smtp):
    """NTF-07, NTF-08."""
    from app.incidents import room as service

    incident = page(asleep, severity="low", urgency="low")
    with transaction():
        service.set_severity(session.get_one(Incident, incident.id), "critical", by=as_actor(asleep))
    run_jobs()
    tick(SEND)
    assert [one.state for one in messages("page")] == ["cancelled", "sent"]


def test_they_are_typed_on_the_profile_and_stand_in_the_log(now, signed_in, ana):
    browser = signed_in(ana)
    with browser.session_transaction() as cookie:
        token = cookie["csrf"]
    browser.post("/me/quiet-hours", data={"csrf_token": token, "days": ["work", ""], "from": ["22:00", ""], "to": ["07:00", ""]})
    session.expire_all()
    assert quiet.documents([ana.id])[ana.id] == [{"days": list(quiet.DAYS[:5]), "from": "22:00", "to": "07:00", "time_zone": "UTC"}]
    assert session.query(Event).filter_by(kind="quiet_hours.changed").count() == 1
    assert 'value="22:00"' in browser.get("/me").text


def test_nobody_else_sets_them(now, ana, bob):
    from app.core.errors import Forbidden
    with pytest.raises(Forbidden), transaction():
        quiet.save(ana, [NIGHT], by=as_actor(bob))
    assert build.user("dora") and quiet.documents([ana.id])[ana.id] == []
