"""From a real webhook to a person's mailbox and back."""

import json

import pytest

from app.core import clock
from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.signatures import sign
from app.identity.models import User
from app.incidents import service
from app.incidents.models import Alert, Incident
from app.ingest import service as ingest
from app.ingest.models import Delivery
from tests.pager import firing, incident, messages, pager, post


@pytest.mark.both_databases
def test_an_alert_reaches_the_person_on_duty_by_mail(app, client, smtp, run_jobs):
    """NTF-01, NTF-31: 202, one incident, one mail whose subject carries the title."""
    house = pager()
    answer = post(client, house, firing())
    assert answer.status_code == 202 and answer.json["status"] == "accepted"
    run_jobs()
    assert [mail.subject for mail in smtp.to("bob@example.com")] == [
        "[Critical] #1 Checkout: HighErrorRate is too high"]
    assert not smtp.to("ana@example.com")
    assert [message.state for message in messages()] == ["sent"]


@pytest.mark.both_databases
def test_the_same_problem_again_is_counted_not_paged(app, client, smtp, run_jobs):
    """ESC-02: 20 signals of one key are one incident, count 20, one page."""
    house = pager()
    for _ in range(20):
        post(client, house, firing())
    run_jobs()
    post(client, house, firing())
    run_jobs()
    assert session.query(Alert).one().count == 21
    assert len(smtp.to("bob@example.com")) == 1


