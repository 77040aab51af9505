"""Reads an account's configuration by its HTTP API or from exported answers.

Source: https://grafana.com/docs/oncall/latest/oncall-api-reference/ (users, teams, personal notification rules, schedules,
on-call shifts, shift swaps, escalation chains and policies, integrations, routes, outgoing webhooks)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.plugin_api import Get, Happened, Imported, Keys, listed

from .importing_chains import chains, integrations
from .importing_history import happened
from .importing_people import People
from .importing_shifts import schedules

COLLECTIONS = ("users", "teams", "personal_notification_rules", "schedules", "on_call_shifts", "shift_swaps",
               "escalation_chains", "escalation_policies", "integrations", "routes", "webhooks")
AHEAD = timedelta(days=90)


class OnCallAccount:
    """The importer."""

    slug = "grafana-oncall"
    name = "Grafana OnCall"
    base = "https://oncall-prod-us-central-0.grafana.net/oncall/api/v1"

    def headers(self, token: str) -> Mapping[str, str]:
        """A token made under Settings → API keys."""
        return {"Authorization": token}

    def fetch(self, get: Get, have: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, Any]]:
        """Every collection, page by page, and the final shifts of each schedule."""
        span = {"start_date": f"{now:%Y-%m-%d}", "end_date": f"{now + AHEAD:%Y-%m-%d}"}
        for name in COLLECTIONS:
            found = listed(have, name, "results") if name in have else list(_paged(get, f"{name}/"))
            if name not in have:
                yield name, {"results": found}
            for path in (f"schedules/{one['id']}/final_shifts" for one in found if name == "schedules"):
                if path not in have:
                    yield path, {"results": list(_paged(get, f"{path}/", **span))}

    def happened(self, data: Mapping[str, Any]) -> list[Happened]:
        """What it recorded."""
        return happened(data)

    def convert(self, data: Mapping[str, Any], now: datetime) -> Imported:
        """The document and the plan."""
        imported, keys = Imported(), Keys()
        people = People(data, imported, keys)
        schedules(data, imported, keys, people, now=now)
        chains(data, imported, keys, people)
        integrations(data, imported, keys, people)
        for hook in listed(data, "webhooks", "results"):
            imported.note("webhook", hook, "skipped", reason="its template is a program of its own",
                          advice="Add a webhook, or a workflow with a call, to the same address")
        return imported


def _paged(get: Get, path: str, **query: str) -> Iterator[Any]:
    page = 1
    while True:
        answer = get(path, page=page, **query)
        yield from answer.get("results", [])
        if not answer.get("next"):
            return
        page += 1
