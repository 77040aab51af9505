"""Escalation chains as policies; integrations with their tokens, and a service for each that holds its default chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import Imported, Keys, listed, settled, span_text

from .importing_people import People

LAST_WAITS, REPEATS = 300, 5
LEFT = {"trigger_webhook": "make a workflow with a call", "trigger_action": "make a workflow with a call",
        "resolve": "make a workflow that resolves", "notify_whole_channel": "add the room to the service's team",
        "notify_user_group": "name its people", "notify_if_time_from_to": "use the condition of a level",
        "notify_if_num_alerts_in_window": "make a route or a workflow", "declare_incident": "an incident is open already"}


def chains(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People) -> None:
    """What is notified between two waits is one level."""
    steps = listed(data, "escalation_policies", "results")
    for chain in listed(data, "escalation_chains", "results"):
        own = sorted((one for one in steps if one.get("escalation_chain_id") == chain.get("id")),
                     key=lambda one: int(one.get("position") or 0))
        changes: list[str] = []
        levels, repeat = _levels(own, keys, people, changes)
        key, team = keys.of("policies", chain.get("id"), str(chain.get("name") or "")), people.team(chain.get("team_id"))
        imported.add("escalation_policies", key=key, name=str(chain.get("name") or key)[:100], team=team, repeat=repeat,
                     levels=settled(levels, team, changes))
        imported.judge("escalation_chain", chain, key, changes)


def _levels(steps: list[Mapping[str, Any]], keys: Keys, people: People,
            changes: list[str]) -> tuple[list[tuple[int, list[dict[str, Any]]]], int]:
    """(Seconds until the next, targets) for all that stands between waits, and how often it is repeated."""
    levels: list[tuple[int, list[dict[str, Any]]]] = []
    targets: list[dict[str, Any]] = []
    waited, repeat = 0, 0
    for step in steps:
        kind = str(step.get("type"))
        if kind == "wait":
            waited += int(step.get("duration") or 0)
            continue
        found = _targets(step, keys, people, changes)
        if found and not step.get("important"):
            changes.append("it has steps that go by default rules; here all go by the urgency of the incident")
        repeat = REPEATS if kind == "repeat_escalation" else repeat
        if found and waited and targets:
            levels.append((waited, targets))
            targets = []
        elif found and waited:
            changes.append(f"it began with a wait of {span_text(waited)}; here the first page comes at once")
        targets, waited = [*targets, *found], 0 if found else waited
    return [*levels, (waited or LAST_WAITS, targets)], repeat


def _targets(step: Mapping[str, Any], keys: Keys, people: People, changes: list[str]) -> list[dict[str, Any]]:
    kind = str(step.get("type"))
    if kind in ("notify_persons", "notify_person_next_each_time"):
        said = step.get("persons_to_notify") or step.get("persons_to_notify_next_each_time") or []
        found = [email for one in said if (email := people.email(one))]
        if len(found) < len(said):
            changes.append("somebody in it is not in the account")
        if kind == "notify_person_next_each_time" and len(found) > 1:
            return [{"users": found, "pick": "round_robin"}]
        return [{"user": email} for email in found]
    if kind == "notify_on_call_from_schedule" and (key := keys.known("schedules", step.get("notify_on_call_from_schedule"))):
        return [{"schedule": key}]
    if kind in ("notify_team_members", "notify_to_team_members"):
        key = keys.known("teams", step.get("notify_to_team_members") or step.get("notify_team_members"))
        if key:
            return [{"team": key}]
    if kind == "repeat_escalation":
        return []
    changes.append(f"its step “{kind.replace('_', ' ')}” is left out: {LEFT.get(kind, 'what it names is not there')}")
    return []


def integrations(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People) -> None:
    """Senders keep their token and path; only the host name changes."""
    for one in listed(data, "integrations", "results"):
        token = str(one.get("link") or "").rstrip("/").rpartition("/")[2]
        if len(token) < 16:
            imported.note("integration", one, "skipped", reason="its address holds no token",
                          advice="Add an integration for mail" if one.get("inbound_email") else "Add an integration")
            continue
        chain = keys.known("policies", (one.get("default_route") or {}).get("escalation_chain_id"))
        name, team = str(one.get("name") or one.get("id")), people.team(one.get("team_id"))
        service = keys.of("services", one.get("id"), name)
        imported.add("services", key=service, name=name[:100] if len(name) > 1 else service, team=team, policy=chain)
        key = keys.of("integrations", one.get("id"), name)
        imported.add("integrations", key=key, name=name[:100], plugin="grafana_oncall", team=team, service=service,
                     token=token)
        changes = [] if chain else ["its default route has no chain; the policy of the team holds"]
        imported.judge("integration", one, key, changes)
    for route in listed(data, "routes", "results"):
        if not route.get("is_the_last_route"):
            named = {**route, "name": str(route.get("routing_regex") or route.get("routing_jinja") or route.get("id"))}
            imported.note("route", named, "skipped", reason="it asks the text of the whole payload",
                          advice="Write a route on title, labels or raw fields, to a service with this chain")
