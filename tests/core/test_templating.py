"""Templates of requests: exact values, kept shapes, nothing that acts."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from app.core.templating import faults, mask, names, render, render_header, render_url

NASTY = 'He said "no"\\ \n{{ secret.ops }} {% if x %} 🦊'
ROOTS = {"incident", "params", "secret", "now"}
CONTEXT = {"incident": {"title": NASTY, "number": 7, "labels": {"pod": "a b/c?d&e", "empty": ""}, "tags": ["a", "b"]},
           "params": {"count": 3, "on": True, "many": [1, 2]}, "secret": {"ops": "s3cret"},
           "now": datetime(2026, 1, 5, 9, 0, tzinfo=UTC)}


def value(template):
    return render(template, CONTEXT).value


def test_nasty_text_arrives_exactly_and_changes_no_shape():
    """RB-17, WF-17: quotes, newline, braces, backslash, emoji; a value is never read as a template."""
    body = value({"text": "{{ incident.title }}", "inside": "<{{ incident.title }}>", "list": ["{{ incident.title }}"]})
    assert json.loads(json.dumps(body)) == {"text": NASTY, "inside": f"<{NASTY}>", "list": [NASTY]}


def test_a_single_expression_keeps_its_type():
    """WF-17: numbers, lists and booleans stay what they are."""
    assert value({"n": "{{ params.count }}", "b": "{{ params.on }}", "l": "{{ params.many }}", "t": "n={{ params.count }}"}) == {
        "n": 3, "b": True, "l": [1, 2], "t": "n=3"}


@pytest.mark.parametrize(("template", "said"), [
    ("{{ incident.title|upper }}", NASTY.upper()), ("{{ ' x '|trim }}", "x"), ("{{ 'Abc'|lower }}", "abc"),
    ("{{ 'abcdef'|truncate(3) }}", "ab…"), ("{{ incident.no|default('none') }}", "none"),
    ("{{ incident.labels.empty|default('none') }}", "none"), ("{{ incident.tags|json }}", '["a", "b"]'),
    ("{{ now|date }}", "2026-01-05"), ("{{ '2026-01-05T09:30:00Z'|date('%H:%M') }}", "09:30"),
    ("{{ incident.tags|join('+') }}", "a+b"), ("{{ 'a-b'|replace('-', '_') }}", "a_b"),
    ("{{ incident.tags[1] }}", "b"), ("{{ incident['number'] }}", 7), ("{{ now }}", CONTEXT["now"]),
    ("at {{ now }}", "at 2026-01-05T09:00:00Z"), ("{# kept #}{{ params.count }}", "{# kept #}3"),
])
def test_filters_and_paths(template, said):
    """Spec 08: upper lower trim truncate default json date join replace."""
    assert value(template) == said


def test_a_missing_leaf_is_empty_with_a_warning_and_default_supplies_one():
    """WF-19."""
    found = render({"pod": "{{ incident.labels.host }}", "or": "{{ incident.labels.host|default('web') }}"}, CONTEXT)
    assert found.value == {"pod": "", "or": "web"} and found.warnings == ("incident.labels.host is empty",)


@pytest.mark.parametrize("template", [
    "{% for x in params.many %}{{ x }}{% endfor %}", "{% set a = 1 %}", "{{ incident.title.upper() }}", "{{ 1 + 1 }}",
    "{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}", "{{ params.many|map('upper') }}", "{{ a if b else c }}",
    "{{ incident[params.count] }}", "{{ 'a'|replace(old='a', new='b') }}", "{{ secret.ops|upper }}", "{{ incident.title",
    "{{ params.x|default(secret.ops)|upper }}",
    "{{ secret }}", "{{ env.HOME }}", "{{ [1,2] }}", "{{ 'x'.join }}" + "|upper" * 2000 + "}}",
])
def test_what_is_more_than_a_name_and_filters_is_refused_at_save(template):
    """No loops, calls or assignments, no unknown root; the place is named."""
    assert [place for place, _ in faults({"headers": {"X": template}}, ROOTS)] == ["headers.X"]


def test_no_template_reaches_an_attribute():
    """Steps are looked up in mappings and lists alone."""
    assert value("{{ params.count.real }}{{ incident.title.__len__ }}{{ now.year }}{{ params.many.append }}") == ""


@pytest.mark.parametrize("template", [
    "{{ incident.title|replace('e', params.big) }}", "{{ params.many|join(params.big) }}", "{{ params.big }}" * 3,
    "{{ now|date('%1000000000d') }}", "{{ '0001-01-01T00:00:00+10:00'|date }}",
    "{{ 'a'|truncate(0) }}", "{{ unknown.root }}", "x" * 40000 + "{{ now }}",
])
def test_nothing_grows_beyond_the_limit(template):
    """32 KiB of text, 256 KiB of value; widths of a date are refused."""
    context = {**CONTEXT, "params": {"big": "x" * 100_000, "many": ["e"] * 1000}}
    with pytest.raises(ValueError):
        render(template, {**context, "incident": {"title": "e" * 1000}})


def test_values_in_an_address_are_percent_encoded_and_a_secret_address_stays():
    """WF-18."""
    assert render_url("https://x.example/{{ incident.labels.pod }}?q={{ incident.labels.pod }}", CONTEXT).value == (
        "https://x.example/a%20b%2Fc%3Fd%26e?q=a%20b%2Fc%3Fd%26e")
    assert render_url("{{ secret.hook }}/a", {"secret": {"hook": "https://y.example/T/B"}}).value == "https://y.example/T/B/a"


def test_a_line_break_in_a_header_is_refused():
    """WF-18."""
    assert render_header("Bearer {{ secret.ops }}", CONTEXT).value == "Bearer s3cret"
    for text in ("a\r\nX: 1", "a\nb", "a\x00b"):
        with pytest.raises(ValueError):
            render_header("{{ params.x }}", {"params": {"x": text}})


def test_names_are_listed_for_validation():
    """Whoever saves asks which secrets and steps are used."""
    assert names({"a": "{{ secret.ops }}", "b": ["x {{ incident.no|default(params.count) }}"]}) == {
        ("secret", "ops"), ("incident", "no"), ("params", "count")}


def test_secrets_are_masked_in_every_form_in_which_they_come_back():
    """RB-18, WF-21: plain, escaped, percent-encoded, base64, as a number and as a key."""
    secret = 'p"w/ü'
    said = {"a": f"x{secret}y", "b": json.dumps({"k": secret}), "c": "p%22w%2F%C3%BC", secret: [42, True],
            "d": base64.b64encode(secret.encode()).decode()}
    assert mask(said, [secret, "42", ""]) == {"a": "x•••y", "b": '{"k": "•••"}', "c": "•••", "•••": ["•••", True], "d": "•••"}
