"""An account of PagerDuty as its REST API v2 answers: https://developer.pagerduty.com/api-reference."""

from __future__ import annotations

from typing import Any


def ref(kind: str, id: str, summary: str = "") -> dict[str, str]:
    return {"id": id, "type": f"{kind}_reference", "summary": summary}


def method(id: str, kind: str, address: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "type": f"{kind}_contact_method", "label": kind, "address": address, **more}


def rule(minutes: int, of: str, urgency: str = "high") -> dict[str, Any]:
    return {"type": "assignment_notification_rule", "start_delay_in_minutes": minutes, "urgency": urgency,
            "contact_method": {"id": of}}


def user(id: str, name: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "email": f"{name.split()[0]}@Example.com", "time_zone": "Europe/Berlin", "role": "user", **more}


USERS = [
    user("PANA", "Ana Alvarez", role="owner",
         contact_methods=[method("CM1", "email", "ana@example.com"), method("CM2", "phone", "171 5550001", country_code=49),
                          method("CM3", "sms", "1715550001", country_code=49), method("CM4", "push_notification", "token")],
         notification_rules=[rule(0, "CM3"), rule(4, "CM2"), rule(0, "CM1", "low"), rule(1, "CM4")]),
    user("PBOB", "Bob Brandt"), user("PCHE", "Chen Wei", time_zone="Asia/Singapore"),
]
LAYERS = [
    {"id": "L1", "name": "Nights", "start": "2026-01-05T20:00:00+01:00", "end": None,
     "rotation_virtual_start": "2026-01-05T20:00:00+01:00", "rotation_turn_length_seconds": 86400,
     "users": [{"user": ref("user", "PCHE")}],
     "restrictions": [{"type": "daily_restriction", "start_time_of_day": "20:00:00", "duration_seconds": 43200}]},
    {"id": "L2", "name": "Weekly", "start": "2026-01-05T09:00:00+01:00", "end": None,
     "rotation_virtual_start": "2026-01-05T09:00:00+01:00", "rotation_turn_length_seconds": 604800,
     "users": [{"user": ref("user", "PANA")}, {"user": ref("user", "PBOB")}], "restrictions": []},
    {"id": "L3", "name": "Old", "start": "2025-01-05T09:00:00+01:00", "end": "2025-06-01T09:00:00+02:00",
     "rotation_virtual_start": "2025-01-05T09:00:00+01:00", "rotation_turn_length_seconds": 604800,
     "users": [{"user": ref("user", "PANA")}], "restrictions": []},
]
SCHEDULE = {
    "id": "PSCH", "name": "Payments primary", "time_zone": "Europe/Berlin", "teams": [ref("team", "PTEAM")],
    "schedule_layers": LAYERS,
    "final_schedule": {"rendered_schedule_entries": [
        {"start": start, "end": end, "user": ref("user", who)} for start, end, who in (
            ("2026-03-28T08:00:00+01:00", "2026-03-28T20:00:00+01:00", "PBOB"),
            ("2026-03-28T20:00:00+01:00", "2026-03-29T08:00:00+02:00", "PCHE"),
            ("2026-03-29T08:00:00+02:00", "2026-03-29T20:00:00+02:00", "PBOB"),
            ("2026-03-29T20:00:00+02:00", "2026-03-30T08:00:00+02:00", "PCHE"),
            ("2026-03-30T08:00:00+02:00", "2026-03-30T09:00:00+02:00", "PBOB"),
            ("2026-03-30T09:00:00+02:00", "2026-03-30T20:00:00+02:00", "PANA"))]},
    "overrides": [{"start": "2026-03-10T12:00:00+01:00", "end": "2026-03-10T18:00:00+01:00", "user": ref("user", "PBOB")}]}
