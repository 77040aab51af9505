"""Escalations, whose delays count from the beginning and become times between levels; and the routing rules of teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import Imported, Keys, listed, settled, span_text

from .importing_people import People, seconds_of
from .importing_schedules import Groups

LAST_WAITS, MOST_REPEATS = 300, 9


def escalations(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People, *, groups: Groups) -> None:
    """Steps of one delay are one level."""
    for escalation in listed(data, "escalations", "data"):
        changes: list[str] = []
        steps: dict[int, list[dict[str, Any]]] = {}
        for rule in escalation.get("rules") or []:
            said = _targets(rule, keys, people, groups=groups, changes=changes)
            steps.setdefault(seconds_of(rule.get("delay") or {}), []).extend(said)
        repeat = escalation.get("repeat") or {}
        wait = int(repeat.get("waitInterval") or 0) * 60
        times = sorted(steps)
        ends = [*times[1:], times[-1] + (wait or LAST_WAITS)] if times else []
        levels = [(end - at, steps[at]) for at, end in zip(times, ends, strict=True)]
        if times and times[0]:
            changes.append(f"its first step came after {span_text(times[0])}; here it comes at once")
        count = min(int(repeat.get("count") or 0), MOST_REPEATS) if wait else 0
        name = str(escalation.get("name") or escalation.get("id"))
        key = keys.of("policies", escalation.get("id"), name)
        team = people.team(escalation.get("ownerTeam"))
        imported.add("escalation_policies", key=key, name=name[:100], team=team, repeat=count,
                     levels=settled(levels, team, changes))
        imported.judge("escalation", escalation, key, changes)


def _targets(rule: Mapping[str, Any], keys: Keys, people: People, *, groups: Groups,
             changes: list[str]) -> list[dict[str, Any]]:
    recipient = rule.get("recipient") or {}
    kind, name = str(recipient.get("type")), str(recipient.get("name") or recipient.get("username") or recipient.get("id"))
    if rule.get("condition") == "if-not-closed":
        changes.append(f"the step to {name} stops at an acknowledge here, not only when closed")
    if rule.get("notifyType") not in (None, "default", "all", "next"):
        changes.append(f"the step to {name} pages those on duty in the place of “{rule.get('notifyType')}”")
    if kind == "user" and (email := people.email(recipient)):
        return [{"user": email}]
    if kind == "schedule":
        own = groups.get(str(recipient.get("id"))) or groups.get(name) or []
        if own:
            following = {"next": True} if rule.get("notifyType") == "next" else {}
            return [{"schedule": key, **following} for key in own]
    if kind == "team" and (key := keys.known("teams", recipient.get("id"))):
        return [{"team": key}]
    changes.append(f"the step to the {kind} {name} has no equal here")
    return []


def routing(data: Mapping[str, Any], imported: Imported, keys: Keys, groups: Groups) -> None:
    """A team's default rule gives the policy of the team; its other rules need routes by hand."""
    teams = {team["key"]: team for team in imported.document.get("teams", [])}
    for team in listed(data, "teams", "data"):
        key = keys.of("teams", team.get("id"), "")
        for rule in team.get("routingRules") or listed(data, f"teams/{team.get('id')}/routing-rules", "data"):
            notify = rule.get("notify") or {}
            said = {**rule, "name": f"{team.get('name')}: {rule.get('name') or 'default'}"}
            policy = keys.known("policies", notify.get("id"))
            own = groups.get(str(notify.get("id"))) or groups.get(str(notify.get("name")))
            if rule.get("isDefault") and notify.get("type") == "schedule" and own:
                policy = keys.of("policies", f"routing rule {rule.get('id')}", f"{team.get('name')} on duty")
                imported.add("escalation_policies", key=policy, name=f"{team.get('name')} on duty"[:100], team=key, repeat=0,
                             levels=[{"timeout": "5m", "targets": [{"schedule": one} for one in own]}])
            if rule.get("isDefault") and policy:
                teams[key]["policy"] = policy
                imported.note("routing-rule", said, "carried", key, reason=f"the policy of the team is {policy}")
            else:
                imported.note("routing-rule", said, "skipped", reason="rules of a team do not choose policies here",
                              advice="Give the service a policy of its own, or write a route to it")
