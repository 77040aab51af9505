"""Mail as a mail server gets it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.core.plugins import Registry
from app.plugin_api import Address, Link, Message, Refused, Rejected, Retry
from tests.fakes import MailServer

PAGE = Message("m-17", "page", "[CRIT] checkout: Disk is full", "3 % left", "high", "critical", "142", "incident-142",
               (Link("open", "Open", "https://oncall.example/incidents/142"),))


class Busy(MailServer):
    """A mail server that takes the recipient and then refuses the mail."""

    answer = "250 OK"

    async def handle_DATA(self, *_arguments: Any) -> str:
        return self.answer


def send(registry: Registry, url: str, message: Message = PAGE, to: str = "ana@example.com") -> Any:
    config = {"SMTP_URL": url, "MAIL_FROM": "On-call <oncall@example.org>"}
    return registry.channels["email"].send(message, Address(to), config)


def test_a_page_arrives_as_text_and_html(registry: Registry, smtp: MailServer) -> None:
    receipt = send(registry, smtp.url)
    mail = smtp.mails[0]
    assert (mail.subject, mail.message["To"]) == (PAGE.subject, "ana@example.com")
    assert mail.message["From"] == "On-call <oncall@example.org>"
    assert "3 % left" in mail.text and "Open: https://oncall.example/incidents/142" in mail.text
    assert 'href="https://oncall.example/incidents/142"' in mail.html
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert (receipt.state, receipt.provider_id) == ("sent", "<m-17@example.org>")


def test_a_repeat_has_the_same_id_and_an_incident_is_one_conversation(registry: Registry, smtp: MailServer) -> None:
    for message in (PAGE, PAGE, replace(PAGE, id="m-18"), replace(PAGE, id="m-19", thread="incident-143")):
        send(registry, smtp.url, message)
    ids = [mail.message["Message-ID"] for mail in smtp.mails]
    threads = [mail.message["References"] for mail in smtp.mails]
    assert ids[0] == ids[1] != ids[2]
    assert threads[0] == threads[1] == threads[2] != threads[3]
    assert [mail.message["In-Reply-To"] for mail in smtp.mails] == threads


def test_what_an_alert_says_is_inert(registry: Registry, smtp: MailServer) -> None:
    evil = "<img src=x onerror=1>\r\nBcc: everybody@example.com\r\n\r\n<script>"
    links = (Link("open", evil, "javascript:alert(1)"), Link("open", evil, "https://oncall.example/"))
    words = evil + "\x00\u202e\ud800"
    send(registry, smtp.url, replace(PAGE, id=evil, thread=evil, subject=evil * 500, text=words, links=links))
    mail = smtp.mails[0]
    assert mail.message["Bcc"] is None and [mail.to for mail in smtp.mails] == ["ana@example.com"]
    assert mail.message["Subject"].startswith("<img src=x onerror=1> Bcc: everybody@example.com")
    assert "<img" not in mail.html and "<script" not in mail.html
    assert "javascript:" not in mail.html + mail.text


@pytest.mark.parametrize("to", ["", "nobody", "a@b, c@d", "a@b\r\nRCPT TO:<c@d>", "<a@b>", "a b@c", "a@b@c"])
def test_what_is_no_address_is_given_up_without_a_connection(registry: Registry, smtp: MailServer, to: str) -> None:
    with pytest.raises(Refused):
        send(registry, smtp.url, to=to)
    assert smtp.mails == []


@pytest.mark.parametrize(("answer", "outcome"), [
    ("450 mailbox busy", Retry), ("550 5.1.1 no such user", Refused), ("550 unknown", Refused),
    ("550 5.7.1 relaying denied", Rejected),
])
def test_a_refused_recipient_is_given_up_only_when_it_is_unknown(
    registry: Registry, smtp: MailServer, answer: str, outcome: type[Exception],
) -> None:
    smtp.refusal = answer
    with pytest.raises(outcome):
        send(registry, smtp.url)
    assert smtp.mails == []


@pytest.mark.parametrize(("answer", "outcome"), [("451 try later", Retry), ("554 looks like spam", Rejected)])
def test_a_refused_mail_says_nothing_about_its_address(
    registry: Registry, answer: str, outcome: type[Exception],
) -> None:
    busy = Busy()
    busy.answer = answer
    with pytest.raises(outcome):
        send(registry, busy.url)
    busy.stop()


def test_a_mail_server_that_is_away_is_tried_again_and_its_password_stays_unseen(registry: Registry) -> None:
    with pytest.raises(Retry) as fault:
        send(registry, "smtp://user:hunter2@127.0.0.1:9")
    assert "hunter2" not in repr(fault.value)


def test_a_server_that_offers_no_encryption_is_not_given_the_password(registry: Registry, smtp: MailServer) -> None:
    with pytest.raises(Rejected):
        send(registry, smtp.url.replace("smtp://", "smtp://user:hunter2@") + "?starttls=1")
    assert smtp.mails == []


def test_without_a_mail_server_the_setting_is_named(registry: Registry) -> None:
    with pytest.raises(Rejected, match="SMTP_URL"):
        send(registry, "")
