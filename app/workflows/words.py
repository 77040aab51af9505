"""Triggers and steps as people read them, and their drawings. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.workflows import conditions
from app.workflows.declared import VERBS

EVENTS = {"incident_opened": "When an incident opens", "state_changed": "When its state changes",
          "severity_changed": "When its severity changes", "escalated": "When it escalates",
          "age": "When it has been open for a while", "schedule": "At set times", "manual": "By hand"}
OUTS = {"then": "yes", "else": "no", "error": "fails", "next": ""}
DRAWINGS = {"condition": "filter", "delay": "clock", "runbook": "runbook", "webhook": "webhook", "email": "mail",
            "add_responder": "users", "set_priority": "high", "add_note": "note", "acknowledge": "acknowledged",
            "resolve": "resolved", "status_update": "bell"}


def trigger(said: Mapping[str, Any]) -> str:
    """`When its state changes to resolved, if severity is at least high`."""
    event = str(said.get("event") or "")
    words = EVENTS.get(event) or f"When {event} is in the log"
    for name, joint in (("from", " from "), ("to", " to ")):
        if said.get(name):
            words += joint + " or ".join(said[name])
    if event == "age":
        states = " or ".join(said.get("states") or ["not resolved"])
        words = f"When it has been open for {said.get('after')}, and is {states}"
    if event == "schedule":
        words = f"At {said.get('cron')} ({said.get('time_zone') or 'UTC'})"
    condition = conditions.in_words(said.get("when"))
    return f"{words}, if {condition}" if condition else words


def title(node: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What a step is called: by its own name, else by what it does. `names` are those of actions."""
    if node.get("name"):
        return str(node["name"])
    if node.get("kind") == "action":
        return names.get(str(node.get("action")), str(node.get("action")))
    return {"condition": "If", "delay": "Wait", "runbook": "Run runbook"}.get(str(node.get("kind")), "Step")


def detail(node: Mapping[str, Any]) -> str:
    """The second line of a step."""
    kind = node.get("kind")
    if kind == "condition":
        return conditions.in_words(node.get("when")) or "asks for nothing yet"
    if kind == "delay":
        stop = node.get("stop_when")
        return str(node.get("for") or "for no time yet") + (f", ends when {' or '.join(stop)}" if stop else "")
    if kind == "runbook":
        return str(node.get("runbook") or "none chosen yet") + (", goes on at once" if node.get("wait") is False else "")
    said = node.get("with") or {}
    shown = next((str(said[name]) for name in ("channel", "url", "to", "project", "repository", "body", "text", "user",
                                               "schedule", "severity", "priority") if said.get(name)), "")
    named = VERBS[node["action"]].name if node.get("name") and node.get("action") in VERBS else ""
    return shown or named


def drawing(node: Mapping[str, Any]) -> str:
    """The name of a step's icon."""
    kind = str(node.get("kind"))
    return DRAWINGS.get(str(node.get("action")) if kind == "action" else kind, "chat")
