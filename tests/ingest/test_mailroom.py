"""Mail becomes alerts: taken in by SMTP, stored before it is answered, paged like anything else (ING-45)."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.core.db import session
from app.identity.models import Team
from app.incidents.models import Incident
from app.ingest import door
from app.ingest.mailroom import Mailroom, Receiver, server_of
from app.ingest.models import Delivery
from tests import build
from tests.pager import incident, pager

ADDRESS = "token-of-mail-0123456789+disk@oncall.example"


class Post:
    """The receiver in a thread of its own, and a sender that speaks to it."""

    def __init__(self, app: Any) -> None:
        self.loop = asyncio.new_event_loop()
        making = self.loop.create_server(server_of(Mailroom(app, "oncall.example")), "127.0.0.1", 0)
        self.server = self.loop.run_until_complete(making)
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def send(self, subject: str, *more: str, number: int = 1, to: str = ADDRESS, sender: str = "monitor@example.com",
             text: str = "The disk of db-1 is full.") -> None:
        """Hand a mail over; raises as smtplib does when it is not taken."""
        head = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: <m{number}@example.com>", *more]
        session.rollback()
        with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
            client.sendmail(sender, to.split(", "), "\r\n".join([*head, "", f"{text}\r\n"]))

    def stop(self) -> None:
        """Close the port."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.server.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())


@pytest.fixture
def post(app) -> Iterator[Post]:
    """The pager, an integration for mail, and the receiver."""
    house = pager()
    build.integration("mail", plugin="email", team=house.team, config={"senders": ["@example.com"]})
    receiver = Post(app)
    yield receiver
    receiver.stop()


@pytest.mark.both_databases
def test_a_mail_pages_and_its_recovery_resolves(post, smtp, run_jobs):
    """ING-45: the subject is the title, the text the description, the +tag the problem."""
    post.send("PROBLEM: disk of db-1")
    run_jobs()
    assert (incident().title, incident().description) == ("PROBLEM: disk of db-1", "The disk of db-1 is full.")
    assert smtp.to("bob@example.com")
    post.send("RECOVERY: all is well", number=2)
    run_jobs()
    assert incident().status == "resolved"


def test_the_same_mail_twice_is_one_whatever_relays_wrote_into_it(post, run_jobs):
    """ING-45: one Message-ID, other Received lines: a duplicate of the first."""
    post.send("Disk is full")
    post.send("Disk is full", "Received: by another relay")
    run_jobs()
    assert [row.state for row in session.query(Delivery).order_by(Delivery.id)] == ["processed", "duplicate"]


def test_one_mail_to_two_tags_is_about_two_problems(post, run_jobs):
    """ING-45: each tag gets it, whatever its Message-ID."""
    post.send("Backup failed")
    post.send("Backup failed", to=ADDRESS.replace("+disk", "+tape"))
    run_jobs()
    assert [row.state for row in session.query(Delivery)] == ["processed"] * 2 and session.query(Incident).count() == 2


def test_the_secret_part_of_the_address_is_not_kept(post):
    """ING-12: whoever may read a delivery learns no address from it."""
    post.send("Disk is full")
    kept = session.query(Delivery).one()
    assert b"token-of-mail" not in kept.body and "token-of-mail" not in str(kept.headers)
    assert kept.parts["tag"] == "disk"


def test_nor_is_that_of_the_others_it_was_sent_to(post):
    """ING-12: what one team may read opens no door of another."""
    build.integration("other", plugin="email", team=session.query(Team).one(), config={"senders": ["@example.com"]})
    post.send("Disk is full", to=f"{ADDRESS}, token-of-other-0123456789@oncall.example")
    assert [b"token-of-" in row.body for row in session.query(Delivery)] == [False, False]


def test_a_sender_who_is_not_allowed_is_told_and_logged(post):
    """ING-45"""
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        post.send("Disk is full", sender="mallory@example.net")
    assert refusal.value.smtp_code == 550
    assert "mallory@example.net is not among" in session.query(Delivery).one().note


@pytest.mark.parametrize("to", ["nobody-at-all-0123456789@oncall.example", "token-of-mail-0123456789@elsewhere.example",
                                "postmaster"])
