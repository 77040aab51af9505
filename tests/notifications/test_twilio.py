"""Texts and calls by Twilio: a local double takes them, and Twilio's own validator signs what comes back."""

from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from app.core.db import session
from app.core.events import Event
from app.incidents.models import Incident
from app.notifications.channel_models import ProviderState, ReplyCode
from app.notifications.models import ContactMethod
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import message, messages, page, play

SEND = "app.notifications.ticks.send"
NUMBER, TOKEN = "+4915112345678", "twilio-auth-token"


@pytest.fixture
def twilio(app, http_sink):
    """A Twilio that takes everything, in the order SM1, SM2 …"""
    app.config.update(TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN=TOKEN, TWILIO_FROM="+15005550006",
                      TWILIO_API_URL=http_sink.url)
    http_sink.next_answers.extend(Reply(201, f'{{"sid": "SM{number}"}}'.encode()) for number in range(1, 9))
    return http_sink


@pytest.fixture
def dora(app):
    """Dora has no contact method yet."""
    return build.user("dora", reachable=False)


def called(twilio, number=0):
    """The fields of one request that Twilio got."""
    return {name: values[0] for name, values in parse_qs(twilio.calls[number].body.decode()).items()}


@pytest.fixture
def signed(client):
    """`signed("sms", From=…)`: a callback as Twilio makes it; `token` for one that somebody else made."""
    def post(path, token=TOKEN, **form):
        address = f"/plugins/twilio/callback/{path}"
        proof = RequestValidator(token).compute_signature(f"http://localhost{address}", form)
        return client.post(address, data=form, headers={"X-Twilio-Signature": proof})
    return post


def incident(number=1):
    session.expire_all()
    return session.get_one(Incident, number)


def test_a_page_is_one_text_with_its_codes(now, tick, twilio, dora):
    """NTF-02: somebody with only SMS is paged by it at minute 0."""
    build.contact(dora, "sms", NUMBER)
    page(dora, title="Checkout is down", severity="critical")
    tick(SEND)
    form, code = called(twilio), session.query(ReplyCode).one().code
    assert twilio.calls[0].path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert form["Body"] == f"[CRIT] Checkout is down #1 Reply A{code} ack R{code} resolve"
    assert (form["To"], form["From"]) == (NUMBER, "+15005550006") and form["StatusCallback"].endswith("status?message=1")
    assert (message().state, message().provider_id) == ("sent", "SM1")


@pytest.fixture
def texted(now, tick, twilio, dora):
    """Dora was paged by SMS; her code."""
    build.contact(dora, "sms", NUMBER)
    page(dora, title="Checkout is down")
    tick(SEND)
    return session.query(ReplyCode).one().code


def test_a_text_back_acknowledges(texted, signed):
    """NTF-24, NTF-27: as Dora, by SMS, and the answer says so."""
    answer = signed("sms", From=NUMBER, To="+15005550006", Body=f"a{texted}.", MessageSid="SM77")
    assert "<Message>#1 acknowledged by Dora.</Message>" in answer.text and answer.mimetype == "application/xml"
    fact, = session.query(Event).filter_by(kind="incident.acknowledged")
    assert fact.data["via"] == "SMS" and incident().acknowledged_name == "Dora"


def test_a_text_that_twilio_did_not_sign_changes_nothing(texted, signed):
    """NTF-22."""
    assert signed("sms", token="guessed", From=NUMBER, Body=f"A{texted}", MessageSid="SM77").status_code == 403
    assert incident().status == "triggered"


def test_reports_are_receipts(texted, signed):
    """NTF-22, NTF-23: over the public address with its query, twice without effect."""
    for _ in range(2):
        assert signed("status?message=1", MessageSid="SM1", MessageStatus="delivered").status_code == 200
    session.expire_all()
    assert message().state == "delivered"


def test_a_number_that_is_none_is_disabled_and_its_owner_told(now, tick, twilio, smtp, ana):
    """NTF-21: 21614 of Twilio; the mail of minute 10 goes out at once, and says what happened."""
    mail, text = session.query(ContactMethod).one(), build.contact(ana, "sms", NUMBER)
    build.rules(ana, (0, text), (600, mail))
    twilio.next_answers.clear()
    twilio.answer = Reply(400, b'{"code": 21614, "message": "not a mobile number"}')
    page(ana, title="Checkout is down")
    tick(SEND)
    play(now, tick, 2)
    assert [one.state for one in messages("page")] == ["failed", "sent"]
    assert "can't reach this number (21614)" in messages("page")[0].error
    assert "no longer works" in " ".join(mail.subject for mail in smtp.to("ana@example.com"))


