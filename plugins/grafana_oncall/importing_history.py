"""What happened in an account: alert groups and who was notified of them.

Source: https://grafana.com/docs/oncall/latest/oncall-api-reference/alertgroups/. The API does not tell
notifications: they are exported from its table of notification records into `notification_log.json`, see docs/migration.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import Happened, Paged, listed


def happened(data: Mapping[str, Any]) -> list[Happened]:
    """Each alert group with its notifications."""
    emails = {str(user.get("id")): str(user.get("email") or "").strip().lower() for user in listed(data, "users", "results")}
    pages: dict[str, list[Paged]] = {}
    for entry in listed(data, "notification_log", "results"):
        email = emails.get(str(entry.get("user_id"))) or str(entry.get("email") or "").lower()
        pages.setdefault(str(entry.get("alert_group_id")), []).append(Paged(
            email, datetime.fromisoformat(entry["created_at"]), str(entry.get("notification_channel") or "notification")))
    return [Happened(str(one["id"]), str(one.get("title") or ""), datetime.fromisoformat(one["created_at"]), "",
                     tuple(pages.get(str(one["id"]), ())), _answered(one))
            for one in listed(data, "alert_groups", "results")]


def _answered(group: Mapping[str, Any]) -> datetime | None:
    """When it was first acknowledged or resolved."""
    said = [datetime.fromisoformat(group[name]) for name in ("acknowledged_at", "resolved_at") if group.get(name)]
    return min(said, default=None)
