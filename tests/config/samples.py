"""Whole objects of kinds that the example has not got, for tests that break them in every place."""

from __future__ import annotations

from typing import Any

SEVERE = {"field": "incident.severity", "op": "in", "value": ["critical"]}
HOURS = {"days": ["mon"], "from": "09:00", "to": "17:00", "time_zone": "UTC"}
NOTE = {"id": "told", "kind": "action", "action": "add_note", "with": {"body": "Look"}}
WORKFLOWS: list[dict[str, Any]] = [
    {"key": "stored", "name": "As it is stored", "trigger": {
        "event": "state_changed", "from": ["triggered"], "to": ["resolved"], "when": {"all": [
            SEVERE, {"not": {"field": "now", "op": "within", "value": HOURS}},
            {"any": [{"field": "incident.title", "op": "matches", "value": "disk"}, {"field": "incident.priority", "op": "exists"}]}]}},
     "nodes": [NOTE]},
    {"key": "grave", "trigger": "manual", "nodes": [
        {"id": "grave", "kind": "condition", "when": {"field": "incident.severity", "op": "gte", "value": "high"}, "name": "Grave",
         "at": {"x": 1, "y": 2}}, NOTE],
     "edges": [{"from": "trigger", "to": "grave"}, {"from": "grave", "out": "then", "to": "told"}]},
    {"key": "later", "trigger": "incident_opened", "timeout": "15m", "nodes": [
        {"id": "wait", "kind": "delay", "for": "15m", "stop_when": ["resolved"]},
        {"id": "cure", "kind": "runbook", "runbook": "restart", "parameters": {}, "wait": True}],
     "edges": [{"from": "wait", "to": "cure"}]},
    {"key": "post", "trigger": {"event": "severity_changed", "to": "high"}, "nodes": [
        {"id": "post", "kind": "action", "action": "slack_post", "connection": "chat", "with": {"channel": "C1", "text": "Look"},
         "timeout": "10s", "retries": 2}]},
    {"key": "weigh", "trigger": "incident.note_added", "nodes": [
        {"id": "weigh", "kind": "action", "action": "set_priority", "with": {"priority": "P1"}}]},
    {"key": "short", "name": "As people write it", "trigger": {
        "on": "incident.opened", "when": {"severity": ["critical"], "title": "*disk*", **HOURS}},
     "nodes": [{"id": "grave", "type": "condition", "when": {"severity": "critical", "pod": None}},
               {"id": "told", "type": "add_note", "body": "It is grave"},
               {"id": "post", "type": "slack_post", "connection": "chat", "with": {"channel": "C1", "text": "Look"}}],
     "edges": [{"from": "grave", "to": "told", "via": "then"}, {"from": "grave", "to": "post", "via": "else"}]},
    {"key": "old", "trigger": {"on": "incident.age", "after": "1h", "states": "triggered"},
     "nodes": [{"id": "told", "type": "acknowledge"}]},
    {"key": "nightly", "trigger": {"event": "schedule", "cron": "0 3 * * *", "time_zone": "Europe/Berlin"},
     "nodes": [{"id": "told", "type": "email", "to": "a@example.com", "subject": "Night", "text": "It is three"}]},
    {"key": "by-hand", "trigger": "manual", "nodes": [{"id": "told", "type": "resolve"}]}]

OTHERS: dict[str, Any] = {
    "postmortem_templates": [{"key": "short", "name": "Short", "team": "payments",
                              "sections": [{"heading": "What", "guide": "In a word", "body": "{{title}}"}]}],
    "rooms": [{"key": "main", "name": "#payments", "team": "payments", "channel": "slack", "address": "C1", "service": "checkout"}],
    "webhooks": [{"key": "bus", "name": "Bus", "team": "payments", "url": "https://example.com/hook", "events": ["incident.*"]}],
    "heartbeats": [{"key": "backup", "name": "Backup", "team": "payments", "service": "ledger", "every": "1d", "grace": "30m"}],
    "status_pages": [{"slug": "shop", "name": "Shop", "team": "payments", "components": [
        {"name": "Checkout", "group": "Shop", "services": ["checkout"]}]}],
    "partners": [{"email": "pat@partner.example", "name": "Pat", "grants": [{"page": "shop", "expires": "2030-01-01"}]}],
    "maintenance": [{"key": "weekly", "name": "Weekly", "services": ["checkout"], "labels": {"env": ["a", "b*"]},
                     "starts": "2030-01-01T00:00", "ends": "2030-01-01T02:00",
                     "repeat": {"unit": "week", "every": 1, "days": ["tue"], "until": "2030-06-01T00:00"}}],
    "routes": [{"name": "nights", "when": {"labels.env": ["prod", "re:eu-.*", None], "severity": "critical", **HOURS},
                "then": {"service": "checkout", "severity": "low", "labels": {"shift": "night"}, "delay": "5m"}, "continue": True}]}
