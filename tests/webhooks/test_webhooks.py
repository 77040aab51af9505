"""Outgoing webhooks: who hears what, the signature, what becomes of a failure, the pages, the API and the document."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.config.service import export
from app.core.db import session, transaction
from app.core.jobs import deliver
from app.incidents.models import Alert
from app.incidents.service import acknowledge
from app.webhooks import rules, sending
from app.webhooks.models import Webhook, WebhookDelivery
from tests import build
from tests.config.documents import apply, diff, faults, lines
from tests.incidents.people import by
from tests.webhooks.deliveries import SEND, noted, overdue, sent

SECRET = "a-secret-of-16-or-more"


def is_ours(headers, body, secret):
    """The ten lines that the page prints."""
    right = hmac.new(secret.encode(), headers["x-oncall-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(headers["x-oncall-signature"], f"v1={right}")


def test_a_receiver_hears_what_happened_once_and_can_tell_that_it_is_from_us(hook, http_sink, ana, payments, run_jobs):
    """HRD-14."""
    incident = build.incident(service=build.service("checkout", team=payments))
    with transaction():
        acknowledge(incident, by=by(ana))
    run_jobs()
    call, = http_sink.calls
    told = json.loads(call.body)
    assert (told["kind"], told["text"], told["status"], told["service"]) == (
        "incident.acknowledged", "Ana acknowledged by web", "firing", "checkout")
    assert told["incident"]["number"] == incident.id and is_ours(call.headers, call.body, SECRET)
    assert call.headers["x-oncall-delivery"] == str(sent()[0].id)


def test_only_the_teams_own_events_and_never_a_private_teams(app, http_sink, ana, hook, run_jobs):
    """Everybody's webhook hears all but private teams."""
    apply({"webhooks": [{"key": "all", "name": "All", "url": f"{http_sink.url}/all", "events": ["incident.note_added"]}]})
    secret = build.team("secret", manager=ana, private=True)
    noted(ana, build.incident(team=build.team("other", manager=ana)), "other")
    noted(ana, build.incident(team=secret), "hidden")
    run_jobs()
    assert [call.path for call in http_sink.calls] == ["/all"] and b"hidden" not in http_sink.calls[0].body


def test_a_failure_is_tried_again_with_the_same_id_and_given_up_at_last(hook, http_sink, ana, payments, run_jobs, tick):
    """500 for ever: the first call and five more."""
    http_sink.answers(*[500] * 6)
    noted(ana, build.incident(team=payments))
    run_jobs()
    for _ in range(6):
        overdue()
        tick(SEND)
    assert (sent()[0].state, sent()[0].attempts, sent()[0].error) == ("failed", 6, "The answer was 500")
    assert len({call.headers["x-oncall-delivery"] for call in http_sink.calls}) == 1 and len(http_sink.calls) == 6


