"""An account of Grafana OnCall as its HTTP API answers: https://grafana.com/docs/oncall/latest/oncall-api-reference/."""

from __future__ import annotations

from typing import Any


def results(*items: dict[str, Any]) -> dict[str, Any]:
    return {"count": len(items), "next": None, "previous": None, "results": list(items)}


def notify(position: int, kind: str, *, important: bool = False, **more: Any) -> dict[str, Any]:
    return {"id": f"N{position}{important}", "user_id": "UANA", "position": position, "type": kind, "important": important, **more}


def chained(position: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": f"EP{position}", "escalation_chain_id": "FCHAIN", "position": position, "type": kind, **more}


SHIFTS = results(
    {"id": "OWORK", "name": "Office hours", "type": "rolling_users", "level": 0, "start": "2026-01-05T09:00:00", "duration": 28800,
     "rotation_start": "2026-01-05T09:00:00", "frequency": "weekly", "interval": 1, "week_start": "MO",
     "by_day": ["MO", "TU", "WE", "TH", "FR"], "rolling_users": [["UANA"], ["UBOB"]], "start_rotation_from_user_index": 0},
    {"id": "ODAY", "name": "Nights", "type": "rolling_users", "level": 1, "start": "2026-01-05T20:00:00", "duration": 43200,
     "rotation_start": "2026-01-05T20:00:00", "frequency": "daily", "interval": 1, "rolling_users": [["UCHE"], ["UANA", "UBOB"]]},
    {"id": "OOLD", "name": "Old", "type": "rolling_users", "level": 2, "start": "2025-01-05T20:00:00", "duration": 604800,
     "frequency": "weekly", "interval": 1, "rolling_users": [["UCHE"]], "until": "2025-06-01T00:00:00Z"},
    {"id": "OOVR", "name": "Override", "type": "override", "start": "2026-03-10T12:00:00", "duration": 21600, "users": ["UBOB"]},
)
EXPORT: dict[str, Any] = {
    "users": results(*({"id": f"U{name[:3].upper()}", "username": name, "email": f"{name.title()}@Example.com", "timezone": "Europe/Berlin",
                        "role": "admin" if name == "ana" else "editor"} for name in ("ana", "bob", "chen"))),
    "teams": results({"id": "TPAY", "name": "Payments"}),
    "personal_notification_rules": results(
        notify(0, "notify_by_email"), notify(1, "wait", duration=300), notify(2, "notify_by_slack"),
        notify(0, "notify_by_phone_call", important=True)),
    "schedules": results(
        {"id": "SWEB", "team_id": "TPAY", "name": "Payments primary", "type": "web", "time_zone": "Europe/Berlin",
         "shifts": ["OWORK", "ODAY", "OOLD", "OOVR"]},
        {"id": "SICAL", "team_id": None, "name": "From a calendar", "type": "ical", "time_zone": "UTC",
         "ical_url_primary": "https://calendar.example.com/duty.ics", "ical_url_overrides": None}),
    "schedules/SWEB/final_shifts": results(*({"user_pk": who, "user_email": f"{who[1:].lower()}@example.com", "shift_start": start,
                                              "shift_end": end} for who, start, end in (
        ("UBOB", "2026-03-27T08:00:00Z", "2026-03-27T16:00:00Z"),
        ("UANA", "2026-03-27T19:00:00Z", "2026-03-28T07:00:00Z"), ("UBOB", "2026-03-27T19:00:00Z", "2026-03-28T07:00:00Z"),
        ("UCHEN", "2026-03-28T19:00:00Z", "2026-03-29T06:00:00Z"),
        ("UANA", "2026-03-29T18:00:00Z", "2026-03-30T06:00:00Z"), ("UBOB", "2026-03-29T18:00:00Z", "2026-03-30T06:00:00Z"),
        ("UANA", "2026-03-30T07:00:00Z", "2026-03-30T15:00:00Z")))),
    "on_call_shifts": SHIFTS,
    "shift_swaps": results({"id": "SW1", "schedule": "SWEB", "swap_start": "2026-03-16T08:00:00Z", "swap_end": "2026-03-20T16:00:00Z",
                            "beneficiary": "UANA", "benefactor": "UCHE", "status": "taken"}),
    "escalation_chains": results({"id": "FCHAIN", "name": "Payments", "team_id": "TPAY"}),
    "escalation_policies": results(
        chained(0, "notify_on_call_from_schedule", notify_on_call_from_schedule="SWEB", important=True), chained(1, "wait", duration=300),
        chained(2, "notify_persons", persons_to_notify=["UBOB"]), chained(3, "trigger_webhook", action_to_trigger="W1"),
        chained(4, "wait", duration=600), chained(5, "wait", duration=300),
        chained(6, "notify_person_next_each_time", persons_to_notify_next_each_time=["UANA", "UCHE"]), chained(7, "repeat_escalation")),
    "integrations": results(
        {"id": "CINT", "name": "Prometheus", "team_id": "TPAY", "type": "alertmanager",
         "link": "https://oncall.example.com/integrations/v1/alertmanager/mReAoNwDm0eMwKo1mTeTwYo/",
         "default_route": {"id": "RDEF", "escalation_chain_id": "FCHAIN"}},
        {"id": "CMAIL", "name": "Mail", "team_id": None, "type": "inbound_email", "link": None, "inbound_email": "x@example.com"}),
    "routes": results({"id": "RREG", "integration_id": "CINT", "escalation_chain_id": "FCHAIN", "routing_type": "regex",
                       "routing_regex": "us-(east|west)", "position": 0, "is_the_last_route": False}),
    "webhooks": results({"id": "W1", "name": "Ticket", "url": "https://tickets.example.com"}),
}
