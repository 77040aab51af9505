"""Moving in from other products: what is carried is exact, what is not is named, and nothing is written anywhere."""

from __future__ import annotations

import copy
import json
from collections import Counter

import pytest
import time_machine
import yaml
from sqlalchemy import func, select

from app.config import importing
from app.config.import_commands import import_
from app.core.db import session
from app.core.errors import Failure, Invalid
from app.core.importing import Keys, minutes_of, restrictions_of, span_text
from app.ingest.models import Delivery
from tests import build
from tests.config.documents import apply, lines
from tests.config.exports import EXPORTS, NOW, of, pagerduty, verdicts
from tests.config.exports.source import Source

COUNTED = {
    "pagerduty": {"user": 3, "team": 1, "schedule": 2, "escalation_policy": 1, "service": 2, "business_service": 1, "integration": 2,
                  "maintenance_window": 2, "ruleset_rule": 3, "response_play": 1},
    "opsgenie": {"user": 4, "team": 1, "schedule": 2, "escalation": 2, "routing-rule": 2, "service": 2, "integration": 2, "heartbeat": 1,
                 "maintenance": 1, "alert-policy": 1},
    "grafana-oncall": {"user": 3, "team": 1, "schedule": 2, "escalation_chain": 1, "integration": 2, "route": 1, "webhook": 1}}
each_source = pytest.mark.parametrize("source", sorted(EXPORTS))


@each_source
def test_every_object_of_the_source_has_one_line_and_nothing_is_dropped(read, source):
    """MIG-14."""
    imported = read(source)
    assert Counter(line.kind for line in imported.plan) == COUNTED[source]
    assert len({(line.kind, line.id) for line in imported.plan}) == len(imported.plan)
    assert all(line.reason for line in imported.plan if line.verdict != "carried")


@each_source
def test_apply_takes_the_document_and_a_second_import_is_the_same(read, source):
    """MIG-13: byte for byte; and applied twice it changes nothing but what is written only."""
    first, second = (json.dumps(read(source).document) for _ in range(2))
    assert first == second
    with time_machine.travel(NOW, tick=False):
        assert any("created schedule" in line for line in lines(apply(json.loads(first))))
        assert not any("created" in line for line in lines(apply(json.loads(first))))


@each_source
def test_the_schedules_say_what_the_source_says_also_over_a_change_of_clocks(read, source):
    """MIG-16: zero seconds of difference."""
    imported = read(source)
    assert imported.proofs and not any("duty differs" in line.reason for line in imported.plan)


def test_a_schedule_that_would_differ_is_changed_and_the_span_is_named(read):
    """MIG-16."""
    export = copy.deepcopy(pagerduty.EXPORT)
    export["schedules/PSCH"]["schedule"]["final_schedule"]["rendered_schedule_entries"][0]["user"] = pagerduty.ref("user", "PCHE")
    verdict, reason = verdicts(read("pagerduty", export), "schedule")["Payments primary"]
    assert verdict == "changed"
    assert reason == "duty differs: 2026-03-28 07:00 to 03-28 19:00 UTC chen@example.com there, bob@example.com here"


def test_times_are_exact(read):
    """MIG-15: 4 minutes stay 4 minutes; absolute delays become times between levels."""
    policy = of(read("pagerduty"), "escalation_policies", "payments")
    assert ([level["timeout"] for level in policy["levels"]], policy["repeat"]) == (["4m", "10m"], 3)
    assert of(read("pagerduty"), "users", "Ana Alvarez")["rules"]["high"][1] == {"after": "4m", "via": "voice"}
    policy = of(read("opsgenie"), "escalation_policies", "payments-escalation")
    assert [level["timeout"] for level in policy["levels"]] == ["5m", "5m", "15m"]
    policy = of(read("grafana-oncall"), "escalation_policies", "payments")
    assert [level["timeout"] for level in policy["levels"]] == ["5m", "15m", "5m"]


