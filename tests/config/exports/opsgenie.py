"""An account of Opsgenie as its REST API answers: https://docs.opsgenie.com/docs/api-overview."""

from __future__ import annotations

from typing import Any


def delay(amount: int, unit: str = "minutes") -> dict[str, Any]:
    return {"timeAmount": amount, "timeUnit": unit}


def person(name: str) -> dict[str, Any]:
    return {"type": "user", "id": f"U-{name}", "username": f"{name}@example.com"}


def step(at: int, to: dict[str, Any], notify: str = "default", condition: str = "if-not-acked") -> dict[str, Any]:
    return {"condition": condition, "notifyType": notify, "delay": delay(at), "recipient": to}


USERS = [{"id": f"U-{name}", "username": f"{name.title()}@Example.com", "fullName": name.title(), "timeZone": "Europe/Berlin",
          "role": {"name": "Owner" if name == "ana" else "User"}, "blocked": name == "zoe"} for name in ("ana", "bob", "chen", "zoe")]
WORK = {"type": "weekday-and-time-of-day", "restrictions": [
    {"startDay": day, "endDay": day, "startHour": 9, "startMin": 0, "endHour": 17, "endMin": 0}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday")]}
NIGHT = {"type": "time-of-day", "restriction": {"startHour": 22, "startMin": 0, "endHour": 6, "endMin": 0}}
SCHEDULES = [
    {"id": "S1", "name": "Payments_schedule", "timezone": "Europe/Berlin", "enabled": True,
     "ownerTeam": {"id": "T1", "name": "Payments"},
     "rotations": [
         {"id": "R1", "name": "Office", "startDate": "2026-01-05T08:00:00Z", "type": "weekly", "length": 1,
          "participants": [person("ana"), person("bob")], "timeRestriction": WORK},
         {"id": "R2", "name": "Night", "startDate": "2026-01-05T21:00:00Z", "type": "daily", "length": 2,
          "participants": [person("chen"), person("ana")], "timeRestriction": NIGHT}]},
    {"id": "S2", "name": "Both at once", "timezone": "America/New_York", "enabled": True, "rotations": [
        {"id": "R3", "name": "First", "startDate": "2026-01-05T14:00:00Z", "type": "weekly", "length": 1,
         "participants": [person("ana"), person("bob")]},
        {"id": "R4", "name": "Second", "startDate": "2026-01-05T14:00:00Z", "type": "hourly", "length": 12,
         "participants": [person("chen"), {"type": "escalation", "id": "E1", "name": "Payments_escalation"}]}]}]
EXPORT: dict[str, Any] = {
    "users": {"data": USERS},
    "users/U-ana/contacts": {"data": [{"id": "C1", "method": "email", "to": "ana@example.com"},
                                      {"id": "C2", "method": "voice", "to": "49-1715550001"},
                                      {"id": "C3", "method": "mobile", "to": "phone"}]},
    "users/U-ana/notification-rules": {"data": [
        {"id": "N1", "name": "New alerts", "actionType": "create-alert", "enabled": True, "steps": [
            {"contact": {"method": "email", "to": "ana@example.com"}, "sendAfter": delay(0), "enabled": True},
            {"contact": {"method": "voice", "to": "49-1715550001"}, "sendAfter": delay(5), "enabled": True}]},
        {"id": "N2", "name": "Closed", "actionType": "closed-alert", "enabled": True, "steps": []}]},
    "teams": {"data": [{"id": "T1", "name": "Payments", "description": "Money", "members": [
        {"user": {"id": "U-ana", "username": "ana@example.com"}, "role": "admin"},
        {"user": {"id": "U-zoe", "username": "zoe@example.com"}, "role": "user"}]}]},
    "teams/T1/routing-rules": {"data": [
        {"id": "RR1", "name": "Nightly", "isDefault": False, "notify": {"type": "none"}},
        {"id": "RR2", "name": "Default", "isDefault": True, "notify": {"type": "escalation", "id": "E1", "name": "Payments_escalation"}}]},
    "schedules": {"data": SCHEDULES},
    "schedules/S1/overrides": {"data": [{"alias": "o1", "user": person("bob"), "startDate": "2026-03-10T11:00:00Z",
                                         "endDate": "2026-03-10T17:00:00Z"}]},
    "schedules/S2/timeline": {"data": {"finalTimeline": {"rotations": [
        {"id": "R3", "periods": [{"startDate": "2026-03-08T13:00:00Z", "endDate": "2026-03-09T13:00:00Z", "recipient": person("ana")},
                                 {"startDate": "2026-03-09T13:00:00Z", "endDate": "2026-03-16T13:00:00Z", "recipient": person("bob")}]},
        {"id": "R4", "periods": [{"startDate": "2026-03-08T13:00:00Z", "endDate": "2026-03-16T13:00:00Z", "recipient": person("chen")}]}]}}},
    "escalations": {"data": [
        {"id": "E1", "name": "Payments_escalation", "ownerTeam": {"id": "T1"}, "rules": [
            step(0, {"type": "schedule", "id": "S1", "name": "Payments_schedule"}),
            step(5, {"type": "schedule", "id": "S1", "name": "Payments_schedule"}, "next"), step(10, person("bob")),
            step(10, {"type": "team", "id": "T1", "name": "Payments"}, "all", "if-not-closed")],
         "repeat": {"waitInterval": 15, "count": 2, "resetRecipientStates": False}},
        {"id": "E2", "name": "Both", "rules": [
            step(1, {"type": "schedule", "id": "S2", "name": "Both at once"}), step(6, person("zoe"))]}]},
    "services": {"data": [{"id": "V1", "name": "Checkout", "teamId": "T1", "tags": ["tier1"]},
                          {"id": "V2", "name": "Orphan", "teamId": "T9"}]},
    "integrations": {"data": [
        {"id": "I1", "name": "Our API", "type": "API", "enabled": True, "teamId": "T1", "apiKey": "11111111-2222-3333-4444-555555555555"},
        {"id": "I2", "name": "Prometheus", "type": "Prometheus", "enabled": True, "teamId": "T1"}]},
    "heartbeats": {"data": {"heartbeats": [{"name": "nightly-backup", "interval": 1, "intervalUnit": "days", "enabled": True,
                                            "ownerTeam": {"id": "T1", "name": "Payments"}}]}},
    "maintenance": {"data": [{"id": "M1", "description": "Move", "status": "planned",
                              "time": {"type": "schedule", "startDate": "2026-04-01T02:00:00Z", "endDate": "2026-04-01T04:00:00Z"},
                              "rules": [{"entity": {"id": "I1", "type": "integration"}, "state": "disabled"}]}]},
    "alert-policies": {"data": [{"id": "P1", "name": "Tag everything", "enabled": True}]},
}
