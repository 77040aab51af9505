"""Rules of rulesets as routes, as far as a route says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.plugin_api import Imported, Keys, listed

FIELDS = {"summary": "title", "severity": "severity", "source": "labels.source", "component": "labels.component",
          "group": "labels.group", "class": "labels.class"}
SEVERITIES = {"critical": "critical", "error": "high", "warning": "medium", "info": "info"}
LONGEST = 256


def rules(data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
    """One route for each rule that joins its conditions with "and"."""
    names: set[str] = set()
    for ruleset in listed(data, "rulesets"):
        for rule in ruleset.get("rules") or listed(data, f"rulesets/{ruleset.get('id')}/rules", "rules"):
            name = _name(rule, ruleset, names)
            said = {**rule, "name": name}
            fault, when = _when(rule.get("conditions") or {})
            then, left = _then(rule.get("actions") or {}, keys)
            if rule.get("catch_all"):
                fault = "it is the catch-all; here that is the team of the integration"
            elif rule.get("disabled"):
                fault = "it is disabled"
            elif any((rule.get("time_frame") or {}).values()):
                fault = "it holds at some times alone"
            if fault or not then:
                imported.note("ruleset_rule", said, "skipped", reason=fault or "it changes nothing that a route changes",
                              advice="Write a route by hand, and try it under Simulate")
                continue
            imported.add("routes", name=name, when=when, then=then)
            imported.judge("ruleset_rule", said, name, left)


def _name(rule: Mapping[str, Any], ruleset: Mapping[str, Any], taken: set[str]) -> str:
    plain = str(rule.get("label") or rule.get("name") or f"{ruleset.get('name') or 'rule'} {rule.get('id')}")
    wanted = name = plain.replace("/", "-").strip()[:90]
    while name.lower() in taken:
        name = f"{wanted} ({len(taken)})"
    taken.add(name.lower())
    return name


def _when(conditions: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Why it can't be said, and the conditions of the route."""
    parts = conditions.get("subconditions") or []
    if conditions.get("operator", "and") != "and" and len(parts) > 1:
        return "any of its conditions is enough, which a route does not say", {}
    when: dict[str, Any] = {}
    for part in parts:
        said = part.get("parameters") or {}
        field = _field(str(said.get("path") or ""))
        value = _value(str(part.get("operator")), str(said.get("value") or ""), field)
        if not field or value is None or len(value) > LONGEST or field in when:
            return f"its condition {part.get('operator')} on {said.get('path')} has no equal in a route", {}
        when[field] = value
    return "", when


def _field(path: str) -> str:
    plain = path.removeprefix("payload.").removeprefix("event.")
    if plain.startswith(("custom_details.", "details.")):
        return f"labels.{plain.partition('.')[2]}"
    return FIELDS.get(plain, "")


def _value(operator: str, value: str, field: str) -> str | None:
    if operator == "exists":
        return "*"
    if operator == "equals":
        return _exactly(SEVERITIES.get(value, value) if field == "severity" else value)
    if operator == "contains":
        return f"re:{re.escape(value)}"
    return f"re:{value}" if operator == "matches" else None


def _exactly(value: str) -> str:
    """The very text, also where a route would take it for a pattern."""
    return f"re:^{re.escape(value)}$" if "*" in value or value.startswith("re:") else value


def _then(actions: Mapping[str, Any], keys: Keys) -> tuple[dict[str, Any], list[str]]:
    """What the route does, and in words what it can't do."""
    then: dict[str, Any] = {}
    left = []
    for name, action in sorted(actions.items()):
        value = action.get("value") if isinstance(action, Mapping) else None
        if not action or (isinstance(action, Mapping) and action.get("value", 1) in (None, "", False)):
            continue
        if name == "route":
            then |= {"service": service} if (service := keys.known("services", value)) else {}
            left += [] if service else [f"the service {value} of its action route is not here"]
        elif name == "severity" and str(value) in SEVERITIES:
            then["severity"] = SEVERITIES[str(value)]
        elif name == "suppress" and value is True and not action.get("threshold_value"):
            then["suppress"] = True
        elif name == "suppress" and value is True:
            left.append("it suppresses up to a number within a time; here nothing is suppressed")
        else:
            left.append(f"its action {name} has no place in a route")
    return then, left
