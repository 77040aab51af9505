"""Text messages: one part of 160 signs, codes that are understood however they are typed, words a telephone can say."""

import pytest

from app.core.texting import GSM, TWICE, read_reply, spoken, text_message
from app.plugin_api import Message

PAGE = Message("7", "page", "s", "t", severity="critical", incident="142", title="Disk is full", service="checkout", code="17")


def units(text):
    """How many of the 160 places of a part it takes; AssertionError for a sign that makes it several parts."""
    assert set(text) <= GSM | TWICE
    return sum(2 if sign in TWICE else 1 for sign in text)


def test_a_page_says_what_where_and_how_to_answer():
    assert text_message(PAGE) == "[CRIT] checkout: Disk is full #142 Reply A17 ack R17 resolve"


@pytest.mark.parametrize("title", ["x" * 10_000, "[]{}€~" * 90, "日本語のアラート" * 40, "“Naïve” – 50 € …\n\x00\u202e" * 20, "",
                                   "*b* <!here> <img src=x>"])
@pytest.mark.parametrize("service", ["", "ä" * 99])
def test_whatever_the_title_it_is_one_part_and_keeps_its_codes(title, service):
    """NTF-32: 10,000 characters, other alphabets, signs that count twice."""
    from dataclasses import replace
    said = text_message(replace(PAGE, title=title, service=service))
    assert units(said) <= 160 and said.endswith("#142 Reply A17 ack R17 resolve") and "\n" not in said


def test_a_long_code_message_is_one_part_too():
    assert units(text_message(Message("1", "code", "Your code is 123456 " + "x" * 300, ""))) <= 160


@pytest.mark.parametrize(("said", "action", "code"), [
    ("A17", "acknowledge", "17"), ("a17", "acknowledge", "17"), (" ack 17 ", "acknowledge", "17"), ('"A 17."', "acknowledge", "17"),
    ("ACK #17", "acknowledge", "17"), ("R17", "resolve", "17"), ("resolve 17.", "resolve", "17"), ("ack", "acknowledge", ""),
    ("Stop", "stop", ""), ("START", "start", ""), ("help", "help", ""), ("what?", "help", ""), ("", "help", ""), ("17", "help", ""),
])
def test_an_answer_is_understood_however_it_is_typed(said, action, code):
    """NTF-27: lower case, spaces, quotes and a trailing full stop are tolerated; nothing else is guessed."""
    found = read_reply(said, sender="+1")
    assert (found.action, found.code) == (action, code)


def test_words_after_a_code_are_a_note():
    assert (read_reply("17 on my way", sender="+1").action, read_reply("17 on my way", sender="+1").text) == ("note", "on my way")
    assert read_reply("r17 it was the cache", sender="+1").text == "it was the cache"


def test_a_telephone_says_400_signs_at_most_and_no_title_as_no_title():
    """NTF-29, NTF-30."""
    from dataclasses import replace
    assert len(spoken(replace(PAGE, title="x" * 999))) <= 400
    assert "no title" in spoken(replace(PAGE, title=""))
