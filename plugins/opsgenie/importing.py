"""Reads an account's configuration by its REST API or from exported answers.

Source: https://docs.opsgenie.com/docs/api-overview (users, contacts, notification rules, teams, routing rules, schedules,
rotations, overrides, escalations, services, integrations, heartbeats, maintenance, alert policies)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import Get, Happened, Imported, Keys, listed

from .importing_escalations import escalations, routing
from .importing_history import happened
from .importing_people import People
from .importing_schedules import schedules
from .importing_things import heartbeats, integrations, maintenance, policies, services

COLLECTIONS = {"users": "v2/users", "teams": "v2/teams", "schedules": "v2/schedules", "escalations": "v2/escalations",
               "services": "v1/services", "integrations": "v2/integrations", "heartbeats": "v2/heartbeats",
               "maintenance": "v1/maintenance", "alert-policies": "v2/policies/alert"}
PARTS = {"users": ("contacts", "notification-rules"), "teams": ("routing-rules",), "schedules": ("overrides", "timeline")}
WHOLE = ("teams", "maintenance", "notification-rules")
SIZE = 100


class OpsgenieAccount:
    """The importer."""

    slug = "opsgenie"
    name = "Opsgenie"
    base = "https://api.opsgenie.com"

    def headers(self, token: str) -> Mapping[str, str]:
        """An API key with the right to read the configuration."""
        return {"Authorization": f"GenieKey {token}"}

    def fetch(self, get: Get, have: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Any]]:
        """Every collection page by page, each team whole, and what hangs on users, teams and schedules."""
        for name, path in COLLECTIONS.items():
            found = list(listed(have, name, "data"))
            if name not in have:
                found = list(_paged(get, path, expand="rotation" if name == "schedules" else ""))
                if name in WHOLE:
                    found = _whole(get, path, found)
                yield name, {"data": found}
            for one, part in ((one, part) for one in found for part in PARTS.get(name, ())):
                if f"{name}/{one['id']}/{part}" not in have:
                    yield f"{name}/{one['id']}/{part}", _part(get, path, one, part)

    def happened(self, data: Mapping[str, Any]) -> list[Happened]:
        """What it recorded."""
        return happened(data)

    def convert(self, data: Mapping[str, Any], now: datetime) -> Imported:
        """The document and the plan."""
        imported, keys = Imported(), Keys()
        people = People(data, imported, keys)
        groups = schedules(data, imported, keys, people, now=now)
        escalations(data, imported, keys, people, groups=groups)
        routing(data, imported, keys, groups)
        services(data, imported, keys)
        integrations(data, imported, keys)
        heartbeats(data, imported, keys)
        maintenance(data, imported, keys, now)
        policies(data, imported)
        for one in listed(data, "forwarding-rules", "data"):
            imported.note("forwarding-rule", one, "skipped", reason="it is a person's own forwarding",
                          advice="Make an override on the schedule")
        return imported


def _paged(get: Get, path: str, expand: str) -> Iterator[Any]:
    offset = 0
    while True:
        answer = get(path, limit=SIZE, offset=offset, expand=expand)
        found = answer.get("data") or []
        found = found.get("heartbeats", []) if isinstance(found, Mapping) else found
        yield from found
        if not (answer.get("paging") or {}).get("next") or not found:
            return
        offset += SIZE


def _part(get: Get, path: str, one: Mapping[str, Any], part: str) -> Any:
    if part == "timeline":
        return get(f"{path}/{one['id']}/timeline", interval=3, intervalUnit="months")
    answer = get(f"{path}/{one['id']}/{part}")
    return {"data": _whole(get, f"{path}/{one['id']}/{part}", answer.get("data") or [])} if part in WHOLE else answer


def _whole(get: Get, path: str, found: list[Any]) -> list[Any]:
    """Each asked for by itself: the list leaves out what it holds."""
    return [{**one, **(get(f"{path}/{one['id']}").get("data") or {})} for one in found]