def test_an_address_that_is_none_is_refused_before_the_mail_is_sent(post, to):
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        post.send("Disk is full", to=to)
    assert session.query(Delivery).count() == 0


def test_while_the_database_is_away_the_sender_keeps_its_mail(post, monkeypatch):
    """ING-03 for mail: 451, never 250."""
    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("the database is away"))
    monkeypatch.setattr(door, "receive", away)
    with pytest.raises(smtplib.SMTPDataError) as refusal:
        post.send("Disk is full")
    assert refusal.value.smtp_code == 451


def test_too_many_connections_are_told_to_come_back(post, monkeypatch):
    """Back-pressure: 421, and whoever is in is served."""
    monkeypatch.setattr("app.ingest.mailroom.SESSIONS", 1)
    with smtplib.SMTP("127.0.0.1", post.port, timeout=10) as first:
        with pytest.raises(smtplib.SMTPException):
            smtplib.SMTP("127.0.0.1", post.port, timeout=10).noop()
        assert first.noop()[0] == 250
    assert Receiver.line_length_limit > 1000


def test_an_automatic_reply_opens_nothing(post, run_jobs):
    """ING-45: it is kept and shown, and changes nothing."""
    post.send("Re: disk", "Auto-Submitted: auto-replied")
    run_jobs()
    assert session.query(Incident).count() == 0
    assert "an automatic reply" in session.query(Delivery).one().note


def test_mail_can_be_posted_too_up_to_ten_megabytes(post, client, run_jobs):
    """ING-45: in its own format at the integration's address; an attachment may be larger than other deliveries are."""
    raw = b"From: monitor@example.com\r\nSubject: Disk\r\n\r\nfull\r\n" + b"x" * 3_000_000
    path = "/in/token-of-mail-0123456789"
    assert client.post(path, data=raw, headers={"Content-Type": "message/rfc822"}).status_code == 202
    assert client.post(path, data=b"x" * 11_000_000).status_code == 413
    assert client.post("/in/token-of-prometheus-0123456789", data=raw).status_code == 413


def test_the_page_shows_the_mail_address(app, client, signed_in, post):
    """Whole for those who may see it, once mail is taken in."""
    app.config.update(MAIL_IN_PORT="2525", MAIL_IN_DOMAIN="oncall.example")
    from app.identity.models import User

    browser = signed_in(session.query(User).filter_by(email="ana@example.com").one())
    assert "token-of-mail-0123456789@oncall.example" in browser.get("/integrations/mail").text


@pytest.fixture
def paged(app, post, smtp, run_jobs):
    """Bob was paged by mail; where it says that answers go."""
    app.config["MAIL_IN_DOMAIN"] = "oncall.example"
    post.send("Disk is full")
    run_jobs()
    return smtp.to("bob@example.com")[0].message["Reply-To"]


def test_an_answer_to_a_page_acts_as_whom_it_was_sent_to(post, paged, smtp, run_jobs):
    """NTF-24: by SMTP, as that person; no second incident is opened by it."""
    post.send("Re: Disk is full", number=2, to=paged, sender="bob@example.com", text="ack\r\n\r\n> Disk is full")
    assert (incident().status, incident().acknowledged_name) == ("acknowledged", "Bob")
    run_jobs()
    assert "acknowledged by Bob" in smtp.to("bob@example.com")[-1].text


@pytest.mark.parametrize("spoil", [{"sender": "ana@example.com"}, {"more": ["Auto-Submitted: auto-replied"]}])
def test_an_answer_of_somebody_else_or_of_a_machine_changes_nothing(post, paged, spoil):
    post.send("Re: Disk is full", *spoil.get("more", ()), number=2, to=paged, sender=spoil.get("sender", "bob@example.com"),
              text="ack")
    assert incident().status == "triggered"


def test_an_answer_that_a_provider_posts_is_heard_as_well(post, paged, client):
    """NTF-24: the webhook of an integration for mail hands it on, and no incident is opened."""
    raw = f"From: bob@example.com\r\nTo: {paged}\r\nSubject: Re: Disk\r\nMessage-ID: <3@x>\r\n\r\nresolve It was the log\r\n"
    answer = client.post("/in/token-of-mail-0123456789", data=raw, headers={"Content-Type": "message/rfc822"})
    assert answer.status_code == 202 and incident().resolution_note == "It was the log"
