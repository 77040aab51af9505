"""What fails by itself: the others are done, and nothing of it stays."""

import pytest

from app.core.access import SYSTEM
from app.core.db import pending, session, transaction
from app.core.events import Event, record
from app.core.isolation import apart, attempt, each, isolated
from app.heartbeats.events import LATE
from app.identity.models import Team
from tests import build


def named(key):
    """Give the team of this id a name; the second has none to give."""
    session.get_one(Team, key).name = {1: "One", 3: "Three"}[key]
    return 1


def three_teams():
    """Make them; how they are called now is what is returned."""
    for key in ("a", "b", "c"):
        build.team(key)
    return lambda: [team.name for team in session.query(Team).order_by(Team.id)]


def test_of_rows_done_together_a_bad_one_is_told_and_the_others_are_done(app):
    told, now = [], three_teams()
    assert isolated([1, 2, 3], lambda keys: sum(map(named, keys)), lambda key, fault: told.append((key, repr(fault)))) == 3
    assert told == [(2, "KeyError(2)")] and now() == ["One", "B", "Three"]


def test_what_nobody_can_mend_is_left_as_it_is(app):
    now = three_teams()
    with pytest.raises(KeyError):  # once all are done, so that the tick is said to have failed
        each([1, 2, 3], named)
    assert now() == ["One", "B", "Three"]


def test_work_that_opens_its_transactions_itself_fails_by_itself_too(app):
    def work(key):
        with transaction():
            return named(key)
    now = three_teams()
    with pytest.raises(KeyError):
        apart([1, 2, 3], work)
    assert now() == ["One", "B", "Three"]


def test_of_an_attempt_that_fails_neither_rows_nor_facts_stay(app):
    now = three_teams()
    with transaction():
        record(LATE, "heartbeat:1", by=SYSTEM, name="first", due="")
        try:
            with attempt():
                record(LATE, "heartbeat:2", by=SYSTEM, name="second", due="")
                session.get_one(Team, 1).name = "Changed"
                session.flush()
                named(2)
        except KeyError:
            assert [event.subject for event in pending().events] == ["heartbeat:1"]
    assert now()[0] == "A" and [event.subject for event in session.query(Event).filter_by(kind=LATE.name)] == ["heartbeat:1"]
