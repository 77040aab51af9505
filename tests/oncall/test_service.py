"""Commands on schedules: what a document makes of them, what is refused by name, and who may."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock
from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import Event
from app.core.panels import Use
from app.identity.service import activate_user, deactivate_user
from app.oncall.models import Layer, Schedule
from app.oncall.queries import latest, mark_of, on_duty, schedule_document, shifts
from app.oncall.service import add_override, remove_schedule, save_schedule
from tests import build

MONDAY = datetime(2026, 7, 20, 9, tzinfo=UTC)
DOCUMENT = {
    "key": "primary", "name": "Primary", "team": "payments", "time_zone": "Europe/Berlin",
    "layers": [
        {"name": "base", "starts": "2026-01-05T09:00", "ends": None, "rotation": {"every": 1, "unit": "week"},
         "participants": [["ana@example.com"], ["bob@example.com", "ana@example.com"]], "restrictions": []},
        {"name": "office", "starts": "2026-01-05T09:00", "ends": "2027-01-01T00:00",
         "rotation": {"every": 2, "unit": "day"}, "participants": [["bob@example.com"]],
         "restrictions": [{"days": ["mon", "fri"], "from": "09:00", "to": "17:00"}],
         "time_zone": "America/New_York", "skip_inactive": True}],
    "overrides": [
        {"starts": "2026-03-01T00:00", "ends": "2026-03-02T00:00", "people": ["bob@example.com"],
         "replaces": "ana@example.com", "reason": "Dentist"},
        {"starts": "2026-10-25T02:30+01:00", "ends": "2026-10-25T09:00", "people": ["bob@example.com"]}],
}


def at(hours: float) -> datetime:
    """So many hours after Monday 20 July 2026, 09:00 UTC."""
    return MONDAY + timedelta(hours=hours)


def person(user, **more) -> Actor:
    return Actor(user.ref, user.name, user_id=user.id, **more)


def saved(values, by=OPERATOR) -> Schedule:
    with transaction():
        return save_schedule(values, by=by)


def changed(document, place: tuple, value):
    """A copy of the document with another value at a place."""
    copy = deepcopy(document)
    inner = copy
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return copy


def facts() -> list[str]:
    return list(session.scalars(select(Event.kind).where(Event.kind.like("schedule.%")).order_by(Event.id)))


@pytest.fixture
def primary(payments, ana, bob) -> Schedule:
    """Ana and Bob by turns, a day each from Monday 09:00 UTC."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")


def test_a_document_comes_back_as_it_went_in_and_the_second_time_changes_nothing(payments):
    """SCH-22: export then apply changes nothing."""
    schedule = saved(DOCUMENT)
    assert schedule_document(schedule) == DOCUMENT
    assert saved(schedule_document(schedule)).id == schedule.id
    assert facts() == ["schedule.created"]


def test_only_what_is_named_changes_and_a_layer_stays_the_same_by_its_name(payments):
    schedule = saved(DOCUMENT)
    lanes = {layer.id for layer in schedule.layers}
    saved({"key": "primary", "name": "First line"})
    saved({"key": "primary", "layers": list(reversed(DOCUMENT["layers"]))})
    session.expire_all()
    assert schedule.name == "First line" and len(schedule.overrides) == 2
    assert [layer.name for layer in latest(schedule)] == ["office", "base"]
    assert {layer.origin_id or layer.id for layer in schedule.layers} == lanes
    saved({"key": "primary", "layers": DOCUMENT["layers"][:1]})
    assert [layer.name for layer in latest(schedule)] == ["base"]
    assert facts() == ["schedule.created"] + ["schedule.changed"] * 3


@pytest.mark.parametrize(("place", "value", "field"), [
    (("layers", 0, "rotation", "every"), 0, "layers[0].rotation.every"),
    (("layers", 0, "rotation", "every"), "1", "layers[0].rotation.every"),
    (("layers", 0, "rotation", "unit"), "year", "layers[0].rotation.unit"),
    (("layers", 0, "participants"), [], "layers[0].participants"),
    (("layers", 0, "participants"), None, "layers[0].participants"),
    (("layers", 0, "participants", 1, 0), "eve@example.com", "layers[0].participants[1][0]"),
    (("layers", 0, "participants", 1), [], "layers[0].participants[1]"),
    (("layers", 0, "starts"), "2026-01-05T09:00:30", "layers[0].starts"),
    (("layers", 0, "starts"), "tomorrow", "layers[0].starts"),
    (("layers", 0, "starts"), "0001-01-01T00:00", "layers[0].starts"),
    (("layers", 1, "ends"), "2026-01-05T08:00", "layers[1].ends"),
    (("layers", 1, "time_zone"), "Mars/Base", "layers[1].time_zone"),
    (("layers", 1, "restrictions", 0, "days"), [], "layers[1].restrictions[0].days"),
    (("layers", 1, "restrictions", 0, "to"), "25:00", "layers[1].restrictions[0].to"),
    (("layers", 1, "name"), "x" * 51, "layers[1].name"),
    (("layers", 1), "nonsense", "layers[1].name"),
    (("overrides", 0, "ends"), "2026-02-01T00:00", "overrides[0].ends"),
    (("overrides", 0, "starts"), "2026-03-29T02:30", "overrides[0].starts"),
    (("overrides", 0, "starts"), "2025-10-26T02:30", "overrides[0].starts"),
    (("overrides", 0, "people", 0), "eve@example.com", "overrides[0].people[0]"),
    (("overrides", 1), {**DOCUMENT["overrides"][0], "reason": ""}, "overrides[1].starts"),
    (("time_zone",), "Mars/Base", "time_zone"), (("team",), "nobody", "team"), (("name",), "", "name"),
    (("key",), "No Key", "key")])