def test_layers_stand_in_our_order_and_restrictions_over_nights_and_weekends_are_carried(read):
    """MIG-16: their first layer is their highest, ours the last."""
    imported = read("pagerduty")
    assert [layer["name"] for layer in of(imported, "schedules", "payments-primary")["layers"]] == ["Weekly", "Nights"]
    weekend = of(imported, "schedules", "weekend")["layers"][0]["restrictions"]
    assert [(one["days"], one["from"], one["to"]) for one in weekend] == [
        (["fri"], "18:00", "00:00"), (["sat", "sun"], "00:00", "00:00"), (["mon"], "00:00", "09:00")]


def test_rotations_that_are_on_duty_at_once_become_schedules_which_one_level_pages_together(read):
    """There all rotations of a schedule hold; here one layer decides."""
    imported = read("opsgenie")
    assert [item["key"] for item in imported.document["schedules"]] == ["payments-schedule", "both-at-once-first", "both-at-once-second"]
    level = of(imported, "escalation_policies", "both")["levels"][0]
    assert [target["schedule"] for target in level["targets"]] == ["both-at-once-first", "both-at-once-second"]


def test_people_who_are_gone_are_named_where_they_were_used(read):
    """MIG-17."""
    assert "somebody in it has no account any more" in verdicts(read("pagerduty"), "schedule")["Weekend"][1]
    assert "Zoe Gone is not there any more" in verdicts(read("pagerduty"), "escalation_policy")["Payments"][1]
    assert "zoe@example.com has no account" in verdicts(read("opsgenie"), "team")["Payments"][1]


@pytest.mark.parametrize(("source", "path", "body", "headers"), [
    ("pagerduty", "/v2/enqueue", {"routing_key": "0123456789abcdef0123456789abcdef", "event_action": "trigger", "dedup_key": "x",
                                  "payload": {"summary": "Down", "source": "web-1", "severity": "critical"}}, {}),
    ("opsgenie", "/v2/alerts", {"message": "Down"}, {"Authorization": "GenieKey 11111111-2222-3333-4444-555555555555"}),
    ("grafana-oncall", "/integrations/v1/alertmanager/mReAoNwDm0eMwKo1mTeTwYo/", {
        "alerts": [{"status": "firing", "labels": {"alertname": "Down"}, "annotations": {}}], "status": "firing", "version": "4"}, {})])
