"""The outbox: each message once whoever sends, and again when a sender died; levels that meet the same person."""

import socket
import threading
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError

from app.core import clock
from app.core.db import session, transaction
from app.core.jobs import function
from app.core.worker import owner
from app.escalation.models import Run
from app.incidents.models import Incident
from app.notifications import queries, sending, service
from app.notifications.channel_models import ReplyCode
from tests import build
from tests.notifications.paged import as_actor, hook, message, messages, page, play
from tests.racing import at_once

SEND = "app.notifications.ticks.send"
THREADS, MESSAGES = 10, 200


def queued(person, count):
    with transaction():
        method = queries.usable([person.id])[person.id][0]
        return [service.plain_message("test", method, once=f"test:{at}")[0].id for at in range(count)]


@pytest.mark.both_databases
def test_ten_senders_at_once_send_each_message_once(app, http_sink):
    """NTF-10: all try all of them, in the same order."""
    dora = build.user("dora", reachable=False)
    hook(dora, http_sink)
    ids, barrier = queued(dora, MESSAGES), threading.Barrier(THREADS)

    def work():
        with app.app_context():
            barrier.wait()
            for key in ids:
                sending.hand_over(key)
            session.remove()
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    session.remove()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(call.json()["id"]) for call in http_sink.calls) == ids
    assert {(one.state, one.attempts) for one in messages()} == {("delivered", 1)}


@pytest.mark.both_databases
def test_what_a_dead_sender_held_is_sent_when_its_successor_starts(now, tick, smtp, ana):
    """NTF-09: killed between claim and call, on this machine: nobody waits for the lease."""
    queued(ana, 1)
    claimed(f"{socket.gethostname()}:999999:1")
    assert tick("app.notifications.ticks.release_dead") == 1
    tick(SEND)
    assert message("test").state == "sent" and len(smtp.to("ana@example.com")) == 1


def claimed(by):
    with transaction():
        one = message("test")
        one.state, one.lease_owner, one.attempts = "sending", by, 1
        one.lease_until = clock.now() + timedelta(seconds=60)


def test_what_a_living_sender_holds_is_left_alone(now, tick, ana):
    queued(ana, 1)
    claimed(owner())
    assert tick("app.notifications.ticks.release_dead") == 0
    assert tick("app.notifications.ticks.release") == 0 and message("test").state == "sending"


@pytest.mark.both_databases
def test_what_hangs_for_a_minute_is_sent_again_under_the_same_id(now, tick, smtp, ana):
    """NTF-09: the lease of a machine that is gone runs out after 60 s."""
    key, = queued(ana, 1)
    claimed("another-machine:7:1")
    now.shift(59)
    assert tick("app.notifications.ticks.release") == 0
    now.shift(2)
    assert tick("app.notifications.ticks.release") == 1
    tick(SEND)
    mail, = smtp.to("ana@example.com")
    assert mail.message["Message-ID"].startswith(f"<{key}@") and message("test").attempts == 2


def test_an_outcome_that_comes_after_the_lease_went_to_another_is_not_recorded(app, now, ana):
    """NTF-09: the one who holds the lease now says what became of it."""
    key, = queued(ana, 1)
    offers = app.extensions["plugins"].providers["email"]

    class Slow:
        slug, settings = "email", ()

        def send(self, *_):
            claimed("another-machine:7:1")
            raise ConnectionError

    offers["email"], channel = Slow(), offers["email"]
    try:
        sending.hand_over(key)
    finally:
        offers["email"] = channel
    assert message("test").lease_owner == "another-machine:7:1" and message("test").state == "sending"


def test_what_was_sent_when_the_database_went_away_is_recorded_when_it_is_back(app, tick, smtp, ana, monkeypatch):
    """QUAL-11: and not sent a second time."""
    faults, usual = [OperationalError("UPDATE", {}, Exception("away")) for _ in range(3)], sending.record_outcome

    def record(*told):
        if faults:
            raise faults.pop()
        usual(*told)
    monkeypatch.setattr(sending, "record_outcome", record)
    monkeypatch.setattr("app.core.lanes.AGAIN", 0)
    queued(ana, 1)
    tick(SEND)
    tick(SEND)
    assert not faults and (message("test").state, message("test").attempts, len(smtp.to("ana@example.com"))) == ("sent", 1, 1)


