"""Reads an account's configuration by its REST API v2 or from exported answers.

Source: https://developer.pagerduty.com/api-reference (users, teams, schedules, escalation policies, services,
business services, service dependencies, maintenance windows, rulesets)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.plugin_api import Get, Happened, Imported, Keys, listed

from .importing_history import happened
from .importing_people import People
from .importing_rules import rules
from .importing_schedules import schedules
from .importing_services import policies, services, windows

COLLECTIONS = ("users", "teams", "schedules", "escalation_policies", "services", "business_services",
               "maintenance_windows", "rulesets")
PARTS = {"schedules": "schedules/{}", "teams": "teams/{}/members", "rulesets": "rulesets/{}/rules",
         "business_services": "service_dependencies/business_services/{}"}
# What a list says of an object only when it is asked for; a service without it names its integrations, not their keys.
INCLUDED = {"users": ["contact_methods", "notification_rules", "teams"], "services": ["integrations", "teams"]}
SIZE, AHEAD = 100, timedelta(days=90)
NEVER = {"event_orchestrations": "An orchestration is a program; make routes for what it decides",
         "response_plays": "Make a workflow", "automation_actions": "Make a runbook",
         "extensions": "Connect the product anew under Channels or Webhooks", "status_dashboards": "Make a status page"}


class PagerDutyAccount:
    """The importer."""

    slug = "pagerduty"
    name = "PagerDuty"
    base = "https://api.pagerduty.com"

    def headers(self, token: str) -> Mapping[str, str]:
        """A REST API key, read-only if you like."""
        return {"Authorization": f"Token token={token}", "Accept": "application/vnd.pagerduty+json;version=2"}

    def fetch(self, get: Get, have: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Any]]:
        """Every collection page by page, then what hangs on single objects."""
        span = {"since": now.isoformat(), "until": (now + AHEAD).isoformat()}
        for name in COLLECTIONS:
            more = {"include[]": INCLUDED[name]} if name in INCLUDED else {}
            found = listed(have, name) if name in have else list(_paged(get, name, more))
            if name not in have:
                yield name, {name: found}
            for path in (PARTS[name].format(one["id"]) for one in found if name in PARTS):
                if path not in have:
                    yield path, get(path, **(span if name == "schedules" else {}))

    def happened(self, data: Mapping[str, Any]) -> list[Happened]:
        """What it recorded."""
        return happened(data)

    def convert(self, data: Mapping[str, Any], now: datetime) -> Imported:
        """The document and the plan."""
        imported, keys = Imported(), Keys()
        people = People(data, imported, keys)
        schedules(data, imported, keys, people, now=now)
        policies(data, imported, keys, people)
        services(data, imported, keys, people)
        windows(data, imported, keys, now)
        rules(data, imported, keys)
        for name, advice in NEVER.items():
            for one in listed(data, name, "orchestrations"):
                imported.note(name.rstrip("s"), one, "skipped", reason="there is nothing like it here", advice=advice)
        return imported


def _paged(get: Get, name: str, more: Mapping[str, Any]) -> Iterator[Any]:
    offset = 0
    while True:
        answer = get(name, limit=SIZE, offset=offset, **more)
        yield from answer.get(name, [])
        if not answer.get("more"):
            return
        offset += SIZE