def test_a_sender_keeps_its_key_and_changes_the_host_alone(read, client, source, path, body, headers):
    """MIG-18."""
    with time_machine.travel(NOW, tick=False):
        apply(read(source).document)
    answer = client.post(path, json=body, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    assert session.scalar(select(func.count()).select_from(Delivery)) == 1


def test_what_stands_here_under_the_same_key_with_other_content_is_a_conflict(read, ana):
    """MIG-19: nothing is changed; the plan says so."""
    build.team("payments", manager=ana, description="Ours")
    line = next(line for line in read("pagerduty").plan if line.kind == "team")
    assert (line.verdict, line.reason) == ("conflict", "there is another team payments here already")


@pytest.mark.parametrize(("harm", "said"), [
    ({}, "There is nothing of PagerDuty in it"),
    ({"users": {"users": [{"id": 1, "email": "a@example.com", "contact_methods": [3]}]}}, "no export of PagerDuty")])
def test_a_foreign_or_broken_export_is_one_clear_line(app, harm, said):
    """MIG-20."""
    with pytest.raises(Invalid, match=said):
        importing.converted(app.extensions["plugins"].importers["pagerduty"], harm, NOW)


def test_a_file_that_is_no_json_is_named(tmp_path):
    """MIG-20."""
    (tmp_path / "users.json").write_text("{")
    with pytest.raises(Invalid, match="users.json can't be read"):
        importing.read_folder(tmp_path)


def pagerduty_said(export, path, query):
    """A service tells the keys of its integrations, and a schedule its shifts, only when that is asked for."""
    found = copy.deepcopy(export.get(path, {}))
    if path == "services" and "integrations" not in query.get("include[]", []):
        found = {"services": [{**one, "integrations": []} for one in found["services"]]}
    if path.startswith("schedules/") and not ("since" in query and "until" in query):
        found["schedule"] |= {"final_schedule": {}, "overrides": []}
    return {**found, "more": False}


def opsgenie_said(export, path, query):
    """A list of notification rules or of maintenance leaves out what single ones tell."""
    plain = path.split("/", 1)[1].replace("policies/alert", "alert-policies")
    if plain in export:
        slim = {"maintenance": "rules"}.get(plain, "steps" if plain.endswith("notification-rules") else "")
        data = export[plain]["data"]
        return {"data": [{key: one[key] for key in one if key != slim} for one in data] if slim else data}
    group, _, key = plain.rpartition("/")
    return {"data": next((one for one in export.get(group, {}).get("data", []) if one.get("id") == key), {})}


def oncall_said(export, path, query):
    """The final shifts need both ends of a time."""
    if path.endswith("final_shifts") and not ("start_date" in query and "end_date" in query):
        return 400
    return export.get(path)


ROADS = {"pagerduty": pagerduty_said, "opsgenie": opsgenie_said, "grafana-oncall": oncall_said}


@each_source
def test_the_api_is_only_read_patiently_and_never_twice(app, monkeypatch, tmp_path, source):
    """MIG-13, MIG-20: 429 is waited for; a run that was cut goes on where it was."""
    monkeypatch.setattr(importing, "PER_SECOND", 10_000)
    importer, there = app.extensions["plugins"].importers[source], Source(EXPORTS[source], ROADS[source])
    there.refuse = [429, 200, 500]
    with pytest.raises(Failure, match="answered 500"):
        importing.fetch(importer, "token", tmp_path, NOW, url=there.url)
    first = len(there.asked)
    data = importing.fetch(importer, "token", tmp_path, NOW, url=there.url)
    assert there.asked.count(there.asked[0]) == 2 and len(there.asked) > first and there.written == []
    asked = len(there.asked)
    importing.fetch(importer, "token", tmp_path, NOW, url=there.url)  # a whole one was there: this one begins anew
    assert len(there.asked) > asked + 5 and all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*.json"))
    there.stop()
    assert importing.converted(importer, data, NOW).document == importing.converted(importer, EXPORTS[source], NOW).document


def test_a_token_that_is_refused_is_said(app, tmp_path):
    """MIG-20."""
    there = Source({}, lambda *_: {})
    there.refuse = [401]
    with pytest.raises(Failure, match="refuses the token"):
        importing.fetch(app.extensions["plugins"].importers["pagerduty"], "wrong", tmp_path, NOW, url=there.url)
    there.stop()


def test_keys_are_made_by_one_rule():
    """MIG-21: valid, at most 60 characters, each only once, the same every time."""
    keys = Keys()
    made = [keys.of("teams", at, name) for at, name in enumerate(("Größe & Maß", "Grosse Mass", "🦉", "x" * 300, "x" * 301, "Grosse-Mass"))]
    assert made == ["groe-ma", "grosse-mass", "teams-2", "x" * 60, "x" * 58 + "-2", "grosse-mass-2"]
    assert keys.of("teams", 0, "Another name") == "groe-ma"


def test_spans_within_a_week():
    """A span may run over midnights and over the end of the week."""
    assert restrictions_of(4, 18 * 3600, 63 * 3600) == [
        (4, "18:00", "00:00"), (5, "00:00", "00:00"), (6, "00:00", "00:00"), (0, "00:00", "09:00")]
    assert len(minutes_of(restrictions_of(6, 20 * 3600, 12 * 3600))) == 720
    assert [span_text(seconds) for seconds in (0, 240, 7200, 86400, 61)] == ["0m", "4m", "2h", "1d", "61s"]


def test_the_command_writes_document_and_plan(app, tmp_path):
    """The document on standard output or into a file, the plan as JSON."""
    for path, answer in pagerduty.EXPORT.items():
        file = tmp_path / "export" / f"{path}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(answer))
    import_.callback.__wrapped__("pagerduty", tmp_path / "export", None, "", None, tmp_path / "out.yaml", tmp_path / "plan.json", None, False)
    assert yaml.safe_load((tmp_path / "out.yaml").read_text())["services"][0]["key"] == "checkout"
    assert {line["verdict"] for line in json.loads((tmp_path / "plan.json").read_text())} >= {"carried", "changed", "skipped"}
