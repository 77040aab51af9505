"""One night as the three products record it: the checkout failed at ten, Ana was paged at once and Bob after five minutes."""

from __future__ import annotations

from typing import Any

BEGAN, FIRST, SECOND = "2026-03-02T10:00:01Z", "2026-03-02T10:00:02Z", "2026-03-02T10:05:03Z"
PEOPLE = (("U1", "ana@example.com"), ("U2", "bob@example.com"))


def _notified(id: str, at: str, user: str) -> dict[str, Any]:
    return {"id": id, "type": "notify_log_entry", "created_at": at, "incident": {"id": "Q1", "type": "incident_reference"},
            "user": {"id": user, "type": "user_reference"},
            "channel": {"type": "auto", "notification": {"type": "sms", "status": "success"}}}


RECORDS: dict[str, dict[str, Any]] = {
    "pagerduty": {
        "users": {"users": [{"id": id, "email": email, "name": email} for id, email in PEOPLE]},
        "incidents": {"incidents": [{"id": "Q1", "incident_number": 7, "title": "Checkout is down", "created_at": BEGAN,
                                     "incident_key": "checkout/down", "status": "resolved"}]},
        "log_entries": {"log_entries": [
            {"id": "R0", "type": "trigger_log_entry", "created_at": BEGAN, "incident": {"id": "Q1"}},
            _notified("R1", FIRST, "U1"), _notified("R2", SECOND, "U2")]}},
    "opsgenie": {
        "users": {"data": [{"id": id, "username": email, "fullName": email} for id, email in PEOPLE]},
        "alerts": {"data": [{"id": "a1", "tinyId": "7", "alias": "checkout/down", "message": "Checkout is down", "createdAt": BEGAN}]},
        "alerts/a1/logs": {"data": [
            {"log": "Alert created via API", "type": "system", "owner": "System", "createdAt": BEGAN},
            {"log": "[SMS] notification has been sent to [ana@example.com]", "type": "system", "owner": "System", "createdAt": FIRST},
            {"log": "[Voice] notification has been sent to [bob@example.com]", "type": "system", "owner": "System",
             "createdAt": SECOND}]}},
    "grafana-oncall": {
        "users": {"results": [{"id": id, "email": email, "username": email} for id, email in PEOPLE]},
        "alert_groups": {"results": [{"id": "I1", "title": "Checkout is down", "created_at": BEGAN, "state": "resolved"}]},
        "notification_log": {"results": [
            {"alert_group_id": "I1", "user_id": "U1", "created_at": FIRST, "notification_channel": "sms"},
            {"alert_group_id": "I1", "user_id": "U2", "created_at": SECOND, "notification_channel": "phone_call"}]}},
}
