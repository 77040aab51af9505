"""Several providers of one channel: the next one takes over within the attempt, and the broken one is left alone."""

import pytest

from app.core.db import session, transaction
from app.core.events import Event
from app.notifications import accounts
from app.notifications.channel_models import ChannelAccount, ProviderState
from app.plugin_api import NoAccess, Refused, Rejected, Retry
from tests import build
from tests.notifications.paged import message, messages, page, play
from tests.notifications.pigeon import Pigeon

SEND = "app.notifications.ticks.send"


@pytest.fixture
def dove(app, pigeon):
    """A second provider of the same channel, tried after the first."""
    offers, made = app.extensions["plugins"].providers["pigeon"], Pigeon(name="Dove")
    offers["dove"] = made
    return made


@pytest.fixture
def dora(app):
    person = build.user("dora", reachable=False)
    build.contact(person, "pigeon", "loft")
    return person


def state(account="pigeon"):
    session.expire_all()
    return session.get(ProviderState, (account, "pigeon"))


@pytest.mark.parametrize("fault", [Retry("500"), NoAccess("401"), Rejected("400"), ValueError("a bug")])
def test_the_next_provider_takes_the_same_message_in_the_same_attempt(now, tick, pigeon, dove, dora, fault):
    """NTF-18."""
    pigeon.faults = [fault]
    page(dora)
    tick(SEND)
    assert (message().state, message().attempts, message().account) == ("sent", 1, "dove")
    assert len(dove.sent) == 1 and not pigeon.sent


def test_a_dead_address_is_not_tried_elsewhere(now, tick, pigeon, dove, dora):
    pigeon.faults = [Refused("no such loft")]
    page(dora)
    tick(SEND)
    assert message().state == "failed" and not dove.sent


def test_after_three_failures_it_is_left_alone_for_a_minute_and_then_probed_once(now, tick, pigeon, dove, dora):
    """NTF-18: three failures, silence for 60 s, one probe, and back."""
    pigeon.faults = [Retry("down")] * 4
    for _ in range(6):
        page(dora)
        tick(SEND)
    assert len(pigeon.faults) == 1 and len(dove.sent) == 6
    now.shift(59)
    page(dora)
    tick(SEND)
    assert len(pigeon.faults) == 1
    now.shift(2)
    page(dora)
    tick(SEND)
    assert pigeon.faults == [] and not pigeon.sent and state().open_until is not None
    now.shift(61)
    page(dora)
    tick(SEND)
    assert len(pigeon.sent) == 1 and (state().failures, state().open_until) == (0, None)


@pytest.mark.both_databases
def test_only_one_worker_probes(app, now, pigeon, dove, dora):
    """NTF-18: the others go on with the next provider until its outcome is known."""
    with transaction():
        for _ in range(3):
            accounts.note(accounts.all_routes("pigeon")[0], Retry("down"))
    now.shift(61)
    with transaction():
        first, second = accounts.routes("pigeon"), accounts.routes("pigeon")
    assert [route.account for route in first] == ["pigeon", "dove"] and [route.account for route in second] == ["dove"]


def test_the_state_survives_whatever_happens_to_redis(now, tick, pigeon, dove, dora, redis_server):
    """NTF-18, NTF-11: it stands in the database."""
    pigeon.faults = [NoAccess("401"), Retry("would be called")]
    page(dora)
    tick(SEND)
    redis_server.client.flushall()
    page(dora)
    tick(SEND)
    assert len(pigeon.faults) == 1 and len(dove.sent) == 2


def test_when_all_are_left_out_the_next_method_starts_at_once(now, tick, pigeon, smtp, ana):
    """NTF-17: nobody waits for an account that is known to be down."""
    loft, mail = build.contact(ana, "pigeon", "loft"), session.query(build.ContactMethod).filter_by(channel="email").one()
    build.rules(ana, (0, loft), (600, mail))
    with transaction():
        accounts.note(accounts.all_routes("pigeon")[0], NoAccess("401"))
    page(ana)
    tick(SEND)
    assert [one.state for one in messages("page")] == ["queued", "sent"] and not pigeon.sent


def test_what_one_address_lacks_says_nothing_about_the_provider(now, tick, pigeon, dora):
    """A full mailbox is no outage: nobody else waits for it."""
    pigeon.faults = [Retry("mailbox full", address=True)] * 4
    page(dora)
    tick(SEND)
    play(now, tick, 70, step=5)
    assert state() is None and pigeon.faults == []


def test_a_provider_that_is_switched_off_or_not_configured_is_never_tried(now, tick, pigeon, dove, dora):
    """NTF-20."""
    pigeon.needs = ("PIGEON_KEY",)
    page(dora)
    tick(SEND)
    with transaction():
        accounts.state_of("dove", "pigeon").off = True
    page(dora)
    tick(SEND)
    assert len(dove.sent) == 1 and not pigeon.sent
    assert messages("page")[1].error == "The channel pigeon is not set up"


def test_several_accounts_of_one_provider_are_tried_in_the_order_set_by_hand(now, tick, pigeon, dora):
    with transaction():
        account = ChannelAccount(plugin="pigeon", name="Second loft", config_sealed="")
        session.add(account)
        session.flush()
        accounts.seal_values(account, {"PIGEON_KEY": "two"})
        accounts.state_of("pigeon", "pigeon").position = 2
        accounts.state_of(account.key, "pigeon").position = 1
    page(dora)
    tick(SEND)
    assert message().account == account.key
    assert accounts.all_routes("pigeon")[0].config["PIGEON_KEY"] == "two"


def test_what_the_provider_took_and_could_not_deliver_goes_by_the_second_once(now, tick, pigeon, dove, loft, dora):
    """NTF-19."""
    page(dora)
    tick(SEND)
    loft(provider_id="p1", state="failed", reason="undelivered")
    tick(SEND)
    assert [(one.account, one.state) for one in messages("page")] == [("pigeon", "failed"), ("dove", "sent")]
    loft(provider_id=messages("page")[1].provider_id, state="failed", reason="undelivered")
    tick(SEND)
    assert len(messages("page")) == 2
    assert session.query(Event).filter_by(kind="message.unreachable").count() == 1


@pytest.mark.both_databases
def test_a_provider_in_trouble_stands_on_the_page_of_deliveries_within_a_minute(now, tick, pigeon, dove, dora, client, token, signed_in):
    """INS-17: its failures, that it is left out, and whose messages the second one carries; five minutes of it."""
    pigeon.faults = [Retry("down")] * 100

    def said():
        found = client.get("/api/v1/insights/delivery", headers=token(dora)).json
        [trouble] = found["providers_in_trouble"]
        return trouble["provider"], trouble["failures"], trouble["left_out"], {
            one["provider"]: one["states"] for one in found["channels"]}
    for number in range(1, 9):
        page(dora)
        tick(SEND)
        if number == 3:
            assert said() == ("Pigeon", 3, 1, {"dove": {"sent": 3}})
        now.shift(15 if number < 3 else 60)
    assert said() == ("Pigeon", 8, 1, {"dove": {"sent": 8}})
    shown = signed_in(dora).get("/insights/delivery").text.partition("Providers in trouble")[2]
    assert "pigeon" in shown and '<td class="r">8</td><td class="r">1</td>' in shown