@pytest.mark.parametrize(("attempts", "after", "seconds"), [(1, None, 10), (2, None, 60), (5, None, 7200), (1, 30.0, 30), (1, 1e9, 3600)])
def test_when_it_is_tried_again(attempts, after, seconds):
    """Later if the receiver asks for it, at most an hour later for that."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert rules.next_try(attempts, after, now) == now + timedelta(seconds=seconds)
    assert rules.next_try(6, None, now) is None


def test_a_receiver_that_is_gone_is_switched_off_and_comes_back_by_hand(hook, http_sink, ana, payments, run_jobs, signed_in):
    """410; what happens meanwhile is not told."""
    http_sink.answers(410)
    incident = build.incident(team=payments)
    noted(ana, incident)
    run_jobs()
    browser = signed_in(ana)
    assert "the receiver says that it is gone (410)" in browser.get("/webhooks/bus").text
    noted(ana, incident, "unheard")
    run_jobs()
    browser.post("/webhooks/bus/on")
    noted(ana, incident, "heard")
    run_jobs()
    assert [json.loads(call.body)["data"] != {} for call in http_sink.calls] == [True, True]


def test_a_call_whose_process_died_is_made_again(hook, http_sink, ana, payments, run_jobs, tick):
    """The lease runs out; the receiver knows the delivery by its id."""
    noted(ana, build.incident(team=payments))
    with transaction():
        session.execute(update(WebhookDelivery).values(state="sending", lease_until=WebhookDelivery.created_at))
    run_jobs()
    with transaction():
        session.execute(update(WebhookDelivery).values(state="sending", lease_until=WebhookDelivery.created_at))
    tick("app.webhooks.ticks.release")
    tick(SEND)
    assert sent()[0].state == "sent" and len(http_sink.calls) == 2


def test_what_the_receiver_took_when_the_database_went_away_is_not_sent_again(hook, http_sink, ana, payments, run_jobs, tick,
                                                                           monkeypatch):
    """QUAL-11: its outcome counts when the database is back, also when the lease ran out meanwhile."""
    def late(record):
        with transaction():
            session.execute(update(WebhookDelivery).values(lease_until=WebhookDelivery.created_at))
        tick("app.webhooks.ticks.release")
        with transaction():
            record()
    monkeypatch.setattr(sending, "kept", late)
    noted(ana, build.incident(team=payments))
    run_jobs()
    tick(SEND)
    assert (sent()[0].state, sent()[0].attempts, len(http_sink.calls)) == ("sent", 1, 1)


def test_an_event_that_is_delivered_twice_is_told_once(hook, http_sink, ana, payments, run_jobs, tick):
    """At least once in, once out."""
    noted(ana, build.incident(team=payments))
    run_jobs()
    deliver("app.webhooks.reactions.tell", [sent()[0].event_id])
    tick(SEND)
    assert len(http_sink.calls) == len(sent()) == 1


def test_the_generic_integration_of_another_installation_takes_it(hook, http_sink, client, ana, payments, run_jobs, tick):
    """HRD-14: signature and fields."""
    other = {"header": "X-OnCall-Signature", "prefix": "v1=", "timestamp_header": "X-OnCall-Timestamp",
             "signed": "timestamp.body"}
    apply({"integrations": [{"key": "elsewhere", "plugin": "webhook", "token": "token-of-elsewhere-0123",
                             "secret": SECRET, "signature": other}]})
    noted(ana, build.incident("Checkout is down", team=payments))
    run_jobs()
    call, = http_sink.calls
    headers = {name: call.headers[name.lower()] for name in ("X-OnCall-Signature", "X-OnCall-Timestamp", "Content-Type")}
    assert client.post("/in/token-of-elsewhere-0123", data=call.body, headers=headers).status_code == 202
    tick("app.ingest.ticks.drain")
    alert = session.scalars(select(Alert)).one()
    assert (alert.title, alert.severity) == ("Checkout is down", "medium")


def test_the_page_adds_tests_and_sends_again(app, http_sink, signed_in, ana, payments, run_jobs):
    """From the form to the receiver."""
    browser = signed_in(ana)
    browser.post("/webhooks/-/new", data={"key": "bus", "name": "Bus", "team": "payments", "url": f"{http_sink.url}/x",
                                          "events": "incident.opened\nincident.resolved"})
    browser.post("/webhooks/bus/test")
    run_jobs()
    assert "Sent" in browser.get("/webhooks/bus").text
    browser.post(f"/webhooks/bus/deliveries/{sent()[0].id}/again")
    run_jobs()
    assert [json.loads(call.body)["kind"] for call in http_sink.calls] == ["webhook.tested"] * 2
    browser.post("/webhooks/bus/delete")
    assert sent() == [] and "Bus is deleted" in browser.get("/webhooks").text


def test_each_wrong_value_is_said_beside_its_field(app, signed_in, ana, payments):
    """422; what was typed stays; nothing is made."""
    answer = signed_in(ana).post("/webhooks/-/new", data={
        "key": "bus", "name": "My bus", "team": "payments", "url": "ftp://x", "events": "message.sent", "secret": "short"})
    assert answer.status_code == 422 and 'value="My bus"' in answer.text
    for said in ("An address begins with https://", "none of message", "A secret has 16 to 200 characters"):
        assert said in answer.text
    assert session.query(Webhook).count() == 0


def test_observers_and_others_see_neither_secret_nor_deliveries(hook, signed_in, charlie):
    """They see that it exists."""
    page = signed_in(charlie).get("/webhooks/bus").text
    assert "Only its managers see what was sent" in page and SECRET not in page


def test_the_document_makes_it_once_and_exports_no_secret(hook, app):
    """Applied twice it changes nothing; an unknown noun is a fault of its line."""
    assert "a-secret" not in str(export()["webhooks"]) and export()["webhooks"][0]["events"] == ["incident.*"]
    assert lines(diff({"webhooks": export()["webhooks"]})) == []
    assert "none of logins" in faults({"webhooks": [{"key": "xx", "url": "https://x.example", "events": ["logins.*"]}]})[0]


def test_machines_create_read_and_test_it(app, client, token, http_sink, ana, payments, run_jobs):
    """The fields of the document by the API; deliveries and tests beside it."""
    header = token(ana)
    made = client.post("/api/v1/webhooks", headers=header, json={
        "key": "bus", "url": f"{http_sink.url}/y", "events": ["*"], "team": "payments"})
    assert made.status_code == 201 and "secret" not in made.json
    test = client.post("/api/v1/webhooks/bus/test", headers=header)
    run_jobs()
    items = client.get("/api/v1/webhooks/bus/deliveries", headers=header).json["items"]
    assert (test.status_code, items[0]["state"], items[0]["answer"]) == (202, "sent", 200)
    again = client.post(f"/api/v1/webhooks/bus/deliveries/{items[0]['id']}/again", headers=header)
    assert again.json["state"] == "queued"
