"""Hand-offs as they happen, the note between two people, and gaps as they are found."""

from __future__ import annotations

from zoneinfo import ZoneInfoNotFoundError

import pytest
import time_machine

from app.core.db import session, transaction
from app.core.errors import Forbidden
from app.core.events import Event
from app.incidents.models import Incident
from app.notifications.models import Message
from app.oncall import handover
from app.oncall.gaps import cause, gaps
from app.oncall.models import Duty, HandoverNote, Schedule
from app.oncall.queries import plan_of
from app.oncall.service import add_override, remove_schedule
from tests import build
from tests.oncall.test_service import at, facts, person

HAND_OVER, WATCH, AHEAD = "app.oncall.ticks.hand_over", "app.oncall.ticks.watch_gaps", "app.notifications.ticks.look_ahead"
NIGHTS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}]


@pytest.fixture
def primary(payments, ana, bob) -> Schedule:
    """Ana and Bob by turns, a day each from Monday 09:00 UTC; it is looked at an hour after the first hand-off."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")


def told(who, kind="shift") -> list[str]:
    session.expire_all()
    return [one.reason for one in session.query(Message).order_by(Message.id) if one.user_id == who.id and one.kind == kind]


def passes(tick, run_jobs, hours, *paths):
    with time_machine.travel(at(hours), tick=False):
        for path in paths:
            tick(path)
        run_jobs()


def test_each_hand_off_is_stated_once_also_when_the_clock_was_away_over_several(primary, tick, run_jobs, ana, bob):
    """SCH-39: a restart over a hand-off sends one late notice, not several."""
    for hours in (1, 2, 24, 24.5):
        passes(tick, run_jobs, hours, HAND_OVER)
    assert facts() == ["schedule.handed_over"] and told(bob) == [
        "You are on duty in Primary until Wed 2026-07-22 09:00 UTC"] and told(ana) == []
    passes(tick, run_jobs, 24 * 6 + 1, HAND_OVER)
    assert facts() == ["schedule.handed_over"] * 2 and len(told(ana)) == 1 and len(told(bob)) == 1


def test_a_schedule_that_cannot_be_worked_out_keeps_no_other_from_its_hand_off(primary, payments, tick, run_jobs, ana, bob):
    build.schedule("second", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")
    with transaction():
        session.get_one(Schedule, primary.id).time_zone = "Nowhere/At all"
    for hours in (1, 24):
        passes(tick, run_jobs, hours, HAND_OVER)
    assert facts() == ["schedule.handed_over"] and told(bob) == ["You are on duty in Second until Wed 2026-07-22 09:00 UTC"]


def test_a_schedule_that_cannot_be_worked_out_hides_no_gap_and_no_shift_of_another(primary, payments, tick, run_jobs, ana, bob):
    """SCH-32, SCH-39: each is looked at by itself where all together fail."""
    build.schedule("second", team=payments, turns=[[bob]], starts="2026-07-21T09:00", ends="2026-07-30T09:00", unit="day")
    with transaction():
        session.get_one(Schedule, primary.id).time_zone = "Nowhere/At all"
    for path in (WATCH, AHEAD):
        with pytest.raises(ZoneInfoNotFoundError):  # the tick is said to have failed
            passes(tick, run_jobs, 1, path)
    with time_machine.travel(at(1), tick=False):
        run_jobs()
    assert told(bob) == ["Your shift in Second begins Tue 2026-07-21 09:00 UTC"]
    assert [one.partition(" from")[0] for one in told(ana, "gap")] == ["Nobody is on duty in Second"]


def test_an_override_that_begins_is_a_hand_off_at_once(primary, tick, run_jobs, ana, bob):
    """SCH-11, SCH-39: the change itself makes the clock look."""
    passes(tick, run_jobs, 1, HAND_OVER)
    with time_machine.travel(at(2), tick=False):
        with transaction():
            add_override(primary, starts=None, ends=at(3), people=[bob], by=person(ana))
        run_jobs()
    passes(tick, run_jobs, 3, HAND_OVER)
    assert facts() == ["schedule.override_added", "schedule.handed_over", "schedule.handed_over"]
    assert [len(told(one)) for one in (ana, bob)] == [1, 1]


def test_the_notice_holds_the_note_and_what_is_open(app, primary, payments, tick, run_jobs, smtp, ana, bob):
    build.incident("Queue grows", team=payments)
    passes(tick, run_jobs, 1, HAND_OVER)
    with time_machine.travel(at(20), tick=False), transaction():
        handover.leave_note(primary, "Watch the replica.", by=person(ana))
    passes(tick, run_jobs, 24, HAND_OVER)
    assert session.query(Incident).count() == 1
    passes(tick, run_jobs, 24, "app.notifications.ticks.send")
    mail = next(one for one in smtp.wait("bob@example.com") if "You are on duty in Primary" in one.text)
    assert "Ana left this note:" in mail.text and "Watch the replica." in mail.text and "Queue grows" in mail.text


def test_the_next_person_reads_the_note_on_their_page_and_only_people_on_duty_leave_one(primary, signed_in, ana, bob, charlie):
    with time_machine.travel(at(1), tick=False):
        browser = signed_in(ana)
        page = browser.get("/on-call").text
        token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        browser.post("/schedules/primary/notes", data={"csrf_token": token, "body": "Watch the replica."})
        with pytest.raises(Forbidden), transaction():
            handover.leave_note(primary, "x", by=person(bob))
    with time_machine.travel(at(25), tick=False):
        assert "Note from Ana" in (his := signed_in(bob).get("/on-call").text) and "Watch the replica." in his


def test_a_day_before_the_incoming_person_is_told_once_unless_they_do_not_want_it(primary, tick, run_jobs, signed_in, ana, bob):
    """SCH-39: 24 h before, default on; the end is told to those who asked for it."""
    with time_machine.travel(at(1), tick=False):
        browser = signed_in(ana)
        token = browser.get("/me").text.partition('name="csrf_token" value="')[2].partition('"')[0]
        assert browser.post("/me/duty-notices", data={"csrf_token": token, "end": "1"}).status_code == 303
    for hours in (1, 1.1, 2, 25):
        passes(tick, run_jobs, hours, AHEAD, HAND_OVER)
    assert told(bob)[0] == "Your shift in Primary begins Tue 2026-07-21 09:00 UTC" and len(told(bob)) == 2
    assert told(ana) == ["Your shift in Primary is over; Bob took over"]


def test_a_gap_that_a_change_makes_is_told_within_minutes_and_again_a_day_before(payments, tick, run_jobs, ana, bob):
    """SCH-28: managers at once, weekly, and 24 h before; the past is not announced."""
    schedule = build.schedule("office", team=payments, turns=[[bob]], starts="2026-07-20T09:00")
    passes(tick, run_jobs, 1, WATCH)
    assert facts() == []
    with transaction():
        session.merge(schedule).layers[0].ends = "2026-07-30T09:00"
    for hours in (2, 3, 100):
        passes(tick, run_jobs, hours, WATCH)
    assert [one.partition(" to ")[0] for one in told(ana, "gap")] == ["Nobody is on duty in Office from 2026-07-30 09:00"]
    assert "the layer base has ended" in told(ana, "gap")[0] and told(bob, "gap") == []
    passes(tick, run_jobs, 2 + 7 * 24, WATCH)
    for hours in (9 * 24 + 1, 9 * 24 + 2):
        passes(tick, run_jobs, hours, WATCH, AHEAD)
    assert len(told(ana, "gap")) == 3 and told(ana, "gap")[-1].endswith("in less than a day")


def test_closing_a_gap_clears_it_and_a_new_one_is_news(payments, tick, run_jobs, ana, bob):
    """SCH-28."""
    schedule = build.schedule("office", team=payments, turns=[[bob]], starts="2026-07-20T09:00", ends="2026-07-30T09:00")
    for hours, ends in ((1, None), (2, "2026-08-01T09:00"), (3, "2026-08-01T09:00")):
        passes(tick, run_jobs, hours, WATCH)
        with transaction():
            session.merge(schedule).layers[0].ends = ends
    assert facts() == ["schedule.gaps_found", "schedule.gaps_closed", "schedule.gaps_found"]


def test_a_gap_names_its_cause(payments, client, token, ana, bob):
    """SCH-28: restriction, end of layer, deactivated person; also for machines."""
    schedule = build.schedule("office", team=payments, turns=[[bob]], starts="2026-07-20T09:00", restrictions=NIGHTS)
    with time_machine.travel(at(1), tick=False):
        found = client.get("/api/v1/schedules/office/gaps", headers=token(ana)).json
    assert found[0] == {"start": "2026-07-20T17:00:00.000Z", "end": "2026-07-21T09:00:00.000Z",
                        "cause": "the layer base is restricted to other times"}
    plan = plan_of(schedule)
    assert cause(plan, at(-1)) == "no layer covers this time"
    assert [one.cause for one in gaps(plan, at(0), at(8), frozenset({bob.id}))] == ["somebody is deactivated"]


def test_people_on_duty_whom_nothing_reaches_are_told_to_their_managers_weekly(payments, tick, run_jobs, ana):
    lost = build.user("lost", reachable=False)
    build.schedule("primary", team=payments, turns=[[lost]], starts="2026-07-20T09:00")
    for hours in (1, 2, 7 * 24 + 2):
        passes(tick, run_jobs, hours, AHEAD)
    assert told(ana, "unreachable") == ["Lost is on duty in Primary within two weeks and can't be paged"] * 2


def test_an_idle_clock_writes_nothing(primary, tick):
    with time_machine.travel(at(1), tick=False):
        tick(HAND_OVER)
        before = session.query(Duty.look_at).all()
        assert tick(HAND_OVER) == 0 and handover.due() == [] and session.query(Duty.look_at).all() == before
    assert session.query(Event).filter(Event.kind.like("schedule.%")).count() == 0


def test_a_schedule_that_goes_takes_its_notes_along(primary, tick, ana):
    with time_machine.travel(at(1), tick=False):
        tick(HAND_OVER)
        with transaction():
            handover.leave_note(session.merge(primary), "Watch the replica.", by=person(ana))
        with transaction():
            remove_schedule(session.get(Schedule, primary.id), by=person(ana))
    assert session.query(Duty).count() == 0 and session.query(HandoverNote).count() == 0
