"""Mail is read as far as it can be: what it says, which problem it is about, and what is no alert."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.mail_reading import letter, plain_of, signals_of
from app.plugin_api import Rejected, Signal


def mail(subject: str, *more: str, sender: str = "Monitor <monitor@example.com>", text: str = "It is full.") -> bytes:
    """A mail with further header lines."""
    head = [f"From: {sender}", f"Subject: {subject}", "Message-ID: <m1@example.com>", *more]
    return "\r\n".join([*head, "", text]).encode()


def read(raw: bytes, *, tag: str = "", **config: Any) -> Signal:
    """The one signal of it."""
    return signals_of(letter(raw), config, tag=tag)[0]


def key(subject: str, *more: str, tag: str = "", **config: Any) -> str:
    """Which problem it is about."""
    return read(mail(subject, *more), tag=tag, **config).dedup_key


def test_a_problem_and_its_recovery_are_one_whatever_was_measured() -> None:
    """ING-45, ING-24: neither state nor time nor value tells problems apart; the host does."""
    first = key("[CRITICAL] PROBLEM: disk of db-1 is 97% full at 08:50")
    assert key("Re: RECOVERY: disk of db-1 is 61% full at 09:10") == first
    assert key("[CRITICAL] PROBLEM: disk of db-2 is 97% full at 08:50") != first


def test_the_key_is_the_tag_the_conversation_or_the_subject_as_it_is_set() -> None:
    """ING-45: `+tag` first unless it is set otherwise; an answer belongs to the first mail of its conversation."""
    assert key("Disk", tag="db-1") == key("Other words", tag="DB-1")
    assert key("Disk", tag="db-1", key_by="subject") == key("disk!", tag="db-2", key_by="subject")
    begun = key("Disk", key_by="thread")
    assert begun == "<m1@example.com>"
    assert key("Other", "References: <m1@example.com> <m2@example.com>", key_by="thread") == begun


@pytest.mark.parametrize(("subject", "words", "status"), [
    ("RECOVERY: disk", None, "resolved"), ("Disk [ok]", None, "resolved"), ("Disk is broken", None, "firing"),
    ("Disk entwarnt", ["entwarnt"], "resolved"), ("Disk entwarnte", ["entwarnt"], "firing"),
    ("Job 7 ended fine", [r"re:ended (fine|well)$"], "resolved"), ("Disk", ["re:("], "firing"),
])
def test_a_recovery_is_known_by_a_word_or_a_pattern(subject: str, words: list[str] | None, status: str) -> None:
    """ING-45: a pattern that can't be used never fits, and loses nothing."""
    assert read(mail(subject), resolve_on=words).status == status


@pytest.mark.parametrize(("raw", "why"), [
    (mail("Re: Disk", "Auto-Submitted: auto-replied"), "an automatic reply"),
    (mail("Out of office", "X-Autoreply: yes"), "an automatic reply"),
    (mail("Undelivered", "Content-Type: multipart/report; boundary=x"), "a bounce"),
    (mail("Undelivered", "Return-Path: <>"), "a bounce"),
    (mail("#1 Disk", "Auto-Submitted: auto-generated", sender="On-call <oncall@example.org>"), "an echo of our own mail"),
    (mail("Re: #1 Disk", "In-Reply-To: <thread-incident-1@example.org>"), "an echo of our own mail"),
])
def test_what_nobody_wrote_about_a_problem_opens_nothing(raw: bytes, why: str) -> None:
    """ING-45: automatic replies, bounces, and loops through our own mail."""
    signal = read(raw, MAIL_FROM="On-call <oncall@example.org>")
    assert signal.status == "suppressed" and why in signal.title


def test_what_a_monitor_generates_is_an_alert() -> None:
    """RFC 3834 has monitors write auto-generated: only answers by machines are none."""
    assert read(mail("Cron failed", "Auto-Submitted: auto-generated"), MAIL_FROM="oncall@example.org").status == "firing"


@pytest.mark.parametrize(("allowed", "taken"), [
    ([], True), (["monitor@example.com"], True), (["@example.com"], True), (["example.com"], True),
    (["other@example.com"], False), (["@ample.com"], False),
])
def test_only_the_allowed_senders_are_heard(allowed: list[str], taken: bool) -> None:
    """ING-45"""
    if taken:
        assert read(mail("Disk"), senders=allowed).title == "Disk"
    else:
        with pytest.raises(Rejected, match="monitor@example.com is not among"):
            read(mail("Disk"), senders=allowed)


def test_a_page_is_reduced_to_what_it_says() -> None:
    """ING-45: no scripts, no styles; blocks are lines."""
    assert plain_of("<head><title>x</title></head><p>Nobody &amp; nothing<br>works<script>alert(1)</script></p>") == (
        "Nobody & nothing\nworks")


@pytest.mark.parametrize("raw", [b"", b"{}", b"no header", b"Subject: nobody\r\n\r\nx", b"\xff\xfe\x00"])
def test_what_is_no_mail_is_rejected(raw: bytes) -> None:
    with pytest.raises(Rejected):
        letter(raw)
