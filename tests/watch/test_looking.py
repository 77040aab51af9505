"""What stands still is said by /readyz at once, and told to administrators once, by what still works."""

from __future__ import annotations

import pytest
import redis
import time_machine
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.core import life
from app.core.db import session, transaction
from app.core.events import Event
from app.core.redis import client
from app.notifications import directly
from app.watch import looking, rules
from tests import build

LOOK = "app.watch.ticks.look"


@pytest.fixture
def now():
    """A time that passes only when the test says so."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as travelled:
        yield travelled


@pytest.fixture
def passes(app, olga, tick, now, monkeypatch):
    """`passes(60)`: so much time with a clock and a worker, less those named; and a process that looks every 5 s."""
    app.extensions.pop("watch", None)
    monkeypatch.setattr("app.watch.looking.time.monotonic", lambda: now_in_seconds())
    monkeypatch.setattr("app.core.revision.is_newest", lambda: True)

    def passing(seconds: int, *, without: str = "") -> None:
        for _ in range(seconds // 15):
            now.shift(15)
            if without != "clock":
                tick("app.core.periodic.note_clock")
            if without != "worker":
                life.say(client(), "worker here:1:1")
            tick(LOOK)
    passing(15)
    yield passing
    app.extensions.pop("watch", None)


def now_in_seconds() -> float:
    """The clock that the test moves."""
    from app.core import clock

    return clock.now().timestamp()


def problems(web) -> str:
    """What /readyz names."""
    answer = web.get("/readyz")
    assert (answer.status_code == 200) == (answer.json["problems"] == [])
    return " ".join(answer.json["problems"])


@pytest.mark.parametrize(("part", "says"), [("clock", "The clock last ticked"), ("worker", "No worker has given a sign of life")])
def test_a_part_that_stops_is_named_within_15_seconds_and_told_once(app, olga, smtp, client, passes, part, says):
    """HRD-30: by /readyz, to administrators without it, once when it fails and once when it is well; kept in the log."""
    assert problems(client) == ""
    passes(15, without=part)
    assert says in problems(client) and smtp.mails == []
    passes(90, without=part)
    first, = smtp.to("olga@example.com")
    assert first.subject == f"{rules.name(part)} stands still"
    passes(15)
    assert problems(client) == "" and len(smtp.mails) == 1
    passes(60)
    assert [mail.subject for mail in smtp.mails[1:]] == [f"{rules.name(part)} works again"]
    kinds = session.scalars(select(Event.kind).where(Event.kind.like("system.part%")).order_by(Event.id)).all()
    assert kinds == ["system.part_failed", "system.part_recovered"]


def test_a_restart_and_a_part_that_comes_and_goes_alarm_nobody_twice(app, smtp, passes):
    """HRD-30: no flapping."""
    passes(30, without="clock")
    passes(30)
    assert smtp.mails == []
    for _ in range(3):
        passes(60, without="clock")
        passes(30)
    assert len(smtp.mails) == 1


def test_redis_is_told_of_without_redis(app, smtp, client, passes, monkeypatch):
    """HRD-30: from whichever process looks, whether a worker runs or not."""
    def away(*_):
        raise redis.ConnectionError("away")
    monkeypatch.setattr("app.core.health.probe", away)
    monkeypatch.setattr("app.watch.looking.probe", away)
    monkeypatch.setattr("app.core.jobs.client", away)
    passes(60)
    assert "Redis can't be reached" in problems(client)
    assert [mail.subject for mail in smtp.to("olga@example.com")] == ["Redis stands still"]


def test_the_database_is_told_of_without_the_database_by_one_process(app, olga, bob, smtp, passes, monkeypatch):
    """HRD-30: to the addresses that were looked up while it worked; afterwards the log says it, too."""
    build.contact(olga, "email", "olga-2@example.com", name="second")
    passes(75)
    with monkeypatch.context() as broken:
        broken.setattr("app.watch.looking.queries.pulses", unreachable)
        passes(60)
        app.extensions["watch"], mine = looking.Watch(), app.extensions["watch"]
        app.extensions["watch"].known = mine.known
        passes(60)
    assert sorted(mail.to for mail in smtp.mails) == ["olga-2@example.com", "olga@example.com"]
    assert {mail.subject for mail in smtp.mails} == {"The database stands still"}
    passes(60)
    assert [mail.subject for mail in smtp.to("olga@example.com")][1:] == ["The database works again"]
    assert session.scalar(select(Event.kind).where(Event.kind == "system.part_recovered"))


def test_a_process_that_alone_lost_the_database_tells_once_and_the_others_do_not_say_that_it_is_well(
        app, olga, smtp, passes, monkeypatch):
    """HRD-30: not again at every look, and that it works again only once it does for all."""
    passes(75)
    well, lost = app.extensions["watch"], looking.Watch()
    lost.known = well.known
    for _ in range(8):
        with monkeypatch.context() as broken:
            app.extensions["watch"] = lost
            broken.setattr("app.watch.looking.queries.pulses", unreachable)
            passes(15)
        app.extensions["watch"] = well
        passes(15)
    assert [mail.subject for mail in smtp.to("olga@example.com")] == ["The database stands still"]
    passes(75)
    assert [mail.subject for mail in smtp.to("olga@example.com")][1:] == ["The database works again"]


def test_a_process_that_knows_no_address_leaves_the_telling_to_another(app, smtp, passes, monkeypatch):
    """HRD-30: it has just begun and never reached the database."""
    passes(75)
    knows = app.extensions.pop("watch")
    monkeypatch.setattr("app.watch.looking.queries.pulses", unreachable)
    passes(60)
    assert smtp.mails == []
    app.extensions["watch"] = knows
    passes(60)
    assert len(smtp.to("olga@example.com")) == 1


def test_without_redis_nobody_says_that_the_worker_works_again(app, smtp, passes, monkeypatch):
    """HRD-30: who lives is known to Redis alone."""
    def away(*_):
        raise redis.ConnectionError("away")
    passes(90, without="worker")
    monkeypatch.setattr("app.watch.looking.probe", away)
    monkeypatch.setattr("app.core.jobs.client", away)
    passes(120, without="worker")
    assert [mail.subject for mail in smtp.to("olga@example.com")] == ["The worker stands still", "Redis stands still"]


def test_a_method_that_can_not_be_read_keeps_the_alarm_from_nobody_else(app, olga, bob):
    """HRD-30: a key was lost with which one address was sealed."""
    build.contact(olga, "webpush", "https://push.example.com/x", name="phone", data_sealed="00000000.rubbish")
    assert [one.address.value for one in directly.remember()] == ["olga@example.com"]


def unreachable(*_):
    """A database that is away."""
    raise OperationalError("SELECT 1", {}, Exception("connection refused"))


def test_nobody_is_told_while_all_is_held(app, smtp, passes):
    """RUN-05: after a restore nothing is sent before somebody releases it."""
    from app.core import hold
    from app.core.pulse import Pulse

    with transaction():
        session.add(Pulse(**hold.row("a backup was restored")))
    passes(60, without="worker")
    assert smtp.mails == []


def test_administrators_read_it_at_the_top_of_every_page(app, olga, ana, signed_in, passes):
    """HRD-30"""
    passes(15, without="clock")
    assert "The clock stands still" in signed_in(olga).get("/incidents").text
    assert "stands still" not in signed_in(ana).get("/incidents").text
