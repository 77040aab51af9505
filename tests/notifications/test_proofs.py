"""A contact method is proven by a round trip to that very channel and address, and by nothing else."""

from __future__ import annotations

import json
import threading
from contextvars import Context

import pytest
from sqlalchemy import func, select

from app.core import secrets
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, RateLimited
from app.core.events import Event
from app.core.forms import Problems
from app.identity.models import User
from app.notifications import contacts, proofs
from app.notifications.models import ContactCode, ContactMethod, Message
from tests import build
from tests.notifications.paged import as_actor, messages

# One address for each channel whose methods a code proves.
ADDRESSES = {
    "email": "dora@example.com", "webhook": "https://example.com/dora", "sms": "+4915112345678", "voice": "+4915112345678",
    "slack": "U012AB3CD", "teams": "29:1bSnHZ7Js2STWrgk6ScEErLk1Lp2zQuD5H2qQ", "telegram": "4711",
    "mattermost": "qfxhfh5p9irczx1myr3jdkk5ao", "ntfy": "https://ntfy.sh/dora",
    "discord": "https://discord.com/api/webhooks/1/x", "googlechat": "https://chat.googleapis.com/v1/spaces/1/messages?key=k",
}


@pytest.fixture
def dora(app):
    """Dora has no contact method yet."""
    return build.user("dora", reachable=False)


def added(person: User, channel: str, name: str = "") -> ContactMethod:
    with transaction():
        return contacts.add_method(person, {"channel": channel, "address": ADDRESSES[channel], "name": name or channel},
                                   by=as_actor(person))


def sent(method: ContactMethod) -> Message:
    """A code goes out; its message."""
    with transaction():
        return proofs.send_code(session.get_one(ContactMethod, method.id), by=as_actor(method.user))


def code_of(message: Message) -> str:
    data = secrets.open_(message.data_sealed, bound_to=f"message:{message.id}/data")
    return str(json.loads(data)["code"])


def typed(method: ContactMethod, code: str) -> bool:
    """The owner types it."""
    with transaction():
        return proofs.prove(session.get_one(ContactMethod, method.id), code, by=as_actor(method.user))


def usable(method: ContactMethod) -> bool:
    session.expire_all()
    return session.get_one(ContactMethod, method.id).usable


def test_every_channel_that_proves_by_code_is_in_the_table_above(app):
    """IDN-32: a new channel comes with its story; browsers are proven by their subscription."""
    offers = app.extensions["plugins"].channels
    assert {slug for slug, one in offers.items() if "verify" in one.can} - {"webpush", "log"} == set(ADDRESSES)


@pytest.mark.parametrize("channel", ADDRESSES)
def test_the_code_goes_to_that_very_address_and_proves_it_alone(now, dora, channel):
    """IDN-32, IDN-33: the same address by another channel or name stays as it was."""
    method, other = added(dora, channel), added(dora, "voice" if channel == "sms" else "sms", "other")
    message = sent(method)
    assert (message.kind, message.channel, message.address) == ("code", channel, ADDRESSES[channel])
    assert typed(method, code_of(message)) and usable(method) and not usable(other)


@pytest.mark.parametrize("channel", ADDRESSES)
def test_the_fifth_wrong_code_voids_it_and_so_do_fifteen_minutes(now, dora, channel):
    """IDN-34: the right one afterwards is refused; at 15 min it counts, a second later not."""
    method = added(dora, channel)
    code = code_of(sent(method))
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert [typed(method, wrong) for _ in range(5)] == [False] * 5
    with pytest.raises(Conflict, match="no longer valid"):
        typed(method, code)
    now.shift(61)
    code = code_of(sent(method))
    now.shift(901)
    with pytest.raises(Conflict, match="no longer valid"):
        typed(method, code)
    code = code_of(sent(method))
    now.shift(900)
    assert typed(method, code)


def test_codes_are_sent_once_a_minute_five_an_hour_and_twenty_a_day(now, dora):
    """IDN-34: an address has five an hour, a person twenty a day over all addresses."""
    method = added(dora, "email")
    with pytest.raises(RateLimited, match="less than a minute"):
        sent(method), sent(method)
    for _ in range(4):
        now.shift(61)
        sent(method)
    now.shift(61)
    with pytest.raises(RateLimited, match="Too many"):
        sent(method)
    others = [added(dora, "email", f"mail {number}") for number in range(15)]
    for other in others:
        sent(other)
    now.shift(3600)
    with pytest.raises(RateLimited, match="Too many"):
        sent(method)
    assert len(messages("code")) == 20


