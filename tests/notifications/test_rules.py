"""Who is reached by what and when, and how message states move: the tables, case by case."""

import itertools

import pytest

from app.notifications.models import Message
from app.notifications.rules import (
    MOVES,
    WAITS,
    Method,
    Rule,
    gives_up,
    in_words,
    masked,
    plan,
    wait_after,
)

MAIL, CHAT, SMS, VOICE, HOOK = (Method(number, channel) for number, channel in enumerate(
    ("email", "teams", "sms", "voice", "webhook"), start=1))
NAMES = {1: "mail", 2: "chat", 3: "sms", 4: "phone", 5: "hook"}
# The state table of the specification, as (from, to).
ALLOWED = {("queued", "sending"), ("queued", "cancelled"), ("queued", "expired"), ("queued", "failed"),
           ("queued", "unsent"),
           ("sending", "sent"), ("sending", "delivered"), ("sending", "queued"), ("sending", "failed"),
           ("sending", "cancelled"), ("sent", "delivered"), ("sent", "failed")}


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(MOVES, 2)))
def test_a_message_moves_only_as_the_table_says(before, after):
    """NTF-23, QUAL-18: delivered stays delivered, whatever comes late."""
    message = Message(state=before)
    try:
        message.state = after
    except ValueError:
        pass
    assert message.state == (after if (before, after) in ALLOWED else before)


@pytest.mark.parametrize(("methods", "severity", "urgency", "said"), [
    ([MAIL], "high", "high", "At once by mail"),
    ([MAIL, SMS, VOICE], "critical", "high", "At once by mail, sms and phone"),
    ([MAIL, CHAT, SMS, VOICE], "high", "high", "At once by mail and chat, after 1 minute by sms, after 3 minutes by phone"),
    ([MAIL, SMS, VOICE], "low", "low", "At once by mail"),
    ([SMS], "high", "high", "At once by sms"), ([VOICE], "high", "high", "At once by phone"),
    ([CHAT], "high", "high", "At once by chat"), ([HOOK], "high", "high", "At once by hook"),
    ([VOICE], "low", "low", "At once by phone"),
    ([SMS, VOICE], "high", "high", "At once by sms, after 3 minutes by phone"),
    ([], "critical", "high", ""),
])
def test_without_own_rules_the_usual_ones_count(methods, severity, urgency, said):
    """NTF-01, NTF-02: whatever somebody has, something of it is used at minute 0."""
    assert in_words(plan([], methods, severity=severity, urgency=urgency), NAMES) == said


def test_own_rules_are_followed_exactly():
    """NTF-03: neither severity nor channel bends them."""
    own = [Rule(0, 1), Rule(300, 4), Rule(600, 1)]
    assert plan(own, [MAIL, VOICE], severity="critical", urgency="high") == own


def test_a_rule_whose_method_can_not_be_used_gives_its_time_to_the_next():
    """NTF-03: nobody waits for a dead telephone."""
    own = [Rule(0, 4), Rule(300, 1), Rule(600, 5)]
    assert plan(own, [MAIL, HOOK], severity="high", urgency="high") == [Rule(0, 1), Rule(300, 5)]


def test_rules_of_which_nothing_is_left_fall_back_to_the_usual_ones():
    """NTF-04: nobody is silently unreachable."""
    assert plan([Rule(0, 4)], [MAIL], severity="high", urgency="high") == [Rule(0, 1)]


def test_waits_are_those_of_the_table_and_a_wish_counts_up_to_five_minutes():
    """Numbers: 5, 15, 45, 120 s, then no more."""
    assert [wait_after(attempt) for attempt in (1, 2, 3, 4)] == list(WAITS) == [5, 15, 45, 120]
    assert [wait_after(1, wish) for wish in (30.0, 0.0, 4000.0)] == [30, 1, 300]
    assert [gives_up(attempt) for attempt in (4, 5)] == [False, True]


@pytest.mark.parametrize(("channel", "address", "shown"), [
    ("email", "ana@example.com", "a…@example.com"), ("sms", "+4915112345678", "…678"),
    ("webhook", "https://example.com/hooks/secret", "https://example.com/…"),
    ("webpush", "https://push.example.com/very/secret", "https://push.example.com/…"),
])
def test_others_see_enough_of_an_address_to_recognise_it_and_not_to_use_it(channel, address, shown):
    """NTF-45."""
    assert masked(channel, address) == shown


def test_words_name_odd_waits_in_seconds():
    assert in_words([Rule(0, 1), Rule(90, 2), Rule(3600, 3)], NAMES) == (
        "At once by mail, after 90 seconds by chat, after 60 minutes by sms")
