"""Where a field stands in a payload is clicked, looked at, and only then saved (ING-22)."""

from __future__ import annotations

import json

import pytest

from app.core.db import session
from app.core.errors import Invalid, Problem
from app.incidents.models import Incident
from app.ingest import mapping
from app.ingest.models import Delivery, Integration
from tests import build

ODD = {"check": {"name": "Disk of db-1", "level": "RED"}, "meta.app": {"svc": "checkout"}, "list": [{"n": 7}], "x]y": 1}


@pytest.fixture
def hook(app, client, ana, payments, run_jobs):
    """A webhook of Ana's team that sent something of an odd shape."""
    build.service("checkout", team=payments)
    build.integration("hook", plugin="webhook", team=payments)
    client.post("/in/token-of-hook-0123456789", data=json.dumps(ODD))
    run_jobs()
    return "/integrations/hook/mapping"


def press(browser, path, use="", draft=None, **more):
    """One press on the page, with what stands in it."""
    return browser.post(path, data={"mapping": json.dumps(draft or {}), "use": use, "delivery": "1", "shown": "1",
                                    "payload": json.dumps(ODD), **more})


def test_each_value_is_offered_with_its_path():
    """ING-22: paths that a mapping understands; what no path can name is shown and not offered."""
    found = {leaf.path: leaf.text for leaf in mapping.leaves(ODD) if not leaf.group}
    assert found == {"check.name": "Disk of db-1", "check.level": "RED", '["meta.app"].svc': "checkout", "list[0].n": "7", "": "1"}


def test_a_click_shows_the_signal_and_saves_nothing(hook, signed_in, ana):
    """ING-22: the preview is the signal that the draft would give."""
    browser = signed_in(ana)
    assert "check.name" in browser.get(hook).text
    page = press(browser, hook, "title=check.name").text
    assert "<td>Disk of db-1</td>" in page and "title=check.name" in page
    assert session.query(Integration).one().config.get("mapping") is None


def test_what_is_saved_reads_the_next_delivery(hook, client, signed_in, ana, run_jobs):
    """ING-22: title, service and severity by a table, as the preview showed them."""
    draft = {"title": {"path": "check.name"}, "service_key": {"path": '["meta.app"].svc'},
             "severity": {"table": {"red": "critical"}, "path": "check.level"}}
    answer = press(signed_in(ana), hook, draft=draft, save="1")
    assert answer.status_code == 303
    client.post("/in/token-of-hook-0123456789", data=json.dumps(ODD))
    run_jobs()
    newest = session.query(Incident).order_by(Incident.id.desc()).first()
    assert (newest.title, newest.service.key, newest.severity) == ("Disk of db-1", "checkout", "critical")


def test_a_rule_can_be_taken_away_and_a_pasted_payload_looked_at(hook, signed_in, ana):
    browser = signed_in(ana)
    page = press(browser, hook, "-title", {"title": {"path": "check.name"}}).text
    assert "Nothing is mapped" in page
    page = press(browser, hook, "title=kind", payload='{"kind": "pasted"}').text
    assert "<td>pasted</td>" in page


@pytest.mark.parametrize(("more", "words"), [
    ({"payload": "{broken"}, "This is not JSON"), ({"mapping": "[1]"}, "A mapping is an object"),
])
def test_what_is_wrong_is_said_beside_it(hook, signed_in, ana, more, words):
    answer = press(signed_in(ana), hook, **more)
    assert answer.status_code == 422 and words in answer.text


def test_what_is_refused_when_it_is_saved_is_said_beside_it_too(hook, signed_in, ana, monkeypatch):
    def refused(*_, **__):
        raise Invalid(problems=[Problem("config.mapping", "This mapping is too large")])
    monkeypatch.setattr("app.ingest.service.save_integration", refused)
    answer = press(signed_in(ana), hook, save="1")
    assert answer.status_code == 422 and "This mapping is too large" in answer.text


def test_a_rule_that_finds_nothing_is_noted_in_the_preview(hook, signed_in, ana):
    """ING-22: it falls back to the usual names, never to a lost signal."""
    page = press(signed_in(ana), hook, draft={"title": {"path": "nowhere"}}).text
    assert "was left aside: nothing at nowhere" in page


def test_responders_may_not_and_other_plugins_have_none(hook, signed_in, bob, ana, payments):
    build.integration("prometheus", plugin="alertmanager", team=payments)
    assert signed_in(bob).get(hook).status_code == 403
    assert signed_in(ana).get("/integrations/prometheus/mapping").status_code == 404
    assert "Map fields" in signed_in(ana).get("/integrations/hook").text
    assert session.query(Delivery).count() == 1
