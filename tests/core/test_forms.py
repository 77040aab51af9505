"""What people type, and what they read when it can't be taken."""

from __future__ import annotations

import pytest

from app.core import forms
from app.core.errors import Invalid, Problem


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86400), ("0m", 0)])
def test_a_duration_is_read_and_written_back_the_same(text: str, seconds: int) -> None:
    assert forms.duration(text) == seconds
    assert forms.duration_text(seconds) == text


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "1h30m", "1w", "99999d", None, 300, "٥m5m"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValueError):
        forms.duration(text)


def test_seconds_that_fill_no_larger_unit_stay_seconds() -> None:
    assert forms.duration_text(90) == "90s"
    assert forms.duration_text(5400) == "90m"


@pytest.mark.parametrize("text", ["a", "Payments", "pay ments", "päy", "x" * 61, None, 7, "ok\n"])
def test_a_key_has_only_small_letters_digits_and_hyphens(text: object) -> None:
    with pytest.raises(ValueError):
        forms.check_key(text)


def test_a_text_comes_back_without_the_spaces_around_it() -> None:
    assert forms.check_text("  Ana ", least=1, most=5) == "Ana"


@pytest.mark.parametrize(("text", "words"), [
    ("", "is needed"), ("x" * 6, "at most 5"), ("a\x00b", "control character"), (7, "must be text"),
])
def test_a_text_that_cannot_be_stored_is_refused_in_words(text: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        forms.check_text(text, least=1, most=5)


@pytest.mark.parametrize(("value", "meaning"), [("false", False), ("0", False), (True, True), ("Yes", True), ("", False)])
def test_a_truth_value_is_read_by_its_word(value: object, meaning: bool) -> None:
    assert forms.check_boolean(value) is meaning


@pytest.mark.parametrize("address", ["ana", "@example.com", "ana@", "a b@example.com", "ana@ex ample.com", "a@b\n",
                                     "x" * 250 + "@example.com", "ana@example.com\x00", None])
def test_what_is_no_address_is_refused(address: object) -> None:
    with pytest.raises(ValueError, match="Not an e-mail address"):
        forms.email_address(address if address != "a@b\n" else "a@b\nc")


def test_an_address_is_kept_in_lower_case() -> None:
    assert forms.email_address(" Ana.Maria+x@Example.COM ") == "ana.maria+x@example.com"


def test_a_time_zone_must_exist() -> None:
    assert forms.time_zone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(ValueError):
        forms.time_zone("Europe/Atlantis")


def test_tags_come_as_a_list_or_with_commas_and_each_once() -> None:
    assert forms.tags("a, b,,a") == forms.tags(["a", "b", "a"]) == ["a", "b"]
    with pytest.raises(ValueError, match="at most 20"):
        forms.tags([str(number) for number in range(21)])


def test_all_faults_are_told_at_once_each_at_its_place() -> None:
    problems = forms.Problems()
    problems.take("name", forms.check_text, "", least=1, most=5, label="The name")
    problems.at("members[1]").add("user", "Nobody has this address")
    with pytest.raises(Invalid) as refused:
        problems.raise_if_any()
    assert refused.value.problems == [Problem("name", "The name is needed"),
                                      Problem("members[1].user", "Nobody has this address")]
