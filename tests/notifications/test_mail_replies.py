"""Answers by mail: the address that a page names takes them, from whom it was sent to, and from nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.core.db import session
from app.core.events import Event
from app.identity.models import User
from app.incidents.models import Incident, Note
from app.notifications import mail_replies
from tests.fakes import MailServer
from tests.notifications.paged import page

SEND = "app.notifications.ticks.send"
QUOTED = "\n\nOn Mon, 2 Mar 2026 at 12:00, OnCall <oncall@example.com> wrote:\n> resolve\n> Checkout is down\n"


@pytest.fixture
def address(app: Flask, now: Any, tick: Any, smtp: MailServer, ana: User) -> str:
    """Ana was paged by mail; where it says that answers go."""
    app.config["MAIL_IN_DOMAIN"] = "in.example.com"
    page(ana, title="Checkout is down")
    tick(SEND)
    mail = smtp.to("ana@example.com")[0]
    assert "answer this mail" in mail.text and "answer this mail" in mail.html
    return str(mail.message["Reply-To"])


def answer(address: str, text: str, *, sender: str = "ana@example.com", name: str = "<1@phone>") -> Any:
    return mail_replies.hear_mail(address, sender=sender, text=text, message_id=name)


def incident() -> Incident:
    session.rollback()
    return session.get_one(Incident, 1)


def test_ack_acknowledges_once_and_is_confirmed(address: str, ana: User, tick: Any, smtp: MailServer) -> None:
    """NTF-24: the same mail again, as relays repeat it, is one event naming the person and the way."""
    for _ in range(2):
        answer(address.upper(), "Ack" + QUOTED, sender="Ana@Example.com")
    fact, = session.query(Event).filter_by(kind="incident.acknowledged")
    assert (incident().status, fact.actor, fact.data["via"]) == ("acknowledged", ana.ref, "e-mail")
    tick(SEND)
    assert "#1 acknowledged by Ana." in smtp.to("ana@example.com")[-1].text


def test_resolve_carries_its_note(address: str) -> None:
    """IPG-10."""
    answer(address, "resolve Disk was full\nRotated the logs\n\n-- \nAna, Payments" + QUOTED)
    assert (incident().status, incident().resolution_note) == ("resolved", "Disk was full\nRotated the logs")


@pytest.mark.parametrize("text", ["I acknowledge nothing yet", "ack in a minute", "Looking at it\nsince noon"])
def test_all_else_is_a_note_without_what_it_quotes(address: str, text: str) -> None:
    answer(address, text + QUOTED)
    assert incident().status == "triggered" and [note.body for note in session.query(Note)] == [text]


def test_an_empty_answer_hears_what_can_be_answered(address: str) -> None:
    """NTF-28."""
    assert "Checkout is down" in answer(address, "\n-- \nAna").text and incident().status == "triggered"


def test_an_address_counts_for_whom_it_was_made_and_for_that_page_alone(address: str, app: Flask, bob: User, now: Any) -> None:
    """NTF-25: the wrong sender, a guessed proof, another number, another domain, or a week later: nothing."""
    local, _, _ = address.partition("@")
    assert answer(address, "ack", sender="bob@example.com") is None
    for wrong in (f"reply+1-{'0' * 24}@in.example.com", address.replace("+1-", "+2-"), f"{local}@evil.example", "", "reply@x"):
        assert answer(wrong, "ack") is None
    now.shift(7 * 86400 + 1)
    assert answer(address, "ack") is None and incident().status == "triggered"


def test_without_mail_coming_in_no_mail_asks_for_an_answer(now: Any, tick: Any, smtp: MailServer, ana: User) -> None:
    page(ana)
    tick(SEND)
    mail = smtp.to("ana@example.com")[0]
    assert mail.message["Reply-To"] is None and "answer this mail" not in mail.text
