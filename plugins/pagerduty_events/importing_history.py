"""What happened in an account: incidents and who was notified of them.

Source: https://developer.pagerduty.com/api-reference (GET /incidents, GET /log_entries, GET /incidents/{id}/log_entries;
`notify_log_entry` names the person and how; `acknowledge_log_entry` and `resolve_log_entry` tell when it was answered)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import Happened, Paged, listed

ANSWERS = ("acknowledge_log_entry", "resolve_log_entry")


def happened(data: Mapping[str, Any]) -> list[Happened]:
    """Each incident with its notifications."""
    emails = {str(user.get("id")): str(user.get("email") or "").strip().lower() for user in listed(data, "users")}
    pages: dict[str, list[Paged]] = {}
    answers: dict[str, list[datetime]] = {}
    for incident, entry in _entries(data):
        if entry["type"] in ANSWERS:
            answers.setdefault(incident, []).append(datetime.fromisoformat(entry["created_at"]))
            continue
        user = entry.get("user") or {}
        email = emails.get(str(user.get("id"))) or str(user.get("email") or user.get("summary") or user.get("id")).lower()
        how = ((entry.get("channel") or {}).get("notification") or {}).get("type") or "notification"
        pages.setdefault(incident, []).append(Paged(email, datetime.fromisoformat(entry["created_at"]), str(how)))
    return [Happened(str(one["id"]), str(one.get("title") or one.get("summary") or ""),
                     datetime.fromisoformat(one["created_at"]), str(one.get("incident_key") or ""),
                     tuple(pages.get(str(one["id"]), ())),
                     min(answers.get(str(one["id"]), ()), default=None)) for one in listed(data, "incidents")]


def _entries(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The notifications and answers of the whole log, or of each incident's own, every one once."""
    seen: set[str] = set()
    for path in sorted(data):
        parts = path.split("/")
        if parts[-1] != "log_entries":
            continue
        for entry in listed(data, path, "log_entries"):
            incident = str((entry.get("incident") or {}).get("id") or (parts[1] if len(parts) == 3 else ""))
            if entry.get("type") in ("notify_log_entry", *ANSWERS) and str(entry.get("id")) not in seen:
                seen.add(str(entry.get("id")))
                yield incident, entry
