"""Subscribers: asked first, told once, and gone by one press."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
import time_machine

from app.core import clock
from app.core.db import session, transaction
from app.shadow import service as shadows
from app.shadow.models import Unsent
from app.status_pages import subscribing
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage
from app.status_pages.subscribing import Wish
from tests.build import actor as by
from tests.status_pages.reading import READER, subscribe, subscriber, write


def path_in(mail, label="Confirm"):
    found = re.search(rf"{label}[^:]*: http://localhost(/status/subscription/\S+)", mail.text)
    return found[1]


@pytest.fixture
def reader(app, shop, client, deliver, smtp):
    """Rita, subscribed to everything by mail."""
    subscribe(client, deliver)
    client.post(path_in(smtp.to(READER)[0]))
    return subscriber()


def test_nothing_but_the_link_is_sent_before_the_button_is_pressed(app, shop, client, deliver, smtp):
    """STAT-10: GET changes nothing, POST confirms, a second time it explains itself."""
    subscribe(client, deliver)
    write(shop)
    deliver()
    assert [mail.subject for mail in smtp.to(READER)] == ["[Shop status] Confirm your subscription"]
    path = path_in(smtp.to(READER)[0])
    assert client.get(path).status_code == 200 and subscriber().state == "pending"
    assert "You are subscribed" in client.post(path).text and subscriber().state == "active"
    assert "already" in client.get(path).text and "already" in client.post(path).text


def test_a_link_of_yesterday_explains_itself(app, shop, client, deliver, smtp):
    """STAT-10: 24 hours."""
    subscribe(client, deliver)
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1), tick=False):
        assert "older than 24 hours" in client.post(path_in(smtp.to(READER)[0])).text and subscriber().state == "pending"


def test_the_answer_is_the_same_for_new_waiting_and_subscribed_addresses(app, reader, client, deliver, smtp):
    """STAT-10: word for word; the subscribed one gets no second mail."""
    said = {subscribe(client, deliver).text, subscribe(client, deliver, address="new@reader.example").text,
            subscribe(client, deliver, address="new@reader.example").text}
    assert len(said) == 1 and len(smtp.to(READER)) == 1


def test_in_shadow_no_reader_is_told_but_whoever_subscribes_is_asked(app, reader, shop, client, deliver, smtp, olga):
    """MIG-22, MIG-25: nor afterwards of what was."""
    with transaction():
        begun = shadows.begin("team", session.merge(shop.page).team.key, reason="Moving in", by=by(olga))
    write(shop)
    deliver()
    subscribe(client, deliver, address="new@reader.example")
    with transaction():
        shadows.end(begun, by=by(olga))
    deliver()
    assert len(smtp.to(READER)) == 1 and len(smtp.to("new@reader.example")) == 1
    assert [one.whom for one in session.query(Unsent).filter_by(kind="readers")] == ["1 reader of Shop status"]


def test_every_mail_says_how_to_end_it_and_one_bare_post_does(app, reader, shop, client, deliver, smtp):
    """STAT-11: RFC 8058, without cookie, also twice; no link holds the address."""
    write(shop)
    deliver()
    mail = smtp.to(READER)[-1]
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and mail.html and mail.message["Message-ID"]
    link = mail.message["List-Unsubscribe"].strip("<>").removeprefix("http://localhost")
    assert READER not in link and "button" in client.get(link).text and subscriber().state == "active"
    for _ in range(2):
        assert client.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert (subscriber().state, subscriber().address) == ("ended", "")


def test_a_signed_in_person_ends_theirs_without_a_token_of_the_form(app, reader, signed_in, shop):
    """STAT-11: the cookie of the system is no part of it."""
    link = f"/status/subscription/{subscribing.token_of(reader)}"
    assert signed_in(shop.bob).post(link).status_code == 200 and subscriber().state == "ended"


@pytest.mark.both_databases
def test_an_outage_and_its_end_are_each_told_once(app, reader, shop, deliver, smtp, breaks, follow):
    """STAT-03, STAT-13: also when the ticks run twice."""
    made = breaks(shop.checkout)
    for _ in range(2):
        follow()
        deliver()
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=False):
        with transaction():
            session.merge(made).status = "resolved"
        for _ in range(2):
            follow()
            deliver()
    assert [mail.subject for mail in smtp.to(READER)[1:]] == [
        "[Shop status] Card payments: Major outage", "[Shop status] Card payments: Operational"]


def test_six_flaps_are_two_messages_and_the_last_one_is_true(app, reader, shop, deliver, smtp, breaks, follow, tick):
    """STAT-14."""
    made = breaks(shop.checkout)
    with time_machine.travel(clock.now(), tick=False) as at:
        for status in ("triggered", "resolved", "triggered", "resolved", "triggered", "resolved"):
            with transaction():
                session.merge(made).status = status
            follow()
            deliver()
            at.shift(timedelta(seconds=45))
        at.shift(timedelta(seconds=60))
        tick("app.status_pages.ticks.tell_last_words")
        deliver()
    assert [mail.subject.rpartition(": ")[2] for mail in smtp.to(READER)[1:]] == ["Major outage", "Operational"]


def test_a_reader_hears_only_of_what_was_chosen(app, reader, shop, client, deliver, smtp, breaks, follow):
    """STAT-13: components and kinds."""
    part = shop.component("Finding things").public_id
    client.post(f"/status/subscription/{subscribing.token_of(reader)}", data={
        "action": "change", "components": part, "news": "notice"})
    breaks(shop.search)
    follow()
    write(shop, "About cards.")
    write(shop, "About finding.", parts=("Finding things",))
    deliver()
    assert [mail.text.splitlines()[0] for mail in smtp.to(READER)[1:]] == ["About finding."]


def test_a_killed_process_and_a_double_dispatch_send_nothing_twice(app, reader, shop, tick, smtp):
    """STAT-13: one message for each subscriber and announcement is the database's promise."""
    write(shop)
    for _ in range(3):
        tick("app.status_pages.reader_ticks.fan_out")
    assert session.query(SubscriberMessage).filter(SubscriberMessage.announcement_id.is_not(None)).count() == 1
    tick("app.status_pages.reader_ticks.send")
    tick("app.status_pages.reader_ticks.release")
    tick("app.status_pages.reader_ticks.send")
    assert len(smtp.to(READER)) == 2


