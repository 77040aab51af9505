"""From a due message to the person: attempts and waits, what replaces what, and words that stay words."""

from datetime import timedelta

import pytest
import structlog

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.models import ContactMethod
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import (
    as_actor,
    hook,
    message,
    messages,
    page,
    play,
    seconds_since,
)
from tests.pager import run

SEND = "app.notifications.ticks.send"


def states():
    return [(one.method.name, one.state) for one in messages("page")]


@pytest.fixture
def dora(app):
    """Dora has no contact method yet."""
    return build.user("dora", reachable=False)


def test_somebody_with_mail_and_nothing_else_is_paged_by_mail_at_once(now, tick, smtp, ana):
    """NTF-01, NTF-31: text and HTML, one conversation for each incident, links only to ourselves."""
    page(ana, title="Checkout is down")
    tick(SEND)
    mail, = smtp.to("ana@example.com")
    assert mail.subject == "[High] #1: Checkout is down" and mail.message["In-Reply-To"] == mail.message["References"]
    assert "http://localhost/incidents/1" in mail.text and "http://localhost/tap/" in mail.html
    assert message().started_at == message().queued_at


def test_a_page_written_by_a_clock_that_is_a_little_behind_is_sent_and_only_once(now, tick, smtp, ana):
    """Two machines' clocks agree to 20 ms: an incident that opened "later" on another one is no reason to begin anew."""
    page(ana, triggered_at=clock.now() + timedelta(milliseconds=15))
    tick(SEND)
    now.shift(10)
    for path in ("app.escalation.ticks.start_missing", SEND):
        tick(path)
    assert states() == [("mail", "sent")] and run().state == "running"


def test_somebody_with_only_a_webhook_is_paged_by_it_at_once(now, tick, http_sink, dora):
    """NTF-02."""
    hook(dora, http_sink)
    page(dora)
    tick(SEND)
    assert http_sink.calls[0].json()["kind"] == "page" and message().state == "delivered"


def test_own_rules_run_to_the_second_and_end_with_the_answer(now, tick, smtp, http_sink, dora):
    """NTF-03: 0, 5 and 10 minutes; after an acknowledge at 6 minutes nothing more."""
    mail, web = build.contact(dora), hook(dora, http_sink)
    build.rules(dora, (0, mail), (300, web), (600, mail))
    incident = page(dora)
    start = messages()[0].queued_at
    tick(SEND)
    play(now, tick, 360)
    with transaction():
        incidents.acknowledge(session.get_one(Incident, incident.id), by=as_actor(dora))
    play(now, tick, 300, step=5)
    message_times = [one.started_at for one in messages("page") if one.started_at]
    assert seconds_since(start, message_times) == [0, 300]
    assert [one.state for one in messages("page")] == ["sent", "delivered", "cancelled"]
    assert messages("page")[2].error == "acknowledged by Dora"


def test_a_method_disabled_while_its_page_waits_moves_the_next_one_up(now, tick, smtp, http_sink, dora):
    """NTF-03: the webhook of minute 5 is gone, the mail of minute 10 goes out instead."""
    mail, web, last = build.contact(dora), hook(dora, http_sink), build.contact(dora, address="x@example.com", name="x")
    build.rules(dora, (0, mail), (300, web), (600, last))
    page(dora)
    start = messages()[0].queued_at
    with transaction():
        session.get_one(ContactMethod, web.id).disabled_at = start
    tick(SEND)
    play(now, tick, 310, step=10)
    assert states() == [("mail", "sent"), ("webhook", "failed"), ("x", "sent")]
    assert seconds_since(start, [messages("page")[2].started_at]) == [300] and not http_sink.calls


def test_three_failures_and_then_success_are_four_attempts_with_the_waits_of_the_table(now, tick, http_sink, dora):
    """NTF-13: 500 three times, then 200: one delivered message, the same id each time."""
    hook(dora, http_sink)
    http_sink.answers(500, 500, 500)
    page(dora)
    start, moments = message().queued_at, []
    for second in range(80):
        before = len(http_sink.calls)
        tick(SEND)
        moments += [second] * (len(http_sink.calls) - before)
        now.shift(1)
    assert moments == [0, 5, 20, 65] and message().state == "delivered" and message().attempts == 4
    assert len({call.json()["id"] for call in http_sink.calls}) == 1
    assert seconds_since(start, [message().delivered_at]) == [65]


@pytest.mark.parametrize(("status", "disabled"), [(400, False), (404, True), (410, True)])
def test_what_is_refused_for_good_is_tried_once(now, tick, http_sink, dora, status, disabled):
    """NTF-13, NTF-14: 400 is this message's fault, 404 and 410 are the address's."""
    hook(dora, http_sink)
    http_sink.answer = Reply(status)
    page(dora)
    tick(SEND)
    play(now, tick, 200, step=20)
    assert len(http_sink.calls) == 1 and message().state == "failed" and str(status) in message().error
    assert (session.get_one(ContactMethod, message().method_id).disabled_at is not None) == disabled