def test_a_recovery_resolves_the_incident(app, client, smtp, run_jobs):
    """ESC-08: the last alert's recovery ends the incident, by the integration; those paged are told."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    post(client, house, firing(status="resolved"))
    run_jobs()
    assert incident().status == "resolved" and incident().resolved_name == "integration Prometheus"
    assert smtp.to("bob@example.com")[-1].subject == "Resolved: #1 HighErrorRate is too high"


def test_the_problem_coming_back_opens_a_new_incident_that_names_the_former(app, client, run_jobs):
    """ING-18, ESC-06: firing, resolved, firing within seconds: nothing is swallowed."""
    house = pager()
    for status in ("firing", "resolved", "firing"):
        post(client, house, firing(status=status))
        run_jobs()
    newest = session.get_one(Incident, 2)
    assert (newest.status, newest.former_id, session.get_one(Incident, 1).status) == ("triggered", 1, "resolved")


def test_a_repeat_with_its_key_is_answered_with_the_first_delivery(app, client, run_jobs):
    """ING-14: 202, then 200 duplicate; two rows in the log."""
    house = pager()
    first = post(client, house, firing(), **{"Idempotency-Key": "a-1"})
    again = post(client, house, firing(), **{"Idempotency-Key": "a-1"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json == {"status": "duplicate", "delivery": first.json["delivery"]}
    assert sorted(row.state for row in session.query(Delivery)) == ["duplicate", "received"]


def test_an_unreadable_body_is_400_each_time_and_does_not_block_the_good_one(app, client, run_jobs):
    """ING-16: the same unreadable body twice is 400 twice; the good one with the same key is accepted."""
    house = pager()
    answers = [client.post(house.path, data=body, headers={"Idempotency-Key": "a-1"}).status_code
               for body in ("{broken", "{broken")]
    good = post(client, house, firing(), **{"Idempotency-Key": "a-1"})
    run_jobs()
    assert answers == [400, 400] and good.status_code == 202
    assert incident().status == "triggered"


@pytest.mark.parametrize("body", ["", "[]", "null", "7", '"text"', '{"alerts": "many"}', "{broken", "[" * 100_000])
def test_a_body_of_the_wrong_form_is_rejected_and_shown(app, client, body):
    """ING-21: 400 as problem+json, and a row with the reason."""
    house = pager()
    answer = client.post(house.path, data=body)
    assert answer.status_code == 400 and answer.mimetype == "application/problem+json"
    row = session.query(Delivery).one()
    assert row.state == "rejected" and row.note == answer.json["detail"]


def test_an_unknown_token_is_404(app, client):
    """ING-07: the same answer whatever is behind it; nothing is stored."""
    pager()
    answer = client.post("/in/there-is-no-such-token", data="{}")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"
    assert session.query(Delivery).count() == 0


def test_a_large_body_is_413_naming_the_limit(app, client):
    """ING-13: plain and packed alike."""
    import gzip

    house = pager()
    plain = client.post(house.path, data=b" " * 1_100_000)
    packed = client.post(house.path, data=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"})
    assert [plain.status_code, packed.status_code] == [413, 413]
    assert "1 MiB" in plain.json["detail"]


def test_a_packed_body_is_read(app, client, run_jobs):
    """Numbers: gzip and deflate are accepted."""
    import gzip
    import json

    house = pager()
    client.post(house.path, data=gzip.compress(json.dumps(firing()).encode()), headers={"Content-Encoding": "gzip"})
    run_jobs()
    assert incident().title == "HighErrorRate is too high"


def test_nothing_configured_still_pages_an_admin(app, client, smtp, run_jobs):
    """ING-05, ESC-30: no service, no team, no policy: every platform admin is paged, the incident says why."""
    from tests import build

    build.user("root", role="admin")
    build.integration("lonely")
    client.post("/in/token-of-lonely-0123456789", json={"title": "Disk full"})
    run_jobs()
    assert smtp.to("root@example.com")[0].subject == "[Medium] #1: Disk full"
    assert incident().labels["unrouted"].startswith("Unrouted: the signal names no service")


def test_the_service_key_of_the_signal_wins_over_the_default(app, client, run_jobs):
    """ESC-12, ESC-13, ESC-14: the label decides, in any letter case; the incident says which step chose."""
    from tests import build

    house = pager()
    build.service("ledger", team=house.team)
    post(client, house, firing(service="LEDGER"))
    run_jobs()
    assert incident().service.key == "ledger"
    assert incident().route["reason"] == "Routed by the service key LEDGER of the signal"


def test_an_acknowledge_stops_what_waits(app, client, smtp, run_jobs, tick):
    """ESC-21: after the acknowledge nobody else is paged, and the run reads voided."""
    import time_machine

    from tests.pager import run

    house = pager()
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        post(client, house, firing())
        run_jobs()
        with transaction():
            service.acknowledge(session.get_one(Incident, 1), by=Actor(house.bob.ref, "Bob", "web", house.bob.id))
        run_jobs()
        clock.shift(61)
        tick("app.escalation.ticks.advance")
        run_jobs()
    assert run().state == "voided"
    assert len(smtp.to("bob@example.com")) == 1 and not smtp.to("ana@example.com")


def test_an_unknown_token_in_a_header_is_told_to_machines_in_their_form(app):
    refused = app.test_client().post("/in", json={"title": "x"}, headers={"X-API-Key": "unknown-token-0123456789"})
    assert (refused.status_code, refused.mimetype) == (404, "application/problem+json")


@pytest.mark.both_databases
def test_alerts_name_their_integration_by_its_key_and_are_found_by_it(app, client, token, run_jobs):
    house = pager()
    post(client, house, firing())
    run_jobs()
    headers = token(session.query(User).filter_by(email="ana@example.com").one())
    found, = client.get("/api/v1/alerts?integration=prometheus", headers=headers).json["items"]
    assert found["integration"] == "prometheus"
    assert client.get("/api/v1/alerts?integration=other", headers=headers).json["items"] == []


@pytest.mark.both_databases
def test_a_captured_signed_request_sent_again_is_a_repeat(app, client):
    """ING-09: the time inside the signature makes it so; unsigned ones without a key are each counted."""
    house = pager()
    with transaction():
        ingest.save_integration({"key": "prometheus", "secret": "a-very-secret-word"}, by=OPERATOR)
    body = json.dumps(firing()).encode()
    headers = sign(body, secret="a-very-secret-word", at=clock.now(), delivery="")
    del headers["X-OnCall-Delivery"]
    answers = [client.post(house.path, data=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200]
    assert answers[1].json == {"status": "duplicate", "delivery": answers[0].json["delivery"]}
