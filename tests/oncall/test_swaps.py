"""Swaps: two people give each other a span, both agree or nothing changes."""

from __future__ import annotations

import threading
from datetime import timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
import time_machine

from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.identity.models import Membership, User
from app.identity.service import deactivate_user
from app.notifications.models import Message
from app.oncall import swaps
from app.oncall.models import Schedule, Swap
from app.oncall.queries import on_duty, shifts
from app.oncall.service import add_override, remove_override
from tests import build
from tests.oncall.test_service import at, facts, person

SETTLE = "app.oncall.ticks.settle_swaps"
FIRST, SECOND, THIRD = (at(0), at(24)), (at(24), at(48)), (at(48), at(72))


@pytest.fixture(autouse=True)
def _before():
    """It is two hours before the first shift."""
    with time_machine.travel(at(-2), tick=False):
        yield


@pytest.fixture
def primary(payments, ana, bob) -> Schedule:
    """Ana and Bob by turns, a day each from Monday 09:00 UTC."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")


def proposed(primary, bob, ana, gives=SECOND, takes=THIRD, by=None) -> Swap:
    """Bob gives his first shift for Ana's second one."""
    with transaction():
        return swaps.propose(primary, swaps.Offer(bob, ana, gives, takes, "Concert"), by=by or person(bob))


def answered(swap, answer, who) -> Swap:
    with transaction():
        return swaps.ANSWERS[answer](swap, by=person(who))


def holders(primary) -> list[int]:
    """Who is on duty in each of the first four days."""
    return [on_duty(primary, at(hours)).people[0] for hours in (1, 25, 49, 73)]


def test_on_acceptance_both_shifts_change_hands_and_before_it_nothing_does(primary, ana, bob):
    """SCH-15: the counterpart's consent moves both; timeline and paging agree."""
    swap = proposed(primary, bob, ana)
    assert holders(primary) == [ana.id, bob.id, ana.id, bob.id] and swap.state == "proposed"
    answered(swap, "accept", ana)
    assert holders(primary) == [ana.id, ana.id, bob.id, bob.id]
    assert facts() == ["schedule.swap_proposed", "schedule.swap_accepted"]


def test_parts_of_shifts_are_swapped_to_the_minute(primary, ana, bob):
    """SCH-15: whole shifts or parts."""
    swap = proposed(primary, bob, ana, gives=(at(30), at(31)), takes=(at(50), at(51)))
    answered(swap, "accept", ana)
    found = [(one.start, one.people[0]) for one in shifts(primary, at(24), at(72))]
    assert found == [(at(24), bob.id), (at(30), ana.id), (at(31), bob.id), (at(48), ana.id), (at(50), bob.id),
                     (at(51), ana.id)]


@pytest.mark.parametrize(("answer", "who", "state"), [("decline", "ana", "declined"), ("withdraw", "bob", "withdrawn")])
def test_declined_or_withdrawn_nothing_changes_and_no_other_answer_counts(primary, ana, bob, answer, who, state):
    """SCH-15."""
    swap = answered(proposed(primary, bob, ana), answer, {"ana": ana, "bob": bob}[who])
    assert swap.state == state and holders(primary) == [ana.id, bob.id, ana.id, bob.id]
    for other in ("accept", "decline"):
        with pytest.raises(Conflict, match=state):
            answered(swap, other, ana)


def test_nobody_but_the_counterpart_accepts(primary, ana, bob, charlie):
    swap = proposed(primary, bob, ana)
    for somebody in (bob, charlie):
        with pytest.raises(Forbidden):
            answered(swap, "accept", somebody)


def test_after_one_of_the_spans_was_overridden_accepting_ends_the_swap(primary, client, token, ana, bob):
    """SCH-16: 409, and the swap becomes expired."""
    swap = proposed(primary, bob, ana)
    with transaction():
        add_override(primary, starts=at(30), ends=at(31), people=[ana], by=person(ana))
    answer = client.post(f"/api/v1/schedules/primary/swaps/{swap.id}/accept", headers=token(ana))
    assert answer.status_code == 409 and answer.json["state"] == {"state": "expired"}
    session.expire_all()
    assert session.get(Swap, swap.id).state == "expired" and holders(primary)[1:3] == [bob.id, ana.id]


@pytest.mark.race
@pytest.mark.both_databases
def test_of_accepting_and_withdrawing_at_once_exactly_one_wins(app, primary, ana, bob):
    """SCH-16."""
    key, gate, won = proposed(primary, bob, ana).id, threading.Barrier(2), []

    def answer(what, who):
        with app.app_context(), time_machine.travel(at(-2), tick=False):
            gate.wait()
            try:
                with transaction():
                    won.append(swaps.ANSWERS[what](session.get(Swap, key), by=who).state)
            except Conflict:
                pass
    both = [threading.Thread(target=answer, args=one) for one in (("accept", person(ana)), ("withdraw", person(bob)))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(won) == 1
    session.expire_all()
    assert (len(primary.overrides) == 2) is (won == ["accepted"]) and session.get(Swap, key).state == won[0]


@pytest.mark.parametrize("what", ["deactivated", "an observer", "outside", "on duty then"])
def test_duty_is_given_to_nobody_who_can_not_take_it(primary, payments, ana, bob, charlie, what):
    """SCH-17."""
    olga = build.user("olga")
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=olga.id, role="observer"))
        primary.layers[0].turns = [[ana.id], [bob.id], [olga.id]]
        if what == "deactivated":
            session.merge(ana).state = "deactivated"
    other, takes = {"an observer": (olga, THIRD), "outside": (charlie, THIRD)}.get(what, (ana, (at(72), at(96))))
    gives = (at(0), at(1)) if what == "on duty then" else SECOND
    with pytest.raises(Invalid) as refused:
        proposed(primary, bob, other, gives=gives, takes=takes)
    assert {one.field for one in refused.value.problems} <= {"gives", "takes"}


