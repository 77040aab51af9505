"""The form that is made from a schema: by keyboard, by ear, without JavaScript, and nothing typed is lost."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

SCHEMA = {"type": "object", "required": ["pod", "count", "zone"], "properties": {
    "pod": {"type": "string", "title": "Pod", "description": "Its name", "pattern": "^[a-z]+$"},
    "why": {"type": "string", "maxLength": 900}, "count": {"type": "integer", "minimum": 1, "maximum": 9},
    "share": {"type": "number"}, "drain": {"type": "boolean"}, "zone": {"enum": ["a", "b"]},
    "hosts": {"type": "array", "items": {"type": "string"}}, "pin": {"type": "string", "writeOnly": True}}}
TYPED = {"p.pod": "Web 7", "p.why": "it <hangs>", "p.count": "12", "p.share": "0.5", "p.drain": "1", "p.zone": "1",
         "p.hosts": "one\ntwo", "p.pin": "swordfish", "reason": "the alarm", "do": "show"}


class Form(HTMLParser):
    """What somebody who sees nothing and points at nothing has of a page."""

    def __init__(self, text):
        super().__init__()
        self.controls, self.labels, self.ids, self.buttons, self.open, self.inside = {}, set(), {}, [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag in ("input", "select", "textarea") and said.get("name", "").startswith(("p.", "reason")):
            self.controls[said["name"]] = {"tag": tag, "text": "", "labelled": self.inside, **said}
            self.open = said["name"]
        elif tag == "option" and "selected" in said:
            self.controls[self.open]["value"] = said["value"]
        elif tag == "label":
            self.labels.add(said.get("for"))
            self.inside = True
        elif tag == "button":
            self.buttons.append(said)
        if "id" in said:
            self.ids[said["id"]] = ""
            self.place = said["id"]

    def handle_data(self, data):
        if self.controls and self.controls.get(self.open, {}).get("tag") == "textarea":
            self.controls[self.open]["text"] += data
        if self.ids:
            self.ids[self.place] += data

    def handle_endtag(self, tag):
        self.open = "" if tag == "textarea" else self.open
        self.inside = self.inside and tag != "label"


@pytest.fixture
def page(restart, signed_in, bob):
    """`page(typed)`: the form of a runbook that asks for one of each, or what it says to what was typed."""
    restart(parameters=SCHEMA, payload={"pod": "{{ params.pod }}"})
    browser = signed_in(bob)
    return lambda typed=None: Form((browser.get if typed is None else browser.post)("/runbooks/restart/run", data=typed).text)


def test_each_control_is_a_plain_one_with_its_label_and_its_help(page):
    """RB-08: native controls, each with a label, a name that is said, and a button that sends without a script."""
    form = page()
    assert set(form.controls) == {f"p.{name}" for name in SCHEMA["properties"]} | {"reason"}
    assert all(one["labelled"] or one["id"] in form.labels for one in form.controls.values())
    kinds = {name: one.get("type", one["tag"]) for name, one in form.controls.items()}
    assert [kinds[f"p.{name}"] for name in ("pod", "why", "count", "drain", "zone", "hosts", "pin")] == [
        "text", "textarea", "number", "checkbox", "select", "textarea", "password"]
    assert "Its name" in form.ids[form.controls["p.pod"]["aria-describedby"].split()[0]]
    assert "required" in form.controls["p.pod"] and "required" not in form.controls["p.why"]
    assert [one.get("value") for one in form.buttons if one.get("name") == "do"] == ["show"]


def test_after_an_error_all_stands_there_but_what_is_secret(page):
    """RB-08: and each error is at its control, where it is read out."""
    form = page(TYPED)
    stands = {name: one["text"].strip() or one.get("value") for name, one in form.controls.items()}
    assert [stands[f"p.{name}"] for name in ("pod", "why", "count", "share", "zone", "hosts", "pin")] == [
        "Web 7", "it <hangs>", "12", "0.5", "1", "one\ntwo", ""]
    assert "checked" in form.controls["p.drain"] and stands["reason"] == "the alarm"
    for name, words in (("p.pod", "must fit the pattern"), ("p.count", "12 is more than 9")):
        one = form.controls[name]
        assert one["aria-invalid"] == "true" and any(words in form.ids[place] for place in one["aria-describedby"].split())
    assert "aria-invalid" not in form.controls["p.zone"]
