"""What happened in an account: alerts and who was notified of them.

Source: https://docs.opsgenie.com/docs/alert-api (list alerts; list alert logs, whose entries tell in words who was notified)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.plugin_api import Happened, Paged, listed

NOTIFIED = re.compile(r"\b(sent|notified)\b", re.IGNORECASE)
ADDRESS = re.compile(r"[^\s\[\]()<>,;:'\"]+@[^\s\[\]()<>,;:'\"]+")
CHANNELS = ("email", "sms", "voice", "mobile")


def happened(data: Mapping[str, Any]) -> list[Happened]:
    """Each alert with its notifications."""
    return [Happened(str(one["id"]), str(one.get("message") or ""), datetime.fromisoformat(one["createdAt"]),
                     str(one.get("alias") or ""), tuple(_pages(data, one)), _answered(one))
            for one in listed(data, "alerts", "data")]


def _pages(data: Mapping[str, Any], alert: Mapping[str, Any]) -> Iterator[Paged]:
    for entry in listed(data, f"alerts/{alert['id']}/logs", "data"):
        text = str(entry.get("log") or "")
        if not NOTIFIED.search(text) or "notif" not in text.lower():
            continue
        found = ADDRESS.search(text)
        email = found[0] if found else str(entry.get("owner") or "")
        if "@" in email:
            how = next((name for name in CHANNELS if name in text.lower()), "notification")
            yield Paged(email.lower().rstrip("."), datetime.fromisoformat(entry["createdAt"]), how)


def _answered(alert: Mapping[str, Any]) -> datetime | None:
    """When it was first acknowledged or closed: the report tells the milliseconds from its creation."""
    report = alert.get("report") or {}
    took = [report[name] for name in ("ackTime", "closeTime") if isinstance(report.get(name), int) and report[name] > 0]
    return datetime.fromisoformat(alert["createdAt"]) + timedelta(milliseconds=min(took)) if took else None
