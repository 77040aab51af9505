"""Escalation policies, services with their integrations and dependencies, maintenance windows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.plugin_api import Imported, Keys, listed, moment, settled, span_text

from .importing_people import People

MOST_REPEATS = 9
ACKNOWLEDGED = (300, 86400)
"""How many seconds an acknowledgement may last here."""


def policies(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People) -> None:
    """Each with its own delays; what was repeated `num_loops` times is repeated as often here."""
    for policy in listed(data, "escalation_policies"):
        key = keys.of("policies", policy.get("id"), str(policy.get("name") or policy.get("summary") or ""))
        changes: list[str] = []
        levels = []
        for rule in policy.get("escalation_rules") or []:
            targets = [found for one in rule.get("targets") or [] if (found := _target(one, keys, people, changes))]
            if (rule.get("escalation_rule_assignment_strategy") or {}).get("type") == "round_robin":
                targets = _in_turns(targets, changes)
            levels.append((int(rule.get("escalation_delay_in_minutes") or 30) * 60, targets))
        loops = int(policy.get("num_loops") or 0)
        if loops > MOST_REPEATS:
            changes.append(f"repeated {MOST_REPEATS} times in the place of {loops}")
        team = people.team(policy)
        imported.add("escalation_policies", key=key, name=str(policy.get("name") or key)[:100], team=team,
                     repeat=min(loops, MOST_REPEATS), levels=settled(levels, team, changes))
        imported.judge("escalation_policy", policy, key, changes)


def _target(one: Mapping[str, Any], keys: Keys, people: People, changes: list[str]) -> dict[str, Any] | None:
    kind = str(one.get("type", "")).removesuffix("_reference")
    if kind == "user" and (email := people.email(one)):
        return {"user": email}
    if kind == "schedule" and (key := keys.known("schedules", one.get("id"))):
        return {"schedule": key}
    changes.append(f"the target {one.get('summary') or one.get('id')} is not there any more")
    return None


def _in_turns(targets: list[dict[str, Any]], changes: list[str]) -> list[dict[str, Any]]:
    """One of these is paged, the next one each time; of schedules all are."""
    people = list(dict.fromkeys(one["user"] for one in targets if "user" in one))
    if any("schedule" in one for one in targets):
        changes += ["a level in which schedules take turns pages all of them"] if len(targets) > 1 else []
        return targets
    return [{"users": people, "pick": "round_robin"}] if len(people) > 1 else targets[:1]


def services(data: Mapping[str, Any], imported: Imported, keys: Keys, people: People) -> None:
    """Services and business services, what depends on what, and the keys of their integrations."""
    policies_of = {item["key"]: item for item in imported.document.get("escalation_policies", [])}
    both = [("service", one) for one in listed(data, "services")]
    both += [("business_service", one) for one in listed(data, "business_services")]
    for _, service in both:
        keys.of("services", service.get("id"), str(service.get("name") or service.get("summary") or ""))
    needs = _dependencies(data, keys)
    for kind, service in both:
        key, changes = keys.of("services", service.get("id"), ""), []
        policy = keys.known("policies", (service.get("escalation_policy") or {}).get("id"))
        own = service.get("teams") or ([service["team"]] if service.get("team") else [])
        team = people.team({"teams": own}) if own or policy not in policies_of else policies_of[policy]["team"]
        off = service.get("status") == "disabled"
        if off:
            changes.append("it was disabled there, and is archived here")
        imported.add("services", key=key, name=_name(service, key), team=team, policy=policy,
                     description=str(service.get("description") or "")[:2000] or None,
                     tags=["business"] if kind == "business_service" else None,
                     lifecycle="archived" if off else None, depends_on=sorted(needs.get(key, ())) or None,
                     noise=_noise(service, changes))
        imported.judge(kind, service, key, changes)
        for one in service.get("integrations") or []:
            _integration(one, service, key, team, imported=imported, keys=keys)


def _noise(service: Mapping[str, Any], changes: list[str]) -> dict[str, str] | None:
    """How long an acknowledgement lasts; what else its incidents do by themselves there is added to `changes`."""
    rule = service.get("incident_urgency_rule") or {}
    if rule.get("type") == "use_support_hours":
        changes.append("its incidents were urgent by the hour; here their severity decides")
    elif rule.get("urgency") in ("high", "low"):
        changes.append(f"its incidents were all of {rule['urgency']} urgency; here their severity decides")
    if lasts := int(service.get("auto_resolve_timeout") or 0):
        changes.append(f"its incidents resolved by themselves after {span_text(lasts)}; here when the sender says so")
    grouping = service.get("alert_grouping_parameters") or {"type": service.get("alert_grouping")}
    if grouping.get("type"):
        changes.append(f"its {grouping['type']} grouping of alerts is left out")
    lasts = int(service.get("acknowledgement_timeout") or 0)
    if not lasts:
        return None
    least, most = ACKNOWLEDGED
    if not least <= lasts <= most:
        changes.append(f"an acknowledgement lasted {span_text(lasts)}; here {span_text(min(max(lasts, least), most))}")
    return {"acknowledge_timeout": span_text(min(max(lasts, least), most))}


def _name(service: Mapping[str, Any], key: str) -> str:
    name = str(service.get("name") or "").strip()[:100]
    return name if len(name) > 1 else key


def _dependencies(data: Mapping[str, Any], keys: Keys) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted(path for path in data if path.startswith("service_dependencies")):
        for edge in listed(data, path, "relationships"):
            upper = keys.known("services", (edge.get("dependent_service") or {}).get("id"))
            lower = keys.known("services", (edge.get("supporting_service") or {}).get("id"))
            if upper and lower and upper != lower:
                found.setdefault(upper, set()).add(lower)
    return found


def _integration(one: Mapping[str, Any], service: Mapping[str, Any], key: str, team: str, *, imported: Imported,
                 keys: Keys) -> None:
    token = str(one.get("integration_key") or "")
    named = {**one, "name": one.get("name") or one.get("summary")}
    if len(token) < 16:
        mail = one.get("integration_email")
        imported.note("integration", named, "skipped", reason="it takes mail" if mail else "its key is not in the export",
                      advice="Add an integration for mail, and change the address" if mail else "Add an integration")
        return
    own = keys.of("integrations", one.get("id"), f"{service.get('name') or key} {named['name'] or 'events'}")
    imported.add("integrations", key=own, name=str(named["name"] or own)[:100], plugin="pagerduty_events", team=team,
                 service=key, token=token)
    imported.note("integration", named, "carried", own, advice="Senders keep their key; only the host name changes")


def windows(data: Mapping[str, Any], imported: Imported, keys: Keys, now: datetime) -> None:
    """Maintenance that is not over."""
    for window in listed(data, "maintenance_windows"):
        start, end = moment(window.get("start_time")), moment(window.get("end_time"))
        covered = [key for one in window.get("services") or [] if (key := keys.known("services", one.get("id")))]
        if start is None or end is None or end <= now or not covered:
            reason = "it is over" if covered else "it covers nothing that is here"
            imported.note("maintenance_window", window, "skipped", reason=reason)
            continue
        name = str(window.get("description") or window.get("summary") or "Maintenance")
        key = keys.of("maintenance", window.get("id"), name)
        imported.add("maintenance", key=key, name=name[:100] if len(name) > 1 else key, starts=_utc(start), ends=_utc(end),
                     time_zone="UTC", services=covered)
        imported.note("maintenance_window", window, "carried", key)


def _utc(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat(timespec="minutes")
