"""What is read ahead for many levels means the same as what is asked for one by one."""

from __future__ import annotations

import pytest

from app.catalog.models import Service
from app.core import clock
from app.core.db import session, transaction
from app.escalation import queries, service_panels, targets
from app.escalation.known import read_ahead
from app.notifications.channel_models import Room
from tests import build
from tests.pager import pager
from tests.test_many_rows import asking

THERE = 10  # of the levels below, the first: the others name what is gone, or nothing of ours


@pytest.fixture
def levels(app):
    """One level for each thing that a target can be, and for what is no more there."""
    house, hana = pager(), build.user("hana", reachable=False)
    late = build.schedule("late", team=house.team, turns=[[house.ana], [house.bob]])
    empty = build.schedule("empty", team=house.team, turns=[[hana]])
    with transaction():
        session.add(Room(key="war", team_id=house.team.id, channel="slack", address="C1", name="#war"))
    three = [house.bob.id, hana.id, house.ana.id]
    there = [{"user": house.bob.id}, {"user": hana.id}, {"users": three, "pick": "round_robin"}, {"schedule": late.id},
             {"schedule": late.id, "next": True}, {"schedule": empty.id}, {"schedule": empty.id, "next": True}, {"team": house.team.id},
             {"team": house.team.id, "pick": "round_robin"}, {"room": 1}]
    assert len(there) == THERE
    gone = [{"user": 99}, {"schedule": 99}, {"team": 99}, {"room": 99}, {"webhook": 99}, {"admins": True}, {"nobody": 1}]
    return [{"timeout": 60, "targets": some} for some in (*([one] for one in there + gone), there + gone)]


@pytest.mark.both_databases
def test_each_level_means_the_same(levels):
    """ESC-28, ESC-29: people, reasons, problems, whose turn it is, where it is posted."""
    now = clock.now()
    known = read_ahead(levels, now)
    for level in levels:
        ahead, alone = targets.whom(level, now, known=known), targets.whom(level, now)
        assert ahead == alone and known.names(ahead.people) == read_ahead([], now).names(alone.people)


def test_what_was_read_is_not_asked_for_again(levels):
    """Spec 17, other pages: but for what is no more there."""
    now = clock.now()
    known = read_ahead(levels, now)
    with asking() as asked:
        for level in levels[:THERE]:
            known.names(targets.whom(level, now, known=known).people)
    assert asked == []


def test_a_schedule_that_can_not_be_worked_out_is_one_targets_problem(levels, monkeypatch):
    """ESC-28: a fault of ours with one keeps no other from being shown."""
    monkeypatch.setattr("app.escalation.known.on_duty_now", lambda *_: 1 / 0)
    now = clock.now()
    assert targets.whom(levels[-1], now, known=read_ahead(levels, now)) == targets.whom(levels[-1], now)


def test_the_policy_that_counts_for_many_services_is_that_of_each(app):
    """ESC-16: its own if it has a level, else the team's default, else the catch-all."""
    house = pager()
    own, hollow = (build.policy(key, *some, team=house.team, default=False) for key, some in (
        ("own", [(60, [house.ana])]), ("hollow", [])))
    for key, policy in (("owned", own), ("hollowed", hollow)):
        build.service(key, team=house.team, policy=policy)
    build.service("orphan", team=build.team("others"))
    services = session.query(Service).all()
    found = queries.policies_of(services)
    assert found == {one.id: queries.policy_for(one, one.team) for one in services}
    assert {one.key: service_panels.duty_of(services)[one.id] for one in services} == {
        "checkout": ["Bob"], "owned": ["Ana"], "hollowed": ["Bob"], "orphan": []}
