"""Whose events a webhook hears, and who sees where it calls."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.core import secrets
from app.core.db import session, transaction
from app.escalation.service import start
from app.incidents.service import acknowledge
from app.webhooks.models import Webhook
from tests import build
from tests.config.documents import apply
from tests.incidents.people import by
from tests.webhooks.deliveries import SEND, noted, overdue, sent


@pytest.mark.parametrize("heard", ["incident.*", "escalation.*"])
def test_what_is_said_of_a_private_teams_incident_is_nobody_elses(app, http_sink, ana, run_jobs, heard):
    """Facts of its escalation name no team: the incident does."""
    apply({"webhooks": [{"key": "all", "name": "All", "url": f"{http_sink.url}/all", "events": [heard]}]})
    secret = build.team("secret", manager=ana, private=True)
    build.policy("secret", (60, [ana]), team=secret)
    incident = build.incident("Hidden", team=secret)
    with transaction():
        start(incident)
        acknowledge(incident, by=by(ana))
    run_jobs()
    assert http_sink.calls == [] and sent() == []


def test_an_incident_that_changed_hands_meanwhile_is_told_to_nobody_who_may_not_know(app, http_sink, ana, payments, run_jobs, tick):
    """The first try failed; before the second the incident went to a private team."""
    apply({"webhooks": [{"key": "all", "name": "All", "url": f"{http_sink.url}/all", "events": ["incident.*"]}]})
    http_sink.answers(500)
    incident = build.incident(team=payments)
    noted(ana, incident)
    run_jobs()
    with transaction():
        session.merge(incident).team_id = build.team("secret", manager=ana, private=True).id
    overdue()
    tick(SEND)
    assert len(http_sink.calls) == 1 and (sent()[0].state, sent()[0].error) == ("cancelled", "it is another team's by now")


def test_one_whose_secret_cannot_be_opened_says_so_and_a_new_one_mends_it(hook, http_sink, ana, payments, signed_in, run_jobs, tick):
    """What waits is tried again, with the reason."""
    browser = signed_in(ana)
    secrets.configure(secrets.new_key())
    noted(ana, build.incident(team=payments))
    run_jobs()
    tick(SEND)
    assert http_sink.calls == [] and sent()[0].state == "queued" and "is not in ENCRYPTION_KEYS" in sent()[0].error
    assert "is not in ENCRYPTION_KEYS" in browser.get(f"/webhooks/{hook.key}").text
    assert browser.post(f"/webhooks/{hook.key}/secret").status_code == 303
    overdue()
    tick(SEND)
    assert sent()[0].state == "sent"


def test_one_failure_after_a_quiet_day_switches_nothing_off(hook, http_sink, ana, payments, run_jobs):
    """The last delivery failed days ago; this one has all its tries left."""
    with transaction():
        session.get(Webhook, hook.id).failing_since = datetime(2026, 1, 1, tzinfo=UTC)
    http_sink.answers(502)
    noted(ana, build.incident(team=payments))
    run_jobs()
    assert sent()[0].state == "queued" and session.get(Webhook, hook.id).off_at is None


def test_the_address_is_for_those_who_may_change_it(hook, client, signed_in, token, ana, charlie):
    """It may be a secret itself."""
    assert "/hook" in signed_in(ana).get("/webhooks/bus").text and "/hook" not in signed_in(charlie).get("/webhooks").text
    assert client.get("/api/v1/webhooks/bus", headers=token(charlie)).json["url"].endswith("/…")