def test_an_outcome_that_comes_late_counts_while_nobody_has_tried_again(app, now, tick, smtp, ana, monkeypatch):
    """QUAL-11: the database was away for longer than the lease."""
    def late(record):
        now.shift(61)
        assert tick("app.notifications.ticks.release") == 1
        with transaction():
            record()
    monkeypatch.setattr(sending, "kept", late)
    sending.hand_over(*queued(ana, 1))
    tick(SEND)
    assert (message("test").state, len(smtp.to("ana@example.com"))) == ("sent", 1)


def test_a_person_paged_again_by_the_next_level_restarts_their_rules(now, tick, smtp, http_sink):
    """NTF-06: what still waits of the first level is not sent."""
    dora = build.user("dora")
    mail, web = queries.methods_of(dora)[0], hook(dora, http_sink)
    build.rules(dora, (0, mail), (600, web))
    page(dora, dora)
    tick(SEND)
    now.shift(120)
    again(tick)
    play(now, tick, 600, step=10)
    assert [(one.level, one.state) for one in messages("page")] == [
        (0, "sent"), (0, "cancelled"), (1, "sent"), (1, "delivered")]
    assert messages("page")[1].error == "paged again by level 2"


def again(tick):
    with transaction():
        session.query(Run).one().next_at = clock.now()
    tick("app.escalation.ticks.advance")
    tick(SEND)


def test_two_levels_in_one_moment_do_not_send_the_same_twice(now, tick, smtp, ana):
    """NTF-06: the second page to an address waits until 30 s after the first."""
    page(ana, ana)
    tick(SEND)
    again(tick)
    assert len(smtp.to("ana@example.com")) == 1
    play(now, tick, 30)
    assert len(smtp.to("ana@example.com")) == 2


@pytest.mark.race
@pytest.mark.both_databases
def test_a_level_by_the_timer_and_one_by_hand_at_one_moment_send_one_text(app, now, tick, smtp, ana):
    """NTF-06: while the first still waits, and a sender looks; the next text goes out 30 s later at the earliest."""
    number, by = page(ana, ana, ana).id, as_actor(ana)
    with transaction():
        session.query(Run).one().next_at = clock.now()

    def escalate():
        with transaction():
            function("app.escalation.service.escalate")(session.get_one(Incident, number), by=by)
    assert not at_once(app, escalate, function("app.escalation.ticks.advance"), function(SEND), function(SEND))
    play(now, tick, 29, step=29)
    assert len(smtp.to("ana@example.com")) == 1
    play(now, tick, 1)
    assert len(smtp.to("ana@example.com")) <= 2 and not [one for one in messages("page") if one.state == "sending"]


def test_a_reaction_that_runs_twice_writes_nothing_twice(now, tick, smtp, ana):
    """DESIGN: at least once; the notice that waits is not taken for an older one."""
    incident = page(ana)
    for _ in range(2):
        with transaction():
            service.notify(session.get_one(Incident, incident.id), [ana], kind="resolved", cause="event:1", reason="Over")
    tick(SEND)
    assert [one.state for one in messages("resolved")] == ["sent"]


@pytest.mark.race(rounds=10)
@pytest.mark.both_databases
def test_two_texts_to_one_person_at_once_carry_one_code(app, now, pigeon):
    """Each goes at its first attempt: ten times two numbers of Dora's, in the same moment."""
    dora = build.user("dora", reachable=False)
    for name in ("home", "work"):
        build.contact(dora, "pigeon", f"loft-{name}", name=name)
    for _ in range(10):
        page(dora)
        waiting = [one.id for one in messages("page") if one.state == "queued"]
        assert not at_once(app, *(partial(sending.hand_over, one) for one in waiting))
    assert {(one.state, one.attempts) for one in messages("page")} == {("sent", 1)}
    assert session.query(ReplyCode).count() == 10 == len({one.code for one in session.query(ReplyCode)})