def test_a_hard_bounce_ends_the_subscription_and_says_so(app, reader, shop, deliver, smtp, signed_in):
    """STAT-15: the list shows why."""
    smtp.refusal = "550 5.1.1 no such user"
    write(shop)
    deliver()
    assert subscriber().state == "ended" and READER not in str(vars(subscriber()))
    assert "does not know this address" in signed_in(shop.ana).get("/status-pages/shop/subscribers").text


def test_addresses_are_for_managers_and_erased_ones_are_not_added_again(app, reader, shop, client, signed_in, deliver, smtp):
    """STAT-33: responders and others get 403; an import leaves out whoever said no."""
    assert signed_in(shop.bob).get("/status-pages/shop/subscribers").status_code == 403
    browser = signed_in(shop.ana)
    assert READER in browser.get("/status-pages/shop/subscribers?q=rita").text
    assert READER in browser.get("/status-pages/shop/subscribers.csv").text
    browser.post(f"/status-pages/shop/subscribers/{reader.id}/remove")
    browser.post("/status-pages/shop/subscribers", data={"addresses": f"{READER}\nnew@reader.example"})
    deliver()
    assert len(smtp.to(READER)) == 1 and len(smtp.to("new@reader.example")) == 1


def test_who_tries_too_often_is_refused_and_an_address_hears_five_times_an_hour(app, shop, client, deliver, smtp):
    """Numbers: 5 an hour per address, 20 an hour per client."""
    for _ in range(20):
        assert subscribe(client).status_code == 200
    deliver()
    assert len(smtp.to(READER)) <= 5 and subscribe(client).status_code == 429


def test_who_does_not_confirm_is_forgotten_after_a_week(app, shop, client, tick):
    """Numbers: unconfirmed rows are deleted after 7 days."""
    subscribe(client)
    with time_machine.travel(clock.now() + timedelta(days=7, minutes=1), tick=False):
        tick("app.core.retention.purge")
    assert session.query(Subscriber).count() == 0


def test_ten_thousand_are_queued_at_once(app, shop, tick):
    """STAT-15: in one transaction, in well under ten seconds."""
    with transaction():
        made = subscribing.ask(shop.page, Wish("email", READER), told=False)
        values = {name: getattr(made, name) for name in ("page_id", "kind", "address", "token_sealed", "kinds", "components")}
        session.execute(Subscriber.__table__.insert(), [{**values, "address_hash": str(number), "token_hash": str(number), "state": "active",
                                                         "failures": 0, "reason": "", "created_at": clock.now()} for number in range(10_000)])
    write(shop)
    began = time.perf_counter()
    tick("app.status_pages.reader_ticks.fan_out")
    assert session.query(SubscriberMessage).count() == 10_000 and time.perf_counter() - began < 10


def test_no_mail_holds_anything_internal(app, reader, shop, deliver, smtp, breaks, follow):
    """STAT-18: what subscribers get is searched for planted marks."""
    breaks(shop.checkout, description="SECRET-TEXT")
    follow()
    write(shop)
    deliver()
    said = "".join(f"{mail.message}" for mail in smtp.to(READER)[1:])
    assert len(smtp.to(READER)) == 3 and "A cable." in said
    assert not [mark for mark in ("SECRET-", "Ana", "Bob", "payments@", "checkout", "user:", "/incidents/") if mark in said]
