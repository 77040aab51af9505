"""What is special about single vendors: their words, times, order and signatures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from app.core import contract
from app.core.plugins import Registry
from app.plugin_api import Inbound, Rejected, Signal
from tests.plugins.conftest import ROOT
from tests.plugins.test_sources import read, sample


def one(registry: Registry, slug: str, **change: Any) -> Signal:
    """The signal of the firing sample with some fields changed."""
    return read(registry, slug, sample(slug, "firing.json") | change)[0]


@pytest.mark.parametrize(("transition", "status"), [
    ("Triggered", "firing"), ("Re-Triggered", "firing"), ("Warn", "firing"), ("No Data", "firing"), ("Renotify", "firing"),
    ("RECOVERED", "resolved"), ("Muted", "suppressed"), ("Something new", "firing"),
])
def test_datadog_says_what_became_of_a_monitor(registry: Registry, transition: str, status: str) -> None:
    """SRC-02: the transition in any case; a warning after an alert is not the end of it."""
    assert one(registry, "datadog", alert_transition=transition).status == status


def test_datadog_times_priorities_and_titles_come_in_many_forms(registry: Registry) -> None:
    """SRC-02"""
    times = [one(registry, "datadog", last_updated=said).happened_at
             for said in ("2026-01-05T08:58:12Z", "1767603492", 1767603492, "1767603492000", 1767603492000)]
    assert len(set(times)) == 1 and times[0] is not None
    without = one(registry, "datadog", alert_priority="", severity=None, alert_type="warning")
    assert without.severity == "medium" and one(registry, "datadog", alert_priority="", alert_type="").severity == ""
    for title in ("[Triggered] Disk", "[P1] [Re-Triggered on {host:a,b}] Disk", "[No Data on {x}] Disk", "[Recovered] Disk", "Disk"):
        assert one(registry, "datadog", title=title).title == "Disk"


def test_two_scopes_of_one_monitor_are_two_problems_that_recover_one_by_one(registry: Registry) -> None:
    """SRC-03, SRC-05: and the scope's parts may come in another order."""
    web_1, web_2 = (one(registry, "datadog", scopes=scopes) for scopes in ("host:web-1,env:prod", "host:web-2,env:prod"))
    over = one(registry, "datadog", scopes="env:prod, host:web-1", alert_transition="Recovered", alert_priority="P5")
    assert over.dedup_key == web_1.dedup_key != web_2.dedup_key
    assert one(registry, "datadog", alert_transition="No Data").title.startswith("No Data: ")


@pytest.mark.parametrize(("state", "status"), [
    ("CREATED", "firing"), ("ACTIVATED", "firing"), (["activated"], "firing"), ("ACKNOWLEDGED", "acknowledged"),
    ("CLOSED", "resolved"), (["DEACTIVATED"], "resolved"),
])
def test_new_relic_issues_keep_their_key_through_their_life(registry: Registry, state: Any, status: str) -> None:
    """SRC-04: lists with one item are read as the item."""
    signal = one(registry, "newrelic", state=state, title=["Slow"], priority=["HIGH"])
    assert (signal.status, signal.title, signal.severity) == (status, "Slow", "high")
    assert signal.dedup_key == one(registry, "newrelic").dedup_key


def test_new_relic_names_the_service_by_label_then_by_entity(registry: Registry) -> None:
    """SRC-04"""
    assert one(registry, "newrelic", labels={"service": "billing"}).service_key == "billing"
    for said in (["checkout", "cart"], "checkout, cart", ["checkout"]):
        assert one(registry, "newrelic", impactedEntities=said).service_key == "checkout"


@pytest.mark.parametrize(("slug", "word", "severity"), [
    *(("azure-monitor", f"Sev{number}", name) for number, name in enumerate(("critical", "high", "medium", "low", "info"))),
    ("zabbix", "Disaster", "critical"), ("zabbix", "Average", "high"), ("zabbix", "2", "medium"), ("zabbix", "Not classified", ""),
])
def test_severities_are_each_vendors_own(registry: Registry, slug: str, word: str, severity: str) -> None:
    body = sample(slug, "firing.json")
    place = body["data"]["essentials"] if slug == "azure-monitor" else body
    place["severity"] = word
    assert read(registry, slug, body)[0].severity == severity


@pytest.mark.parametrize(("status", "means"), [
    ("Down", "firing"), ("Warning", "firing"), ("Unusual", "firing"), ("now: Up", "resolved"), ("Up (was: Down)", "resolved"),
    ("Down (was: Up)", "firing"), ("Down (Acknowledged)", "acknowledged"), ("Paused (by user)", "suppressed"),
])
def test_prtg_states_are_read_from_its_words(registry: Registry, status: str, means: str) -> None:
    assert read(registry, "prtg", {"sensorid": "1", "status": status})[0].status == means


