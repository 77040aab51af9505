"""What strangers send is read as far as it can be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.core import reading
from app.core.fields import Field

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("said", [
    "2026-01-05T09:00:00Z", "2026-01-05T10:00:00+01:00", "2026-01-05 09:00", 1767603600, "1767603600", 1767603600000,
    "1767603600000", 1767603600000000, ["2026-01-05T09:00:00Z"],
])
def test_times_are_read_in_every_usual_form(said: Any) -> None:
    assert reading.moment(said) == NINE


@pytest.mark.parametrize("said", [
    "0001-01-01T00:00:00Z", "", None, "soon", {}, "9" * 400, "nan", "-1e30", "9999-12-31T23:59:59-23:59",
])
def test_what_is_no_time_is_none(said: Any) -> None:
    assert reading.moment(said) is None


@pytest.mark.parametrize(("said", "labels"), [
    ({"a": 1, "b": {"c": True}, "d": None}, {"a": "1", "b": '{"c": true}'}),
    (["a:1", "b=2:3", "c"], {"a": "1", "b": "2:3", "c": ""}), (3, {}),
    ("a:1, b", {"a": "1", "b": ""}),
    ([{"key": "a", "value": "1"}, {"name": "b"}, 7], {"a": "1", "b": "", "7": ""}),
])
def test_labels_come_in_many_shapes(said: Any, labels: dict[str, str]) -> None:
    assert reading.labels(said) == labels


@pytest.mark.parametrize("said", [
    "javascript:alert(1)", "https://", "https://a b", 'https://a"', "ftp://a", "//a", "https://[", None,
])
def test_only_web_addresses_become_links(said: Any) -> None:
    assert reading.web_link(said) == ""
    assert reading.web_link("https://example.com/?q=1#a") == "https://example.com/?q=1#a"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"[" * 65 + b"]" * 65, b"1" * 5000])
def test_what_is_not_json_is_rejected_with_a_sentence(body: bytes) -> None:
    with pytest.raises(reading.Rejected, match="^The body is not JSON: "):
        reading.parse_json(body)


def test_what_no_database_stores_is_replaced() -> None:
    assert reading.parse_json(b'{"a\\u0000": ["\\ud800x", NaN, 1]}') == {"a\ufffd": ["\ufffdx", "NaN", 1]}


def test_the_order_of_labels_does_not_change_a_key() -> None:
    assert reading.stable_key({"a": "1", "b": "2"}) == reading.stable_key({"b": "2", "a": "1"})
    assert reading.stable_key({"a": "1"}) != reading.stable_key({"a": "2"})


@pytest.mark.parametrize(("field", "said", "value"), [
    (Field("n", "N", kind="number"), "5", 5), (Field("n", "N", kind="boolean"), "on", True),
    (Field("n", "N", kind="lines"), " a \n\n b", ["a", "b"]), (Field("n", "N", kind="json"), '{"a": 1}', {"a": 1}),
    (Field("n", "N", default="d"), "", "d"), (Field("n", "N", kind="url"), "https://a", "https://a"),
])
def test_a_field_reads_what_was_entered(field: Field, said: Any, value: Any) -> None:
    assert field.parse(said) == value


@pytest.mark.parametrize(("kind", "said"), [
    ("number", "five"), ("number", "inf"), ("boolean", "perhaps"), ("lines", [1]), ("lines", 5), ("json", "{"),
    ("url", "a"),
    ("choice", "c"), ("text", ""),
])
def test_a_field_says_what_is_wrong(kind: Any, said: Any) -> None:
    with pytest.raises(ValueError, match="^Colour "):
        Field("colour", "Colour", kind=kind, required=True, choices=(("a", "A"),)).parse(said)
