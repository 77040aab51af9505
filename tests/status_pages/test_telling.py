"""How news reach subscribers when an account fails, and what an address keeps after it said no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine

from app.core import clock
from app.core.db import session, transaction
from app.notifications import accounts
from app.plugin_api import NoAccess, Retry
from app.status_pages import subscribing
from app.status_pages.subscriber_models import Subscriber, SubscriberMessage
from tests.status_pages.reading import READER, subscribe, subscriber, write
from tests.status_pages.test_readers import path_in


@pytest.fixture
def broken(app, monkeypatch):
    """`broken(Retry("it is down"))`: the account that is tried first answers so; what is noted about each is kept."""
    noted, usual = [], accounts.routes

    def with_fault(fault, *, alone=False):
        def send(*_):
            raise fault
        def routes(slug):
            first = replace(usual(slug)[0], account="first", channel=SimpleNamespace(slug=slug, send=send))
            return [first] if alone else [first, *usual(slug)]
        monkeypatch.setattr(accounts, "routes", routes)
        monkeypatch.setattr(accounts, "note", lambda route, fault: noted.append((route.account, str(fault or ""))))
        return noted
    return with_fault


def test_the_next_account_carries_what_the_first_does_not(app, shop, client, deliver, smtp, broken):
    """Each account is told how it fared."""
    noted = broken(Retry("it is down"))
    subscribe(client, deliver)
    assert len(smtp.to(READER)) == 1 and noted[0] == ("first", "it is down") and noted[1][1] == "" and len(noted) == 2


def test_a_channel_that_is_not_set_up_is_tried_again(app, shop, client, deliver, broken):
    """Somebody may set it up in the meantime: it is one attempt of four."""
    broken(NoAccess("The key is wrong"), alone=True)
    subscribe(client, deliver)
    session.expire_all()
    waiting = session.query(SubscriberMessage).one()
    assert (waiting.state, waiting.attempts, waiting.error) == ("queued", 1, "The key is wrong")


def test_who_said_no_stays_known_when_anybody_types_the_address(app, shop, client, deliver, smtp, tick):
    """STAT-33: neither asked for by an import nor forgotten after a week; only the address itself takes it back."""
    subscribe(client, deliver)
    client.post(path_in(smtp.to(READER)[0]))
    with transaction():
        subscribing.end(subscriber(), reason="unsubscribed")
    subscribe(client, deliver, address=f" {READER} ")
    assert subscriber().state == "pending" and subscriber().ended_at is not None
    with time_machine.travel(clock.now() + timedelta(days=7, minutes=1), tick=False):
        tick("app.core.retention.purge")
    assert (subscriber().state, subscriber().address) == ("ended", "")
    subscribe(client, deliver)
    client.post(path_in(smtp.to(READER)[-1]))
    assert subscriber().state == "active" and subscriber().ended_at is None


def test_nothing_is_sent_to_who_ended_it_meanwhile(app, shop, client, deliver, smtp, tick):
    """STAT-11: a message that waits is dropped."""
    subscribe(client, deliver)
    client.post(path_in(smtp.to(READER)[0]))
    write(shop)
    tick("app.status_pages.reader_ticks.fan_out")
    with transaction():
        subscribing.end(session.query(Subscriber).one(), reason="unsubscribed")
    deliver()
    assert len(smtp.to(READER)) == 1