@pytest.mark.parametrize(("action", "means"), [
    ("acknowledged, commented", "acknowledged"), ("unacknowledged", "firing"), ("suppressed", "suppressed"),
    ("unsuppressed", "firing"), ("changed severity from High to Disaster", "firing"), ("", "firing"),
])
def test_zabbix_updates_are_what_people_did(registry: Registry, action: str, means: str) -> None:
    assert one(registry, "zabbix", update_action=action).status == means


def test_a_certificate_is_a_problem_of_its_own(registry: Registry) -> None:
    down, about = one(registry, "uptimerobot"), one(registry, "uptimerobot", alertType="3")
    assert about.dedup_key == f"{down.dedup_key}:ssl"


def test_monitors_in_the_query_of_a_request_are_read(registry: Registry) -> None:
    sent = replace(contract.inbound(b""), query=sample("uptimerobot", "firing.json"))
    assert registry.integrations["uptimerobot"].normalize(sent, {})[0] == one(registry, "uptimerobot")


def test_splunk_tells_problems_apart_by_the_chosen_columns(registry: Registry) -> None:
    body = sample("splunk", "firing.json")
    other = body | {"result": body["result"] | {"host": "web-2"}}
    usual = [read(registry, "splunk", one)[0].dedup_key for one in (body, other)]
    chosen = [read(registry, "splunk", one, key_fields=["service"])[0].dedup_key for one in (body, other)]
    assert usual[0] != usual[1] and chosen[0] == chosen[1]


def test_only_the_branches_that_count_page(registry: Registry) -> None:
    for slug in ("github", "gitlab"):
        body = sample(slug, "firing.json")
        assert read(registry, slug, body, branches=["main"])[0].status == "firing"
        assert read(registry, slug, body, branches=["release"])[0].status == "suppressed"


def test_a_link_that_would_report_success_is_not_shown(registry: Registry) -> None:
    signal, = read(registry, "healthchecks", sample("healthchecks", "firing.json"), site="https://healthchecks.io")
    assert "ping" not in signal.url and signal.url.startswith("https://healthchecks.io/checks/")


SIGNED = ("checkly", "github", "gitlab", "grafana", "honeycomb", "jira", "pagerduty_webhooks", "sentry", "servicenow", "signalfx",
          "zendesk")
TOKENS = ("gitlab", "honeycomb", "servicenow")


@pytest.mark.parametrize("slug", SIGNED)
def test_a_secret_that_was_entered_is_asked_for(registry: Registry, slug: str) -> None:
    """INT-02: right once signed by it, refused without, with another, and over another body where it covers one."""
    plugin: Any = registry.integrations[slug]
    config = contract.defaults(plugin) | {field.name: "s3cret" for field in plugin.fields if field.secret}
    body = (ROOT / "plugins" / slug / "samples/firing.json").read_bytes()

    def sent(secret: str, body: bytes = body) -> Inbound:
        named = {name: secret if value == "s3cret" else value for name, value in config.items()}
        made = plugin.sign(body, named, contract.RECEIVED)
        return contract.inbound(body, {name.lower(): value for name, value in made.items()})

    plugin.verify(sent("s3cret"), config)
    other = sent("s3cret") if slug in TOKENS else replace(sent("s3cret"), body=body + b" ")
    for wrong in (contract.inbound(body), sent("other"), *([other] if other.body != body else [])):
        with pytest.raises(Rejected) as refusal:
            plugin.verify(wrong, config)
        assert refusal.value.unauthenticated


def test_an_event_is_the_same_alone_in_a_batch_and_in_headers(registry: Registry) -> None:
    """ING-44"""
    event = sample("cloudevents", "firing.json")
    headers = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    binary = contract.inbound(json.dumps(event["data"]).encode(), {**headers, "content-type": "application/json"})
    plugin: Any = registry.integrations["cloudevents"]
    alone, many = read(registry, "cloudevents", event)[0], read(registry, "cloudevents", [event] * 50)
    assert plugin.normalize(binary, {}) == [alone] and many == [alone] * 50
    structured = contract.inbound(json.dumps(event).encode())
    assert plugin.delivery_key(binary) == plugin.delivery_key(structured) != ""


def test_an_event_names_its_problem_and_state_where_one_says(registry: Registry) -> None:
    event = {"type": "check", "source": "/s", "id": "1", "data": {"check": {"id": "disk", "state": "OK"}}}
    signal, = read(registry, "cloudevents", event, key_path="check.id", status_path="check.state")
    assert (signal.dedup_key, signal.status) == ("disk", "resolved")