def test_the_providers_wish_is_obeyed(now, tick, http_sink, dora):
    """NTF-13: 429 with Retry-After: 30."""
    hook(dora, http_sink)
    http_sink.next_answers.append(Reply(429, headers={"Retry-After": "30"}))
    page(dora)
    tick(SEND)
    play(now, tick, 29)
    assert len(http_sink.calls) == 1
    play(now, tick, 1)
    assert len(http_sink.calls) == 2 and message().state == "delivered"


@pytest.mark.parametrize("status", [301, 302, 500, 503])
def test_an_answer_that_is_not_2xx_is_not_sent_and_no_redirect_is_followed(now, tick, http_sink, dora, status):
    """NTF-14."""
    hook(dora, http_sink)
    http_sink.answer = Reply(status, headers={"Location": f"{http_sink.url}/elsewhere"})
    page(dora)
    tick(SEND)
    assert [call.path for call in http_sink.calls] == ["/webhook"] and message().state == "queued"


def test_a_page_that_could_not_be_sent_for_half_an_hour_expires(now, tick, dora, http_sink):
    """Numbers: nobody is rung for what is long over."""
    hook(dora, http_sink)
    page(dora)
    now.shift(1801)
    tick(SEND)
    assert message().state == "expired" and not http_sink.calls


def test_mail_refused_for_good_starts_the_next_method_at_once(now, tick, smtp, http_sink, ana):
    """NTF-17, NTF-21: the webhook of minute 10 goes out in the same second; the address is disabled, Ana is told once."""
    mail, web = session.query(ContactMethod).one(), hook(ana, http_sink)
    build.rules(ana, (0, mail), (600, web))
    smtp.refusal = "550 5.1.1 no such person ana@example.com"
    page(ana)
    tick(SEND)
    play(now, tick, 5)
    assert states() == [("mail", "failed"), ("webhook", "delivered")]
    assert [call.json()["kind"] for call in http_sink.calls].count("method_disabled") == 1
    assert session.get_one(ContactMethod, mail.id).disabled_reason.startswith("The mail server does not know")


def test_mail_that_fails_for_now_starts_the_next_method_after_its_second_failure(now, tick, smtp, http_sink, ana):
    """NTF-17: and only the next one; the mail's own attempts go on."""
    mail, web, later = session.query(ContactMethod).one(), hook(ana, http_sink), hook(ana, http_sink, name="later")
    build.rules(ana, (0, mail), (600, web), (1200, later))
    smtp.refusal = "451 try later"
    page(ana)
    tick(SEND)
    play(now, tick, 4)
    assert not http_sink.calls
    play(now, tick, 195)
    assert states() == [("mail", "failed"), ("webhook", "delivered"), ("later", "queued")]
    assert messages("page")[0].attempts == 5


def test_when_everything_fails_the_next_level_is_paged_without_waiting_for_its_timer(now, tick, run_jobs, smtp, ana, bob):
    """NTF-17, NTF-05: the timeline names the person and the reason."""
    smtp.refusal = "550 5.1.1 unknown"
    page(ana, bob)
    tick(SEND)
    smtp.refusal = ""
    run_jobs()
    tick("app.escalation.ticks.advance")
    tick(SEND)
    assert run().level == 1 and len(smtp.to("bob@example.com")) == 1
    fact, = session.query(Event).filter_by(kind="message.unreachable")
    assert fact.data["user"] == "Ana" and "does not know this address" in fact.data["error"]


def test_no_log_line_holds_an_address_or_a_token(app, now, tick, smtp, http_sink, ana, caplog, monkeypatch):
    """NTF-45: not when all is well, nor when a channel breaks."""
    def broken(_self, _message, address, _config):
        raise KeyError(address.value)
    monkeypatch.setattr(type(app.extensions["plugins"].channels["webhook"]), "send", broken)
    monkeypatch.setattr("app.notifications.sending.log", structlog.get_logger())  # a logger remembers where it wrote
    hook(ana, http_sink)
    smtp.refusal = "550 5.7.1 no mail for ana@example.com"
    page(ana)
    with structlog.testing.capture_logs() as lines, caplog.at_level("INFO"):
        tick(SEND)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["channel.failed"]
    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]  # that is the mail server
    written = f"{lines} {ours} {[event.data for event in session.query(Event)]}"
    assert "ana@example.com" not in written and "/tap/" not in written and f"{http_sink.url}/webhook" not in written


def test_a_fault_in_a_channel_is_a_failed_attempt_and_tells_no_address(app, now, tick, ana, monkeypatch):
    """Never swallowed: the reason can be seen, the address can not."""
    def broken(*_):
        raise KeyError("ana@example.com")
    monkeypatch.setattr(type(app.extensions["plugins"].channels["email"]), "send", broken)
    page(ana)
    tick(SEND)
    assert (message().state, message().attempts) == ("queued", 1)
    assert message().error == "The channel email has a fault (KeyError)"
