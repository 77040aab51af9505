"""What is said at the door becomes what is meant: nothing lost, nothing counted twice, every outcome in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
import time_machine

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.escalation.models import TeamPolicy
from app.incidents.models import Alert, Incident
from app.ingest import service as ingest
from app.ingest.models import Delivery
from tests import build
from tests.pager import firing, incident, messages, pager, post
from tests.racing import at_once

HOOK = "/in/token-of-hook-0123456789"


@pytest.fixture
def house(app):
    """The pager, and a webhook of the same team."""
    found = pager()
    build.integration("hook", plugin="webhook", team=found.team, service=None)
    return found


@pytest.fixture
def told(house, client, run_jobs):
    """`told({...})`: the notes of the delivery that comes of this body."""
    def say(body: Any, path: str = HOOK, **headers: str) -> str:
        answer = client.post(path, data=body if isinstance(body, (bytes, str)) else json.dumps(body), headers=headers)
        run_jobs()
        return str(session.get_one(Delivery, int(answer.json["delivery"]), populate_existing=True).note)
    return say


def rows(model: type) -> list[Any]:
    session.expire_all()
    return list(session.query(model).order_by(model.id))


@pytest.mark.parametrize("spoil", [
    lambda house: build.service("gone", team=house.team, lifecycle="archived"),
    lambda house: setattr(house.team, "archived_at", datetime(2026, 1, 1, tzinfo=UTC)),
    lambda house: setattr(house.policy, "levels", []),
    lambda house: session.query(TeamPolicy).delete(),
])
def test_no_configuration_makes_a_signal_fail_at_the_door(house, client, run_jobs, spoil):
    """ING-04, CAT-27: archived service, archived team, empty policy, none: 202, an incident, and somebody is paged."""
    build.user("root", role="admin")
    with transaction():
        spoil(house)
    assert post(client, house, firing(service="gone")).status_code == 202
    run_jobs()
    assert incident().status == "triggered" and messages()


def test_a_wrong_signature_is_refused_even_where_none_is_asked(house, client):
    """ING-10: where a plugin signs and a secret is set; and an alert of yesterday is taken."""
    build.integration("grafana", plugin="grafana", team=house.team, config={})
    with transaction():
        ingest.save_integration({"key": "grafana", "config": {"hmac_secret": "s3cret"}}, by=OPERATOR)
    body = json.dumps(firing())
    path = "/in/token-of-grafana-0123456789"
    assert client.post(path, data=body, headers={"X-Grafana-Alerting-Signature": "00"}).status_code == 401
    assert client.post(HOOK, json={"title": "old", "timestamp": "2020-01-01T00:00:00Z"}).status_code == 202


@pytest.mark.race
@pytest.mark.both_databases
def test_copies_with_one_key_are_one_and_without_a_key_each_counts(house, app, run_jobs):
    """ING-15, ESC-01: of fifty at once with one key one is accepted; without, one alert with count 50, one incident and one page."""
    path, body = house.path, json.dumps(firing())

    def answers(**headers: str) -> list[int]:
        found: list[int] = []
        assert at_once(app, *[lambda: found.append(app.test_client().post(path, data=body, headers=headers).status_code)] * 50) == []
        return sorted(found)
    assert answers(**{"Idempotency-Key": "one"}) == [200] * 49 + [202]
    run_jobs()
    assert answers() == [202] * 50
    run_jobs()
    alert, = rows(Alert)
    assert (alert.count, len(rows(Incident)), len(messages())) == (51, 1, 1)


def test_one_key_with_other_bytes_is_no_repeat_and_noted(told):
    """ING-17"""
    assert "another body" not in told({"id": "a", "title": "One"}, **{"Idempotency-Key": "k"})
    assert "key used with another body" in told({"id": "a", "title": "One", "value": 2}, **{"Idempotency-Key": "k"})
    alert, = rows(Alert)
    assert alert.count == 2


def test_trace_ids_are_no_keys(house, client):
    """ING-19: the same X-Request-Id and traceparent a hundred times are a hundred deliveries."""
    for _ in range(100):
        client.post(HOOK, json={"title": "x"}, headers={"X-Request-Id": "one", "traceparent": "00-1-2-01"})
    assert {row.state for row in rows(Delivery)} == {"received"} and len(rows(Delivery)) == 100


@pytest.mark.parametrize("name", ["title", "summary", "message", "name", "alertname", "subject"])
def test_a_title_stands_under_any_usual_name(told, name):
    """ING-20"""
    told({name: "Disk full", "level": "P1", "state": "FIRING", "fingerprint": "f", "metadata": {"routing_key": "CHECKOUT"},
          "link": "https://x.example/", "rack": 7})
    alert, = rows(Alert)
    assert (alert.title, alert.severity, alert.dedup_key, alert.url) == ("Disk full", "critical", "f", "https://x.example/")
    assert incident().service.key == "checkout"


def test_a_list_is_many_signals_and_a_missing_title_is_noted(told, house):
    """ING-20, ING-21"""
    told([{"id": "a", "title": "One"}, {"id": "b", "host": "db"}])
    one, two = rows(Alert)
    assert (one.title, two.title) == ("One", "Alert from Hook") and "no title" in " ".join(two.notes)


@pytest.mark.parametrize(("word", "severity"), [
    ("P1", "critical"), ("sev1", "critical"), ("EMERGENCY", "critical"), ("Warning", "medium"), ("5", "medium"),
    ("banana", "medium"), (None, "medium")])
def test_severities_in_any_letter_case_or_the_default_with_a_note(told, word, severity):
    """ING-23"""
    told({"title": "x", "severity": word})
    alert, = rows(Alert)
    assert alert.severity == severity
    assert ("default" in " ".join(alert.notes)) == (word in ("5", "banana", None))


@pytest.mark.parametrize("status", ["resolved", "acknowledged"])
def test_what_ends_or_takes_nothing_opens_nothing(told, status):
    """ING-25, SRC-05"""
    assert "nothing open" in told({"title": "x", "id": "a", "status": status})
    assert rows(Alert) == rows(Incident) == []


def test_a_sender_acknowledges_in_its_own_name(told):
    """ING-25: as "integration X"."""
    told({"title": "x", "id": "a"})
    told({"id": "a", "status": "acknowledged"})
    assert (incident().status, incident().acknowledged_name) == ("acknowledged", "integration Hook")


def test_one_unreadable_of_a_hundred_costs_no_other(told):
    """ING-26: 99 are applied, the one is named by its index."""
    note = told([{"id": f"p{at}", "title": f"Problem {at}"} if at != 42 else 7 for at in range(100)])
    assert len(rows(Alert)) == 99
    assert "item 42" in note + " ".join(rows(Alert)[0].notes)


def test_a_recovery_older_than_the_last_firing_closes_nothing(told):
    """ING-27: it is late, and noted."""
    told({"id": "a", "title": "x", "happened_at": "2026-03-02T10:05:00Z"})
    assert "late" in told({"id": "a", "status": "ok", "happened_at": "2026-03-02T10:04:00Z"})
    assert incident().status == "triggered"


def test_fifty_items_with_twenty_over_change_exactly_those(told, house):
    """SRC-06: and the same notification again makes no second page."""
    def items(over: int) -> dict[str, Any]:
        alerts = [{**firing(f"A{at}")["alerts"][0], "status": "resolved" if at < over else "firing"} for at in range(50)]
        return {**firing(), "alerts": alerts}
    build.service("quiet", team=house.team, noise={"storm": False})
    told(items(0), house.path)
    paged = len(messages())
    told(items(20), house.path)
    assert [alert.status for alert in rows(Alert)].count("resolved") == 20
    told(items(20), house.path)
    assert len([one for one in messages() if one.kind == "page"]) == len([one for one in messages()[:paged] if one.kind == "page"])


@pytest.mark.parametrize("link", ["javascript:alert(1)", "ftp://x", "https://", "file:///etc/passwd"])
def test_only_links_to_the_web_are_kept(told, link):
    """SRC-09, ING-28: nothing in a payload is ever fetched, and no other address is shown as a link."""
    told({"title": "x", "url": link})
    assert rows(Alert)[0].url == ""


def test_bad_ones_in_a_row_tell_the_team(house, client, run_jobs, tick):
    """ING-34: five in ten minutes open one incident of severity high, which ends with twenty good ones."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as at:
        for _ in range(6):
            client.post(HOOK, data="{broken")
        assert tick("app.ingest.trouble.weigh") == 1
        assert (incident().title, incident().severity) == ("Deliveries of Hook can't be read", "high")
        assert incident().team_id == house.team.id and messages()
        at.shift(60)
        for number in range(20):
            assert incident().status == "triggered"
            client.post(HOOK, json={"id": "ok", "status": "resolved", "n": number})
        run_jobs()
        assert tick("app.ingest.trouble.weigh") == 1 and tick("app.ingest.trouble.weigh") == 0
    assert incident().status == "resolved"


def test_the_door_answers_while_redis_and_every_worker_are_away(house, client, monkeypatch, tick):
    """ING-02: 202 all the while; the clock alone works it off afterwards, in order of arrival."""
    def away(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("no Redis")
    with monkeypatch.context() as broken:
        broken.setattr("redis.client.Redis.execute_command", away)
        broken.setattr("redis.client.Pipeline.execute", away)
        assert [client.post(HOOK, json={"id": f"p{at}", "title": f"Problem {at}"}).status_code for at in range(5)] == [202] * 5
    tick("app.ingest.ticks.drain")
    assert [one.title for one in rows(Incident)] == [f"Problem {at}" for at in range(5)]