WEEKEND = {
    "id": "PWEE", "name": "Weekend", "time_zone": "America/New_York", "teams": [],
    "schedule_layers": [{"id": "L9", "name": "Weekend", "start": "2026-01-02T18:00:00-05:00", "end": None,
                         "rotation_virtual_start": "2026-01-02T18:00:00-05:00", "rotation_turn_length_seconds": 1209600,
                         "users": [{"user": ref("user", "PBOB")}, {"user": ref("user", "PGONE", "Zoe Gone")}],
                         "restrictions": [{"type": "weekly_restriction", "start_day_of_week": 5, "start_time_of_day": "18:00:00",
                                           "duration_seconds": 226800}]}]}
EXPORT: dict[str, Any] = {
    "users": {"users": USERS},
    "teams": {"teams": [{"id": "PTEAM", "name": "Payments", "description": "Money"}]},
    "teams/PTEAM/members": {"members": [{"user": ref("user", "PANA"), "role": "manager"},
                                        {"user": ref("user", "PBOB"), "role": "responder"}]},
    "schedules": {"schedules": [ref("schedule", "PSCH", "Payments primary"), ref("schedule", "PWEE", "Weekend")]},
    "schedules/PSCH": {"schedule": SCHEDULE}, "schedules/PWEE": {"schedule": WEEKEND},
    "escalation_policies": {"escalation_policies": [
        {"id": "PPOL", "name": "Payments", "num_loops": 3, "teams": [ref("team", "PTEAM")], "escalation_rules": [
            {"escalation_delay_in_minutes": 4, "targets": [ref("schedule", "PSCH")]},
            {"escalation_delay_in_minutes": 10, "targets": [ref("user", "PANA"), ref("user", "PGONE", "Zoe Gone")]}]}]},
    "services": {"services": [
        {"id": "PSVC", "name": "Checkout", "description": "The basket", "status": "active", "teams": [ref("team", "PTEAM")],
         "escalation_policy": ref("escalation_policy", "PPOL"), "integrations": [
             {"id": "PINT", "name": "Prometheus", "type": "events_api_v2_inbound_integration",
              "integration_key": "0123456789abcdef0123456789abcdef"},
             {"id": "PMAI", "name": "Mail", "type": "generic_email_inbound_integration", "integration_email": "x@example.pagerduty.com"}]},
        {"id": "POLD", "name": "Old thing", "status": "disabled", "escalation_policy": ref("escalation_policy", "PPOL")}]},
    "business_services": {"business_services": [{"id": "PBUS", "name": "Shop", "team": ref("team", "PTEAM")}]},
    "service_dependencies/business_services/PBUS": {"relationships": [
        {"dependent_service": {"id": "PBUS", "type": "business_service"}, "supporting_service": {"id": "PSVC", "type": "service"}}]},
    "maintenance_windows": {"maintenance_windows": [
        {"id": "PMW1", "description": "Move", "start_time": "2026-04-01T02:00:00Z", "end_time": "2026-04-01T04:00:00Z",
         "services": [ref("service", "PSVC")]},
        {"id": "PMW0", "description": "Over", "start_time": "2025-04-01T02:00:00Z", "end_time": "2025-04-01T04:00:00Z",
         "services": [ref("service", "PSVC")]}]},
    "rulesets": {"rulesets": [{"id": "R1", "name": "Default Global"}]},
    "rulesets/R1/rules": {"rules": [
        {"id": "r1", "conditions": {"operator": "and", "subconditions": [
            {"operator": "contains", "parameters": {"path": "payload.summary", "value": "disk (full)"}},
            {"operator": "equals", "parameters": {"path": "payload.severity", "value": "error"}}]},
         "actions": {"route": {"value": "PSVC"}, "severity": {"value": "critical"}, "priority": {"value": "P1"}}},
        {"id": "r2", "conditions": {"operator": "or", "subconditions": [
            {"operator": "exists", "parameters": {"path": "payload.component"}},
            {"operator": "matches", "parameters": {"path": "payload.source", "value": "web.*"}}]},
         "actions": {"suppress": {"value": True}}},
        {"id": "r3", "catch_all": True, "conditions": None, "actions": {"suppress": {"value": True}}}]},
    "response_plays": {"response_plays": [{"id": "PLAY", "name": "Major incident"}]},
}
