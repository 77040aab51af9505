"""Each template of the library, from the list to what it does: created switched off, filled in, triggered, and seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents import service as incidents
from app.incidents.models import Incident, Note
from app.runbooks.runner import runner
from app.workflows.library import TEMPLATES
from app.workflows.models import Workflow
from tests import build
from tests.fakes import Reply
from tests.workflows.stories import runs

TICKET = {"jira_issue": b'{"id": "1", "key": "SHOP-1"}', "slack_post": b'{"ok": true, "ts": "1.1"}', "teams_post": b"1",
          "linear_issue": b'{"data": {"issueCreate": {"success": true, "issue": {"identifier": "OPS-1", "url": "https://l.example/1"}}}}'}


@pytest.fixture
def created(house, signed_in, ana, http_sink):
    """`created("jira-critical", project="SHOP")`: made from the library by Ana, filled in, saved and switched on."""
    browser = signed_in(ana)

    def make(slug, node="", **said):
        template = TEMPLATES[slug]
        browser.post("/workflows/-/new", data={"template": slug, "name": template.name, "key": slug, "team": "payments"})
        flow = session.query(Workflow).filter_by(key=slug).one()
        assert not flow.enabled and flow.category == template.category
        for field in (said and [node] or []):
            browser.post(f"/workflows/{slug}/build/configure", data={"node": field, **said})
        browser.post(f"/workflows/{slug}/build/save")
        answer = browser.post(f"/workflows/{slug}/enable", data={"on": "1"})
        assert answer.headers["Location"] == f"/workflows/{slug}", browser.get(f"/workflows/{slug}/build").text
    return make


def connect(action, sink, team):
    sink.answer = Reply(200, TICKET[action])
    build.connection("main", action=action, team=team, config={"site": sink.url, "api_url": sink.url, "webhook": sink.url, "token": "t"})


def test_there_are_at_least_eight_in_four_categories():
    """AUTO-05."""
    assert len(TEMPLATES) >= 8 and {one.category for one in TEMPLATES.values()} == {
        "Ticketing", "Communication", "Response", "Tidying"}


@pytest.mark.parametrize(("slug", "action", "fill", "key"), [
    ("jira-critical", "jira_issue", {"with.project": "SHOP", "with.type": "Task"}, "SHOP-1"),
    ("linear-high", "linear_issue", {"with.team": "uuid"}, "OPS-1")])
def test_a_ticket_is_made_and_linked(created, opens, go, http_sink, house, slug, action, fill, key):
    """WF-30, WF-15: the key stands on the incident."""
    connect(action, http_sink, house)
    texts = {"with.title": "{{ incident.title }}", "with.description": "{{ incident.url }}"}
    created(slug, "ticket", connection="main", **texts, **fill)
    opens(severity="low")
    opens("Checkout is down", severity="critical")
    go()
    assert len(http_sink.calls) == 1 and b"Checkout is down" in http_sink.calls[0].body
    assert key in session.query(Note).one().body and [run.state for run in runs()] == ["succeeded"]


@pytest.mark.parametrize(("slug", "action", "fill"), [
    ("slack-states", "slack_post", {"with.channel": "#ops", "with.text": "{{ event.to }} by {{ event.actor }}"}),
    ("teams-critical", "teams_post", {"with.text": "{{ incident.title }}"})])
def test_a_post_is_made(created, opens, go, http_sink, house, slug, action, fill):
    """WF-30."""
    connect(action, http_sink, house)
    created(slug, "post", connection="main", **fill)
    incident = opens()
    with transaction():
        incidents.acknowledge(incident, by=OPERATOR)
    go()
    said = http_sink.calls[0].body.decode()
    assert len(http_sink.calls) == 1 and ("acknowledged by Operator" in said or "Checkout is down" in said)


def test_a_signed_call_tells_that_it_is_over(created, opens, go, http_sink, house):
    """WF-30: signed as our own calls are."""
    build.secret("hook_secret", "s3cret", team=house)
    created("webhook-resolved", "call", **{"with.method": "POST", "with.url": http_sink.url, "with.auth": "signed",
            "with.auth_secret": "{{ secret.hook_secret }}", "with.body": '{"by": "{{ incident.resolved_by }}"}'})
    incident = opens()
    with transaction():
        incidents.resolve(incident, by=OPERATOR)
    go()
    assert http_sink.calls[0].json() == {"by": "Operator"} and http_sink.calls[0].headers["x-oncall-signature"].startswith("v1=")


def test_people_are_asked_when_nobody_takes_it(created, opens, go, tick, house):
    """WF-30: after 15 minutes, if it is critical."""
    created("help-unacknowledged", "help", **{"with.team": "payments"})
    opens()
    house.at.shift(timedelta(minutes=15))
    tick("app.workflows.ticks.ages")
    go()
    assert "asked" in session.query(Note).one().body and session.query(Incident).one().responders


def test_an_escalation_makes_it_worse(created, opens, go, tick, house, ana, bob):
    """WF-30: P1, and those who wait are told."""
    build.policy("payments", (60, [bob]), (60, [ana]), team=house)
    created("raise-escalated")
    opens()
    go()
    house.at.shift(timedelta(seconds=61))
    tick("app.escalation.ticks.advance")
    go()
    session.expire_all()
    assert session.query(Incident).one().priority == "P1"


@pytest.mark.parametrize(("slug", "severity", "after", "status"), [
    ("acknowledge-low", "low", 60, "acknowledged"), ("resolve-info", "info", 1440, "resolved")])
def test_what_nobody_needs_is_tidied(created, opens, go, tick, house, slug, severity, after, status):
    """WF-30."""
    created(slug)
    opens(severity=severity)
    opens(severity="high")
    house.at.shift(timedelta(minutes=after))
    tick("app.workflows.ticks.ages")
    go()
    session.expire_all()
    assert [one.status for one in session.query(Incident).order_by(Incident.id)] == [status, "triggered"]


def test_a_runbook_diagnoses_and_its_output_is_noted(created, opens, go, tick, house, http_sink, olga):
    """WF-30, WF-32."""
    http_sink.answer = Reply(200, b'{"text": "3 pods are gone"}')
    build.runbook("look", team=house, url=http_sink.url, approver=olga)
    created("diagnose", "look", runbook="look", wait="yes")
    opens()
    go()
    tick("app.runbooks.ticks.run")
    assert runner().settle()
    go()
    assert "3 pods are gone" in session.query(Note).one().body, [step.error for step in runs()[0].steps]
