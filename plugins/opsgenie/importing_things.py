"""Services, integrations with their keys, heartbeats, maintenance, and alert policies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import Imported, Keys, listed, moment, span_text

UNITS = {"minutes": 60, "hours": 3600, "days": 86400}
SHORTEST, LONGEST = 16, 128


def services(data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
    """A service belongs to a team here as there; what has none is left out."""
    for service in listed(data, "services", "data"):
        team = keys.known("teams", service.get("teamId"))
        if team is None:
            imported.note("service", service, "skipped", reason="its team is not in the account")
            continue
        name = str(service.get("name") or service.get("id"))
        key = keys.of("services", service.get("id"), name)
        imported.add("services", key=key, name=name[:100] if len(name) > 1 else key, team=team,
                     description=str(service.get("description") or "")[:2000] or None,
                     tags=[str(tag)[:50] for tag in service.get("tags") or []][:20] or None)
        imported.note("service", service, "carried", key)


def integrations(data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
    """Those that have an API key: senders keep it, and only the host name changes."""
    for one in listed(data, "integrations", "data"):
        token = str(one.get("apiKey") or one.get("api_key") or "")
        if not SHORTEST <= len(token) <= LONGEST:
            imported.note("integration", one, "skipped", reason="its key is not in the export",
                          advice="Put apiKey into integrations.json, or add an integration")
            continue
        name = str(one.get("name") or one.get("id"))
        key = keys.of("integrations", one.get("id"), name)
        team = keys.known("teams", one.get("teamId") or (one.get("ownerTeam") or {}).get("id"))
        imported.add("integrations", key=key, name=name[:100], plugin="opsgenie", team=team, token=token)
        changes = [] if one.get("enabled", True) else ["it was switched off there; here it takes alerts in"]
        if one.get("type") not in (None, "API"):
            changes.append(f"what a {one.get('type')} integration reads, the senders' own integration reads here")
        imported.judge("integration", one, key, changes, advice="Take the integration of that sender where it has one")


def heartbeats(data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
    """Pinged by their name at the same path, with the key of an integration of the same team."""
    found = data.get("heartbeats") or []
    inner = (found.get("data") if isinstance(found, Mapping) else found) or []
    for one in inner.get("heartbeats", []) if isinstance(inner, Mapping) else inner:
        seconds = int(one.get("interval") or 10) * UNITS.get(str(one.get("intervalUnit") or "minutes"), 60)
        name = str(one.get("name"))
        key = keys.of("heartbeats", name, name)
        team = keys.known("teams", (one.get("ownerTeam") or {}).get("id"))
        changes = [] if key == name.lower() else [f"its name for pings is {key} now"]
        if one.get("enabled") is False:
            changes.append("it was switched off there; here it watches from its first ping on")
        imported.add("heartbeats", key=key, name=name[:100], team=team, every=span_text(seconds), grace="0m")
        imported.judge("heartbeat", {"id": name, "name": name}, key, changes)


def maintenance(data: Mapping[str, Any], imported: Imported, keys: Keys, now: datetime) -> None:
    """What is not over and covers integrations that are here."""
    for one in listed(data, "maintenance", "data"):
        time = one.get("time") or {}
        start, end = moment(time.get("startDate")), moment(time.get("endDate"))
        covered = [key for rule in one.get("rules") or []
                   if (key := keys.known("integrations", (rule.get("entity") or {}).get("id")))]
        if start is None or end is None or end <= now or not covered:
            reason = "it is over" if covered else "it covers no integration that is here"
            imported.note("maintenance", one, "skipped", reason=reason)
            continue
        name = str(one.get("description") or "Maintenance")
        key = keys.of("maintenance", one.get("id"), name)
        imported.add("maintenance", key=key, name=name[:100] if len(name) > 1 else key, time_zone="UTC",
                     starts=_utc(start), ends=_utc(end), integrations=covered)
        imported.note("maintenance", one, "carried", key)


def _utc(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="minutes")


def policies(data: Mapping[str, Any], imported: Imported) -> None:
    """Alert policies rewrite alerts by their own language: they are named, with what to do."""
    for one in listed(data, "alert-policies", "data"):
        imported.note("alert-policy", one, "skipped", reason="it rewrites alerts by a program of its own",
                      advice="Write a route, a silence or a workflow that does what it does")
