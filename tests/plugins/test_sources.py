"""What is special about single sources: groups, signatures, mappings, answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core import contract
from app.core.plugins import Registry
from app.plugin_api import Inbound, Rejected, Signal

PLUGINS = Path(__file__).parents[2] / "plugins"


def sample(slug: str, name: str) -> Any:
    return json.loads((PLUGINS / slug / "samples" / name).read_bytes())


def read(registry: Registry, slug: str, body: Any, **config: Any) -> list[Signal]:
    return registry.integrations[slug].normalize(contract.inbound(json.dumps(body).encode()), config)


def test_a_group_fires_while_any_of_its_alerts_does(registry: Registry) -> None:
    firing, = read(registry, "alertmanager", sample("alertmanager", "batch.json"), per="group")
    over, = read(registry, "alertmanager", sample("alertmanager", "resolved.json"), per="group")
    assert (firing.status, firing.severity, over.status) == ("firing", "critical", "resolved")
    assert firing.dedup_key == over.dedup_key and "7 more alerts" in firing.notes[0]


def test_a_group_of_grafana_ends_with_its_last_alert(registry: Registry) -> None:
    body = sample("grafana", "firing.json")
    second = {**body["alerts"][0], "fingerprint": "other", "status": "resolved"}
    both, = read(registry, "grafana", {**body, "alerts": [*body["alerts"], second]}, per="group")
    none, = read(registry, "grafana", {**body, "alerts": [second]}, per="group")
    assert (both.status, none.status) == ("firing", "resolved") and both.dedup_key == none.dedup_key
    assert both.title.endswith("(1 of 2 firing)")


def test_labels_identify_an_alert_without_fingerprint_whatever_its_severity(registry: Registry) -> None:
    firing, over = sample("alertmanager", "firing.json"), sample("alertmanager", "resolved.json")
    for body in (firing, over):
        del body["alerts"][0]["fingerprint"]
    over["alerts"][0]["labels"] = dict(reversed(over["alerts"][0]["labels"].items()))
    one, two = read(registry, "alertmanager", firing), read(registry, "alertmanager", over)
    assert one[0].dedup_key == two[0].dedup_key


def signed(body: bytes, secret: str, timestamp: str = "") -> Inbound:
    text = timestamp.encode() + b":" + body if timestamp else body
    mac = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return contract.inbound(body, {"x-grafana-alerting-signature": mac.upper(), "x-time": timestamp})


BODY = (PLUGINS / "grafana" / "samples" / "firing.json").read_bytes()


def test_grafana_signatures_are_checked_over_the_raw_body(registry: Registry) -> None:
    grafana, config = registry.integrations["grafana"], {"hmac_secret": "s3cret"}
    grafana.verify(signed(BODY, "s3cret"), config)
    for wrong in (signed(BODY, "other"), contract.inbound(BODY), replace(signed(BODY, "s3cret"), body=BODY + b" ")):
        with pytest.raises(Rejected) as refusal:
            grafana.verify(wrong, config)
        assert refusal.value.unauthenticated


@pytest.mark.parametrize(("age", "accepted"), [(299, True), (301, False), (-59, True), (-61, False)])
def test_grafana_times_are_judged_where_they_are_signed(registry: Registry, age: int, accepted: bool) -> None:
    request = signed(BODY, "s3cret", str(int(contract.RECEIVED.timestamp()) - age))
    config = {"hmac_secret": "s3cret", "timestamp_header": "X-Time"}
    if accepted:
        registry.integrations["grafana"].verify(request, config)
    else:
        with pytest.raises(Rejected, match="stale"):
            registry.integrations["grafana"].verify(request, config)


PAYLOAD = {"check": {"name": "disk", "color": "RED", "ids": [{"n": 7}], "labels": {"host": "db-1"}}, "a.b": "dotted"}


@pytest.mark.parametrize(("rule", "title"), [
    ({"path": "check.name"}, "disk"), ("check.ids[0].n", "7"), ({"path": '["a.b"]'}, "dotted"),
    ({"constant": "x"}, "x"),
    ({"first": [{"path": "nowhere"}, {"path": "check.ids[9]"}, "check.name"]}, "disk"),
    ({"table": {"red": "Burning"}, "path": "check.color"}, "Burning"),
    ({"table": {}, "path": "check.color", "default": "Fine"}, "Fine"),
    ({"template": "{check.name} on {check.labels.host}"}, "disk on db-1"),
])
def test_a_mapping_says_where_the_title_stands(registry: Registry, rule: Any, title: str) -> None:
    signal, = read(registry, "webhook", PAYLOAD, mapping={"title": rule})
    assert (signal.title, signal.notes) == (title, ())


@pytest.mark.parametrize("rule", [
    {"path": "nowhere"}, {"path": 3}, {"path": "check.ids[7].n"}, {"path": "check.name.deeper"}, {}, [], 7, None,
    {"first": "no"}, {"first": [{"first": [{"first": [{"first": [{"first": ["title"]}]}]}]}]}, 
    {"table": 1, "path": "title"},
    {"template": "{nowhere}"}, {"template": "{check.__class__}"},
])
def test_a_mapping_that_fails_falls_back_with_a_note(registry: Registry, rule: Any) -> None:
    signal, = read(registry, "webhook", {**PAYLOAD, "title": "Usual"}, mapping={"title": rule})
    assert signal.title == "Usual" and len(signal.notes) == 1 and "'title'" in signal.notes[0]


@pytest.mark.parametrize("mapping", ["text", 7, ["list"], {"wrong": {"path": "title"}}])
def test_a_mapping_that_is_none_loses_no_signal(registry: Registry, mapping: Any) -> None:
    signal, = read(registry, "webhook", {"title": "Usual"}, mapping=mapping)
    assert signal.title == "Usual" and signal.notes


@pytest.mark.parametrize(("word", "severity"), [
    ("P1", "critical"), ("sev1", "critical"), ("EMERGENCY", "critical"), ("Warning", "medium"), (5, ""),
    ("banana", ""), (None, ""),
])
def test_severity_words_are_understood_in_any_case(registry: Registry, word: Any, severity: str) -> None:
    signal, = read(registry, "webhook", {"title": "x", "severity": word})
    assert signal.severity == severity


def test_a_problem_without_a_key_keeps_its_identity_while_other_things_change(registry: Registry) -> None:
    base = {"title": "Disk", "host": "db-1"}
    changes = ({"severity": "P1", "value": 3}, {"severity": "info", "state": "ok", "count": 9}, {"host": "db-2"})
    one, two, other = (read(registry, "webhook", base | change)[0].dedup_key for change in changes)
    assert one == two != other


def test_all_faults_of_an_event_are_told_at_once(registry: Registry) -> None:
    events = registry.integrations["pagerduty_events"]
    request = contract.inbound(b'{"event_action": "trigger", "payload": {}}')
    with pytest.raises(Rejected) as refusal:
        events.verify(request, {})
    answer = events.respond(request, refusal.value)  # type: ignore[attr-defined]
    assert answer.status == 400 and answer.json()["status"] == "invalid event"
    assert [word in str(answer.json()["errors"]) for word in ("summary", "source", "severity")] == [True] * 3


def test_a_trigger_without_a_key_gets_one_that_resolves_it(registry: Registry) -> None:
    events, body = registry.integrations["pagerduty_events"], sample("pagerduty_events", "firing.json")
    del body["dedup_key"]
    request = contract.inbound(json.dumps(body).encode())
    key = events.respond(request, None).json()["dedup_key"]  # type: ignore[attr-defined]
    assert events.normalize(request, {})[0].dedup_key == key
    over = read(registry, "pagerduty_events", {"event_action": "resolve", "dedup_key": key})
    assert (over[0].dedup_key, over[0].status) == (key, "resolved")


def test_a_sender_of_the_first_version_hears_its_own_answer(registry: Registry) -> None:
    events = registry.integrations["pagerduty_events"]
    request = contract.inbound(json.dumps(sample("pagerduty_events", "first_version.json")).encode())
    answer = events.respond(request, None)  # type: ignore[attr-defined]
    assert (answer.status, answer.json()["incident_key"]) == (200, "db-1/disk")


@pytest.mark.parametrize(("body", "key"), [
    (b'{"routing_key": "body"}', "body"), (b'{"service_key": "old"}', "old"), (b"{}", "header"), 
    (b"not JSON", "header"),
    (b"[]", "header"),
])
def test_the_routing_key_is_found_in_body_or_header(registry: Registry, body: bytes, key: str) -> None:
    request = contract.inbound(body, {"x-routing-key": "header"})
    events = registry.integrations["pagerduty_events"]
    assert events.credential(request) == key  # type: ignore[attr-defined]
