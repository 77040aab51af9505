"""Overrides: when they count, what they may not overlap, how they end, and who may make them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import Event
from app.identity.models import Membership
from app.oncall.models import Schedule
from app.oncall.queries import on_duty, schedule_document, shifts
from app.oncall.service import add_override, remove_override
from tests import build
from tests.oncall.test_service import at, facts, person, saved


@pytest.fixture
def primary(payments, ana, bob) -> Schedule:
    """Ana and Bob by turns, a day each from Monday 09:00 UTC."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")


@time_machine.travel(at(-2), tick=False)
def test_the_stand_in_is_on_duty_from_the_first_instant_until_just_before_the_last(primary, ana, bob):
    """SCH-11: at 09:59:59 the base, at 10:00:00 the stand-in, at 11:00:00 the base."""
    with transaction():
        add_override(primary, starts=at(1), ends=at(2), people=[bob], by=person(bob))
    second = timedelta(seconds=1)
    found = [on_duty(primary, moment).people for moment in (at(1) - second, at(1), at(2) - second, at(2))]
    assert found == [(ana.id,), (bob.id,), (bob.id,), (ana.id,)]
    assert [shift.layer for shift in shifts(primary, at(0), at(3))] == ["base", "override", "base"]
    assert facts() == ["schedule.override_added"]


@time_machine.travel(at(1), tick=False)
def test_taking_back_a_running_override_ends_it_now_and_keeps_what_has_been(primary, ana, bob):
    """SCH-13: deleting a running override ends it now."""
    with transaction():
        made = add_override(primary, starts=None, ends=at(5), people=[bob], by=person(ana))
    with time_machine.travel(at(3), tick=False), transaction():
        remove_override(made, by=person(ana))
    assert [(one.start, one.people) for one in shifts(primary, at(0), at(10))] == [
        (at(0), (ana.id,)), (at(1), (bob.id,)), (at(3), (ana.id,))]
    with time_machine.travel(at(4), tick=False), transaction():
        with pytest.raises(Conflict, match="over"):
            remove_override(made, by=person(ana))
    with transaction():
        later = add_override(primary, starts=at(6), ends=at(7), people=[bob], by=person(ana))
    with transaction():
        remove_override(later, by=person(bob))
    assert len(primary.overrides) == 1 and facts() == ["schedule.override_added", "schedule.override_removed"] * 2


@time_machine.travel(at(1), tick=False)
def test_an_override_ended_to_the_second_can_be_exported_and_applied(primary, ana, bob):
    with transaction():
        made = add_override(primary, starts=at(1) - timedelta(seconds=20), ends=at(5), people=[bob], by=person(ana))
    with time_machine.travel(at(3) + timedelta(seconds=27.5), tick=False):
        with transaction():
            remove_override(made, by=person(ana))
        document = schedule_document(primary)
        assert document["overrides"][0]["ends"] == "2026-07-20T12:00:27"
        assert schedule_document(saved({**document, "key": "copy"})) == {**document, "key": "copy"}


@time_machine.travel(at(1), tick=False)
def test_the_past_is_refused_and_so_is_what_overlaps_for_the_same_person_or_everybody(primary, ana, bob):
    """SCH-13 and rule 7: touching is no conflict."""
    def add(first: float, last: float, **more) -> None:
        with transaction():
            add_override(primary, starts=at(first), ends=at(last), by=person(ana), **{"people": [bob], **more})
    with pytest.raises(Invalid, match="has been already"):
        add(0, 2)
    add(2, 3)
    add(3, 4, replaces=ana)
    add(3, 4, people=[ana], replaces=bob)
    for first, last, more in ((2.5, 3.5, {}), (3.5, 4.5, {"replaces": ana}), (2, 3, {"replaces": bob})):
        with pytest.raises(Conflict, match="overlaps the override") as refused:
            add(first, last, **more)
        assert refused.value.state["override"]["people"]
    assert len(primary.overrides) == 3


@time_machine.travel(at(1), tick=False)
def test_a_stand_in_for_bob_is_on_duty_only_while_bob_would_be(primary, ana, bob, charlie):
    """SCH-14: on exactly the two days."""
    with transaction():
        add_override(primary, starts=at(2), ends=at(24 * 4), people=[charlie], replaces=bob, by=person(ana))
    found = [(shift.start, shift.end) for shift in shifts(primary, at(0), at(24 * 4)) if charlie.id in shift.people]
    assert found == [(at(24), at(48)), (at(72), at(96))]


@time_machine.travel(at(1), tick=False)
def test_leaving_nobody_on_duty_needs_a_yes_and_is_then_a_gap(primary, ana):
    """SCH-14: nobody at all asks for confirmation."""
    wish = {"starts": at(2), "ends": at(3), "people": [], "replaces": ana, "by": person(ana)}
    with pytest.raises(Invalid) as refused, transaction():
        add_override(primary, **wish)
    assert [problem.field for problem in refused.value.problems] == ["confirmed"]
    with transaction():
        add_override(primary, **wish, confirmed=True)
    assert on_duty(primary, at(2)).people == ()


@time_machine.travel(at(1), tick=False)
def test_a_responder_stands_in_and_nothing_more_and_an_observer_does_not(primary, payments, ana, bob, charlie):
    """SCH-19: who makes overrides, and that each is in the log with what it is."""
    dee = build.user("dee")
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=dee.id, role="observer"))
    for by, people in ((dee, [dee]), (charlie, [charlie]), (bob, [ana]), (bob, [])):
        with pytest.raises(Forbidden), transaction():
            add_override(primary, starts=at(2), ends=at(3), people=people, replaces=ana, by=person(by))
    with transaction():
        made = add_override(primary, starts=at(2), ends=at(3), people=[bob], replaces=ana, by=person(bob))
    with pytest.raises(Forbidden), transaction():
        remove_override(made, by=person(dee))
    fact = session.scalars(select(Event).where(Event.kind == "schedule.override_added")).one()
    assert fact.data["what"] == "Bob for Ana, 2026-07-20 11:00 to 2026-07-20 12:00 UTC"
    assert fact.data["after"]["people"] == ["bob@example.com"] and ana.ref in fact.also
