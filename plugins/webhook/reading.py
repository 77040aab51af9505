"""One object of any shape read as a signal: the usual names of each field, unless the mapping says where to look."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Rejected, Signal, labels, moment, severity_of, stable_key, text, web_link

from .rules import Rules

NAMES = {
    "title": ("title", "summary", "message", "name", "alertname", "subject"),
    "severity": ("severity", "priority", "level"),
    "status": ("status", "state", "action", "event_action"),
    "dedup_key": ("dedup_key", "alias", "fingerprint", "incident_key", "id"),
    "body": ("description", "body", "details", "text", "message"),
    "url": ("url", "link"),
    "service_key": ("service_key", "service", "routing_key", "routingKey"),
    "labels": ("labels", "tags", "metadata"),
    "started_at": ("started_at", "startsAt"),
    "happened_at": ("happened_at", "timestamp"),
}
STATUSES = {
    word: status for status, words in {
        "firing": "firing fire fired alerting alert triggered trigger open opened active activated problem down failed "
                  "failing failure error critical warning alarm create created 1 true",
        "resolved": "resolved resolve ok okay closed close recovered recovery up normal cleared clear success "
                    "inactive deactivated fixed 0 false",
        "acknowledged": "acknowledged acknowledge ack acked",
        "suppressed": "suppressed silenced muted paused maintenance",
    }.items() for word in words.split()
}
# What tells one problem from another when the sender gives no key; nothing here changes while a problem lasts.
IDENTIFYING = ("host", "hostname", "instance", "source", "resource", "check", "monitor", "component", "device", "node",
               "cluster", "namespace", "pod", "job", "region", "environment", "env", "alertname", "rule")


def signal_of(item: Any, rules: Rules) -> Signal:
    """The signal of one object. Raises Rejected when it is none."""
    if not isinstance(item, dict) or not item:
        raise Rejected("it is not an object with fields")
    mapped, notes = rules.apply(item)
    said = {name: mapped[name] if name in mapped else usual(item, name) for name in NAMES}
    found = labels(said["labels"])
    title, word = text(said["title"]), text(said["severity"])
    if word and not severity_of(word):
        notes.append(f"The severity {word[:40]!r} is not known")
    return Signal(
        dedup_key=text(said["dedup_key"]) or stable_key(title, text(said["service_key"]), identity(item, found)),
        status=status_of(said["status"], notes), title=title, severity=severity_of(word),
        body="" if text(said["body"]) == title else text(said["body"]), url=web_link(said["url"]),
        service_key=text(said["service_key"]) or found.get("service", ""), labels=found,
        started_at=moment(said["started_at"]), happened_at=moment(said["happened_at"]), notes=tuple(notes),
        raw={name: value for name, value in item.items() if not any(name in names for names in NAMES.values())},
    )


def usual(item: dict[str, Any], name: str) -> Any:
    """The value of the first usual name that says something."""
    return next((item[key] for key in NAMES[name] if item.get(key) not in (None, "", [], {})), None)


def status_of(said: Any, notes: list[str]) -> str:
    """The status that a sender's word means; an unknown word is firing, and noted."""
    word = text(said).lower()
    if word and word not in STATUSES:
        notes.append(f"The status {word[:40]!r} is not known and was read as firing")
    return STATUSES.get(word, "firing")


def identity(item: dict[str, Any], found: dict[str, str]) -> dict[str, str]:
    """The fields that identify the problem, wherever they stand."""
    stated = {name: text(item.get(name)) or found.get(name, "") for name in IDENTIFYING}
    return {name: value for name, value in stated.items() if value}