def test_each_fault_is_refused_under_the_field_it_stands_in(payments, place, value, field):
    """SCH-40: no input leads to an error of ours; it is told by its field."""
    values = changed(DOCUMENT, place, value)
    with pytest.raises(Invalid) as refused:
        saved(values)
    assert field in [problem.field for problem in refused.value.problems]
    assert session.scalar(select(Schedule)) is None


def test_a_missing_clock_time_is_refused_with_the_nearest_and_a_doubled_one_with_both(payments):
    gone = changed(DOCUMENT, ("overrides", 0, "starts"), "2026-03-29T02:30")
    twice = changed(DOCUMENT, ("overrides", 1, "starts"), "2026-10-25T02:30")
    with pytest.raises(Invalid, match="01:59 and 03:00"):
        saved(gone)
    with pytest.raises(Invalid, match=r"2026-10-25T02:30\+02:00 or 2026-10-25T02:30\+01:00"):
        saved(twice)


@time_machine.travel(at(1), tick=False)
def test_an_override_that_a_document_drops_goes_and_one_that_a_person_made_stays(primary, ana, bob):
    with transaction():
        add_override(primary, starts=at(50), ends=at(51), people=[bob], by=person(ana))
    saved({"key": "primary", "overrides": [
        {"starts": "2026-07-20T09:30", "ends": "2026-07-20T12:00", "people": ["bob@example.com"]},
        {"starts": "2026-07-23T09:00", "ends": "2026-07-23T12:00", "people": ["bob@example.com"]}]})
    saved({"key": "primary", "overrides": []})
    assert [(one.starts_at, one.ends_at) for one in primary.overrides] == [(at(0.5), at(1)), (at(50), at(51))]
    with pytest.raises(Invalid, match="overlaps the override Bob"):
        saved({"key": "primary", "overrides": [
            {"starts": "2026-07-22T11:30", "ends": "2026-07-22T12:30", "people": ["ana@example.com"]}]})


def test_a_manager_edits_and_others_do_not_and_a_stale_edit_is_refused_with_what_stands(primary, ana, bob, charlie):
    """SCH-24: the second of two managers gets 409."""
    for by in (bob, charlie):
        with pytest.raises(Forbidden):
            saved({"key": "primary", "name": "Mine"}, by=person(by))
    seen = mark_of(schedule_document(primary))
    saved({"key": "primary", "name": "Ours"}, by=person(ana))
    with pytest.raises(Conflict) as refused, transaction():
        save_schedule({"key": "primary", "name": "Mine"}, by=person(ana), seen=seen)
    assert refused.value.state["current"]["name"] == "Ours" and refused.value.state["yours"]["name"] == "Mine"


def test_a_schedule_in_use_is_kept_and_an_unused_one_goes_with_its_layers(app, primary, ana, monkeypatch):
    """SCH-26: 409 naming the policies."""
    monkeypatch.setitem(app.extensions["panels"], "schedule_used_by", {"policies": "tests.oncall.test_service.two"})
    with pytest.raises(Conflict, match="Primary is used by Payments, Platform"), transaction():
        remove_schedule(primary, by=person(ana))
    monkeypatch.setitem(app.extensions["panels"], "schedule_used_by", {})
    with transaction():
        remove_schedule(primary, by=person(ana))
    assert session.scalar(select(Layer)) is None and facts() == ["schedule.removed"]


def two(_schedule: Schedule) -> list[Use]:
    """Two policies use the schedule."""
    return [Use("Payments"), Use("Platform")]


def test_deactivated_people_are_passed_over_as_of_now(primary, bob):
    """SCH-25: the next lookup gives the stand-in by rule 8."""
    with transaction():
        session.merge(bob).state = "deactivated"
    assert bob.id not in on_duty(primary, at(30)).people and on_duty(primary, at(30)).people
    assert clock.now().tzinfo is UTC


@pytest.mark.both_databases
def test_who_leaves_and_comes_back_holds_what_was_theirs_before_and_after(primary, ana, bob):
    """SCH-25: the next lookup gives the stand-in; reactivation does not alter shifts that have ended."""
    for hours, act in ((30, deactivate_user), (78, activate_user)):
        with time_machine.travel(at(hours), tick=False), transaction():
            act(session.merge(bob), by=OPERATOR)
        session.expire_all()
    found = [(one.start, one.people) for one in shifts(primary, at(24), at(120))]
    assert found == [(at(24), (bob.id,)), (at(30), (ana.id,)), (at(78), (bob.id,)), (at(96), (ana.id,))]
    assert on_duty(primary, at(80)).start == at(78)
