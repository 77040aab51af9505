"""What takes as long for one as for another, and what stands when a process dies or the database is away."""

from __future__ import annotations

import statistics
import threading
import time
from contextvars import Context
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from app.core import clock
from app.core.db import session, transaction
from app.status_pages import notices, reader_sending, reader_ticks, service, shelf, subscribing
from app.status_pages.models import Notice
from app.status_pages.notices import Said
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage
from tests.status_pages.reading import READER, subscribe, write
from tests.status_pages.writing import automatic, by, notice, opened

TOLD = 0.05  # seconds


def medians(ways, *, times=15):
    """The median time of each way, one after the other in turn, so that a slow moment of the machine meets all alike."""
    took = {name: [] for name in ways}
    for number in range(times):
        for name, way in ways.items():
            began = time.perf_counter()
            way(number)
            took[name].append(time.perf_counter() - began)
    return [statistics.median(some) for some in took.values()]


def test_the_time_of_the_answer_tells_no_subscriber(app, shop, client):
    """STAT-10: new, waiting and subscribed addresses differ by less than 50 ms."""
    def asks(name, count):
        return lambda number: client.post("/status/shop/subscribe", data={
            "kind": "email", "address": f"{name}{number % count}@reader.example", "news": ["notice"]},
            environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    for number in range(3):
        asks("waiting", 3)(number), asks("active", 3)(number)
    with transaction():
        for one in session.query(Subscriber).filter(Subscriber.address.like("active%")):
            subscribing.confirm(one)
    found = medians({name: asks(name, count) for name, count in (("new", 99), ("waiting", 3), ("active", 3))}, times=12)
    assert max(found) - min(found) < TOLD and session.query(Subscriber).filter_by(state="active").count() == 3


def test_the_time_of_the_answer_tells_no_private_page(app, shop, client):
    """STAT-16: without and with a wrong token, and for an unknown slug: less than 50 ms apart."""
    automatic(shop, access="private")
    with transaction():
        service.renew_link(shop.page, by=by(shop.ana))
    found = medians({"none": lambda _: client.get("/status/nothing"), "without": lambda _: client.get("/status/shop"),
                     "wrong": lambda _: client.get("/status/shop", headers={"Authorization": "Bearer wrong"}),
                     "link": lambda _: client.get("/status/shop/open/wrong")})
    assert max(found) - min(found) < TOLD


@pytest.fixture
def reader(app, shop, client):
    """Rita, subscribed by mail."""
    subscribe(client)
    with transaction():
        subscribing.confirm(session.query(Subscriber).one())
        session.query(SubscriberMessage).delete()


@pytest.mark.both_databases
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_is_killed_while_it_sends_loses_nothing_and_sends_nothing_anew(app, reader, shop, tick, smtp, monkeypatch, when):
    """STAT-13: before the mail was handed over, or after it but before that was written down: one mail, by its Message-ID."""
    handed = reader_sending._handed

    def dies(job, routes):
        if when == "after":
            handed(job, routes)
        raise KeyboardInterrupt
    write(shop)
    tick("app.status_pages.reader_ticks.fan_out")
    monkeypatch.setattr(reader_sending, "_handed", dies)
    with pytest.raises(KeyboardInterrupt):
        tick("app.status_pages.reader_ticks.send")
    monkeypatch.setattr(reader_sending, "_handed", handed)
    tick("app.status_pages.reader_ticks.send")
    assert len(smtp.to(READER)) == (when == "after")
    with time_machine.travel(clock.now() + timedelta(minutes=3), tick=False):
        for name in ("release", "send", "release", "send"):
            tick(f"app.status_pages.reader_ticks.{name}")
    assert len({mail.message["Message-ID"] for mail in smtp.to(READER)}) == 1 and session.query(SubscriberMessage).one().state == "sent"


@pytest.mark.both_databases
def test_two_processes_that_send_at_once_take_each_message_once(app, shop, smtp):
    """STAT-13: double dispatch."""
    with transaction():
        subscribing.add(shop.page, [f"r{number}@reader.example" for number in range(40)], by=by(shop.ana))
    together(app, reader_ticks.send, reader_ticks.send)
    assert len(smtp.mails) == 40 == len({mail.to for mail in smtp.mails})


def together(app, *deeds):
    """All at once, each as a process of its own would."""
    barrier = threading.Barrier(len(deeds))

    def act(deed):
        with app.app_context():
            barrier.wait(20)
            deed()
            session.remove()
    threads = [threading.Thread(target=Context().run, args=(act, deed)) for deed in deeds]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    session.rollback()


def test_a_message_that_can_not_be_written_keeps_no_other_back(app, reader, shop, client, deliver, smtp):
    """STAT-15: its key was lost; everybody else hears all the same."""
    subscribe(client, address="other@reader.example")
    with transaction():
        broken = session.query(Subscriber).filter_by(address="other@reader.example").one()
        subscribing.confirm(broken)
        broken.token_sealed = "nothing"
    write(shop)
    deliver()
    assert len(smtp.to(READER)) == 1 and session.query(SubscriberMessage).filter_by(state="failed").one().subscriber_id == broken.id


@pytest.mark.race
@pytest.mark.both_databases
def test_editors_posting_at_the_same_moment_all_appear(app, shop):
    """STAT-30: twenty at a barrier, none overwritten, in the order in which they were committed."""
    opened(shop)
    people = [by(person) for person in (shop.ana, shop.bob)] * 10

    def post(number):
        with transaction():
            notices.say(session.query(Notice).one(), Said("identified", f"Text {number}"), by=people[number])
    together(app, *[lambda number=number: post(number) for number in range(20)])
    found = [one.text for one in notice().updates]
    assert found[0] == "We look." and sorted(found[1:]) == sorted(f"Text {number}" for number in range(20))
    assert [one.at for one in notice().updates] == sorted(one.at for one in notice().updates)


def test_readers_get_what_was_true_last_while_the_database_is_away(app, shop, client, monkeypatch):
    """STAT-22: the page from memory, with the words by which a cache in front goes on for a day."""
    first = client.get("/status/shop")

    def away(_):
        raise OperationalError("SELECT", {}, Exception("the database is away"))
    monkeypatch.setattr(shelf, "_read", away)
    again = client.get("/status/shop")
    assert (again.status_code, again.data) == (200, first.data) and "stale-if-error=86400" in again.headers["Cache-Control"]
    assert client.get("/status/shop", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