def test_a_code_stands_in_no_table_log_event_or_answer(now, dora, signed_in, token, caplog, capsys):
    """IDN-34"""
    method = added(dora, "email")
    code = code_of(sent(method))
    dump = " ".join(str(row) for table in (Message, ContactCode, ContactMethod, Event)
                    for row in session.execute(select(table.__table__)).all())
    browser = signed_in(dora)
    answers = browser.get("/me").text + browser.get("/api/v1/users/dora@example.com", headers=token(dora)).text
    printed = capsys.readouterr()
    assert code not in dump and code not in answers and code not in caplog.text + printed.out + printed.err


@pytest.mark.race
@pytest.mark.both_databases
def test_the_same_right_code_twice_at_once_proves_once(app, dora):
    """IDN-34: the second parallel right answer is refused; one fact in the log."""
    method = added(dora, "email")
    code, by, barrier, said = code_of(sent(method)), as_actor(dora), threading.Barrier(4), []

    def answer() -> None:
        barrier.wait(10)
        with app.app_context(), transaction():
            try:
                said.append(proofs.prove(session.get_one(ContactMethod, method.id), code, by=by))
            except Conflict:
                said.append(None)
    session.rollback()
    threads = [threading.Thread(target=Context().run, args=(answer,)) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(said, key=bool) == [None, None, None, True] and usable(method)
    assert session.scalar(select(func.count()).where(Event.kind == "contact_method.proven")) == 1


def test_a_changed_address_is_unproven_at_once_and_nobody_proves_for_another(now, dora, olga):
    """IDN-33: not even an admin; a code for the former address counts no more than before."""
    method = added(dora, "email")
    assert typed(method, code_of(sent(method)))
    with transaction():
        contacts.save_contact_methods(session.get_one(User, dora.id), [
            {"name": "email", "channel": "email", "address": "new@example.com"}], by=as_actor(dora))
    assert not usable(method)
    with pytest.raises(Forbidden), transaction():
        proofs.send_code(session.get_one(ContactMethod, method.id), by=as_actor(olga))


def test_a_code_for_the_former_address_does_not_prove_the_new_one(now, dora):
    """IDN-33: sent, moved, typed: refused."""
    method = added(dora, "email")
    code = code_of(sent(method))
    with transaction():
        contacts.save_contact_methods(session.get_one(User, dora.id), [
            {"name": "email", "channel": "email", "address": "new@example.com"}], by=as_actor(dora))
    assert not typed(method, code) and not usable(method)


def test_the_address_to_prove_is_never_taken_from_the_request(now, dora, signed_in):
    """IDN-33: the call names a stored method of one's own, and nothing else counts."""
    method, browser = added(dora, "email"), signed_in(dora)
    browser.post(f"/me/contacts/{method.id}/code", data={"address": "thief@example.com", "channel": "sms"})
    message, = messages("code")
    assert (message.channel, message.address) == ("email", "dora@example.com")


@pytest.mark.parametrize(("written", "kept"), [
    ("+49 151 12345678", "+4915112345678"), ("0049 (151) 123-45678", "+4915112345678"), ("+1.202.555.0199", "+12025550199")])
def test_a_number_is_kept_as_the_world_writes_it(dora, written, kept):
    """IDN-35: E.164, by which whoever answers is known."""
    assert contacts.checked_address("sms", written, Problems()) == kept


@pytest.mark.parametrize("written", ["0170 1234567", "+49", "+49 170 CALL", "١٢٣٤٥٦٧٨"])
def test_a_number_without_country_is_refused_with_an_example(signed_in, dora, written):
    """IDN-35"""
    answer = signed_in(dora).post("/me/contacts", data={"channel": "sms", "address": written})
    assert answer.status_code == 422 and "+4915112345678" in answer.text
    assert session.query(ContactMethod).count() == 0


def test_two_people_may_have_the_same_number(now, dora):
    """IDN-35: a shared telephone; proving one's own proves nobody else's."""
    eva = build.user("eva", reachable=False)
    hers, theirs = added(dora, "sms"), added(eva, "sms")
    assert typed(hers, code_of(sent(hers))) and not usable(theirs)


def test_whoever_has_a_proven_address_can_be_paged_without_more(now, tick, smtp, dora):
    """IDN-31: no rules, no settings: the page goes to it at minute 0."""
    from tests.notifications.paged import page

    method = added(dora, "email")
    assert typed(method, code_of(sent(method)))
    page(session.get_one(User, dora.id))
    tick("app.notifications.ticks.send")
    assert any("Triggered" in mail.subject or "#1" in mail.subject for mail in smtp.to("dora@example.com"))


def test_an_operator_s_document_proves_and_says_so(dora):
    """State: `verified: true` in a configuration document proves, with audit; a person's own does not."""
    method = {"name": "mail", "channel": "email", "address": "dora@example.com", "verified": True}
    with transaction():
        contacts.save_contact_methods(session.get_one(User, dora.id), [method], by=OPERATOR)
    assert session.query(ContactMethod).one().usable
    assert session.scalar(select(func.count()).where(Event.kind == "contact_method.proven")) == 1