def test_an_accepted_swap_is_undone_when_both_agree_and_not_after_it_began(primary, ana, bob):
    """SCH-17: before the first span starts; afterwards 409."""
    chen = build.user("chen")
    with transaction():
        session.add(Membership(team_id=primary.team_id, user_id=chen.id, role="responder"))
        primary.layers[0].turns = [[chen.id], [bob.id]]
    swap = answered(proposed(primary, bob, chen), "accept", chen)
    assert answered(swap, "revert", bob).state == "accepted" and holders(primary)[1] == chen.id
    assert answered(swap, "revert", bob).state == "accepted"
    assert answered(swap, "revert", chen).state == "reverted" and holders(primary)[1] == bob.id
    again = answered(proposed(primary, bob, chen), "accept", chen)
    with time_machine.travel(at(24), tick=False), pytest.raises(Conflict, match="begun"):
        answered(again, "revert", ana)


def test_a_manager_undoes_it_alone_and_nobody_takes_its_overrides_back(primary, ana, bob):
    """SCH-17, SCH-19."""
    swap = answered(proposed(primary, bob, ana), "accept", ana)
    with pytest.raises(Conflict, match="swap"), transaction():
        remove_override(primary.overrides[0], by=person(ana))
    assert answered(swap, "revert", ana).state == "reverted" and not primary.overrides


def test_only_the_owner_of_a_shift_or_a_manager_offers_it(primary, ana, bob, charlie, olga):
    """SCH-19: a responder offers no shift of others."""
    with pytest.raises(Forbidden):
        proposed(primary, ana, bob, gives=THIRD, takes=SECOND, by=person(bob))
    assert proposed(primary, bob, ana, by=person(ana)).state == "proposed"


def test_a_swap_ends_when_its_first_shift_begins_and_says_so(primary, tick, ana, bob):
    """SCH-15: expired, nothing changes."""
    swap = proposed(primary, bob, ana)
    with time_machine.travel(at(24) - timedelta(seconds=1), tick=False):
        tick(SETTLE)
        session.expire_all()
        assert session.get(Swap, swap.id).state == "proposed"
    with time_machine.travel(at(24), tick=False):
        assert tick(SETTLE) == 1 and tick(SETTLE) == 0
    session.expire_all()
    assert session.get(Swap, swap.id).state == "expired" and facts()[-1] == "schedule.swap_expired"


def test_a_schedule_that_cannot_be_worked_out_keeps_no_other_swap_from_ending(primary, payments, tick, ana, bob):
    second = build.schedule("second", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")
    broken, good = proposed(primary, bob, ana), proposed(second, bob, ana)
    with transaction():
        session.get_one(Schedule, primary.id).time_zone = "Nowhere/At all"
    with time_machine.travel(at(24), tick=False), pytest.raises(ZoneInfoNotFoundError):  # the tick is said to have failed
        tick(SETTLE)
    session.expire_all()
    assert [session.get(Swap, one.id).state for one in (broken, good)] == ["proposed", "expired"]


def test_it_is_withdrawn_when_the_counterpart_leaves_the_team(primary, payments, run_jobs, ana, bob):
    chen = build.user("chen")
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=chen.id, role="responder"))
        add_override(primary, starts=THIRD[0], ends=THIRD[1], people=[chen], replaces=ana, by=person(ana))
    swap = proposed(primary, bob, chen)
    with transaction():
        deactivate_user(session.get(User, chen.id), by=person(build.user("root", role="admin")))
    run_jobs()
    session.expire_all()
    assert session.get(Swap, swap.id).state == "withdrawn"


def test_those_concerned_are_told_and_reminded_and_managers_a_day_before(primary, payments, tick, run_jobs, ana, bob):
    """Reminders 7 d, 3 d, 1 d and 12 h before, each once; managers at 24 h."""
    olga = build.user("olga")
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=olga.id, role="manager"))
    proposed(primary, bob, ana, gives=(at(216), at(240)), takes=(at(240), at(264)))
    for hours in (216 - 167, 216 - 100, 216 - 71, 216 - 70, 216 - 23, 216 - 11):
        with time_machine.travel(at(hours), tick=False):
            tick(SETTLE)
            run_jobs()
    told = [(one.user_id, one.reason.partition(":")[0]) for one in session.query(Message).order_by(Message.id)]
    assert told[0] == (ana.id, "Bob proposes a swap in Primary")
    assert [who for who, _ in told[1:]].count(bob.id) == 4 and [who for who, _ in told].count(olga.id) == 1