def test_wrong_credentials_leave_the_account_out_at_once(now, tick, twilio, dora):
    """NTF-20: 401 opens the breaker, the call is not repeated."""
    build.contact(dora, "sms", NUMBER)
    twilio.next_answers.clear()
    twilio.answer = Reply(401, b'{"code": 20003}')
    page(dora)
    tick(SEND)
    state = session.query(ProviderState).one()
    assert (state.account, state.failures) == ("twilio", 1) and state.open_until is not None
    assert "account SID and auth token" in message().error and len(twilio.calls) == 1


@pytest.fixture
def rung(now, tick, twilio, dora):
    """Dora was called about an incident with a difficult title."""
    build.contact(dora, "voice", NUMBER)
    page(dora, title='Disk <full> & "broken"', severity="critical")
    tick(SEND)
    return twilio


def test_a_call_rings_for_half_a_minute_and_looks_who_answers(rung):
    form = called(rung)
    assert (form["Timeout"], form["MachineDetection"]) == ("30", "Enable")
    assert form["Url"] == "http://localhost/plugins/twilio/callback/voice?message=1"


def test_who_takes_the_call_hears_the_menu_and_key_1_acknowledges(rung, signed):
    """NTF-29: as the person called, whatever number the call shows; the title is valid XML."""
    from xml.etree import ElementTree
    menu = signed("voice?message=1", CallSid="SM1", AnsweredBy="human", From="+1999", CallStatus="in-progress")
    said = " ".join(ElementTree.fromstring(menu.text).itertext())
    assert "Disk full & \"broken\"" in said and "Press 1 to acknowledge" in said and message().state == "delivered"
    answer = signed("voice?message=1", CallSid="SM1", Digits="1", From="+1999", CallStatus="in-progress")
    assert "acknowledged by Dora" in answer.text and incident().acknowledged_name == "Dora"


def test_key_2_reads_details_and_key_9_pages_the_next_level(rung, signed, tick, smtp):
    """NTF-29."""
    assert "Nobody has it yet" in signed("voice?message=1", CallSid="SM1", Digits="2").text
    assert "goes to the next level" in signed("voice?message=1", CallSid="SM1", Digits="9").text
    assert session.query(Event).filter_by(kind="escalation.escalated").count() == 1


def test_a_voicemail_is_nobody(rung, signed):
    """NTF-29: not delivered; the call ends."""
    assert "<Hangup/>" in signed("voice?message=1", CallSid="SM1", AnsweredBy="machine_start").text
    assert message().state == "failed" and message().error == "A voicemail took the call"


def test_a_busy_line_is_called_once_more_after_a_minute(rung, signed, now, tick):
    """Numbers: once, not again and again."""
    signed("status?message=1", CallSid="SM1", CallStatus="busy")
    play(now, tick, 59, step=59)
    assert len(rung.calls) == 1
    play(now, tick, 2)
    assert [one.state for one in messages("page")] == ["failed", "sent"]
    signed("status?message=2", CallSid="SM2", CallStatus="no-answer")
    play(now, tick, 90, step=30)
    assert len(rung.calls) == 2


def test_a_late_key_says_who_resolved_it(rung, signed, tick, olga):
    """NTF-30: the call of an incident that is over changes nothing."""
    from app.core.db import transaction
    from app.incidents import service
    from tests.notifications.paged import as_actor
    with transaction():
        service.resolve(session.get_one(Incident, 1), by=as_actor(olga))
    assert "Already resolved by Olga." in signed("voice?message=1", CallSid="SM1", Digits="1").text


def test_a_code_is_spoken_twice(now, tick, twilio, client, dora):
    from app.core.db import transaction
    from app.notifications import proofs
    from tests.notifications.paged import as_actor
    method = build.contact(dora, "voice", NUMBER, proven_at=None)
    with transaction():
        proofs.send_code(method, by=as_actor(dora))
    tick(SEND)
    assert called(twilio)["Twiml"].count("Your code is") >= 2
