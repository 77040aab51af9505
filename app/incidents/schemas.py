"""What machines get and send about incidents, alerts and the log, as schemas of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from app.core.openapi import component
from app.incidents.rules import ANSWERS, BULK, PRIORITIES, ROLES, SEVERITIES, UPDATE_MINUTES, URGENCIES

STATUSES = ("triggered", "acknowledged", "resolved")
TEXT: dict[str, Any] = {"type": "string"}
MAYBE: dict[str, Any] = {"type": ["string", "null"]}
AT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
NAMED: dict[str, Any] = {"type": ["object", "null"], "required": ["key", "name"],
                         "properties": {"key": TEXT, "name": TEXT}}
PERSON: dict[str, Any] = {"type": "object", "required": ["email", "name"], "properties": {"email": TEXT, "name": TEXT}}
PEOPLE: dict[str, Any] = {"type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "string", "maxLength": 254}}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


INCIDENT = component("Incident", {
    "type": "object",
    "required": ["id", "number", "title", "status", "severity", "urgency", "alert_count", "opened_at", "url", "version"],
    "properties": {
        "id": TEXT, "number": {"type": "integer"}, "title": TEXT, "description": TEXT,
        "status": {"type": "string", "enum": list(STATUSES)}, "severity": {"type": "string", "enum": list(SEVERITIES)},
        "urgency": {"type": "string", "enum": ["high", "low"]}, "priority": MAYBE, "service": NAMED, "team": NAMED,
        "assignees": {"type": "array", "items": PERSON}, "alert_count": {"type": "integer"},
        "labels": {"type": "object"}, "route": {"type": "object"},
        "opened_at": {"type": "string", "format": "date-time"}, "acknowledged_at": AT, "acknowledged_by": MAYBE,
        "resolved_at": AT, "resolved_by": MAYBE, "resolution_note": TEXT, "snoozed_until": AT,
        "merged_into": {"type": ["integer", "null"]}, "update_due_at": AT,
        "roles": {"type": "object", "additionalProperties": PERSON},
        "former": {"type": ["integer", "null"]}, "test": {"type": "boolean"},
        "escalation": {"type": "object", "properties": {
            "level": {"type": ["integer", "null"]}, "next_at": AT, "repeats_left": {"type": ["integer", "null"]},
            "held": TEXT}},
        "url": TEXT, "version": {"type": "integer"}}})

ALERT = component("Alert", {
    "type": "object",
    "required": ["id", "dedup_key", "status", "severity", "title", "count", "first_seen", "last_seen", "labels"],
    "properties": {
        "id": TEXT, "dedup_key": TEXT, "status": {"type": "string", "enum": ["firing", "resolved"]}, "severity": TEXT,
        "title": TEXT, "body": TEXT, "url": TEXT, "count": {"type": "integer"}, "first_seen": AT, "last_seen": AT,
        "resolved_at": AT, "service": MAYBE, "incident": MAYBE, "integration": MAYBE, "labels": {"type": "object"},
        "notes": {"type": "array", "items": TEXT}}})

_ENTRY: dict[str, Any] = {
    "id": TEXT, "at": {"type": "string", "format": "date-time"}, "kind": TEXT, "subject": TEXT, "text": TEXT,
    "data": {"type": "object"},
    "actor": {"type": "object", "properties": {"kind": TEXT, "id": TEXT, "name": TEXT}}}
ENTRY = component("Entry", {"type": "object", "required": ["id", "at", "kind", "actor", "text", "data"],
                            "properties": _ENTRY})
FACT = component("Fact", {
    "type": "object", "required": ["id", "at", "kind", "actor", "text", "data", "also"], "properties": {
    **_ENTRY, "also": {"type": "array", "items": TEXT}, "ip": TEXT, "agent": TEXT,
             "request_id": {"type": ["string", "null"]}}})

NEW = _object({
    "title": {"type": "string", "minLength": 1, "maxLength": 300}, "service": TEXT, "team": TEXT,
    "severity": {"type": "string", "enum": list(SEVERITIES)}, "description": {"type": "string", "maxLength": 10_000},
    "assignees": PEOPLE}, ("title",))
RESOLVE = _object({"note": {"type": "string", "maxLength": 2000}})
SNOOZE = _object({"until": {"type": "string"}, "minutes": {"type": "integer", "minimum": 5, "maximum": 10_080}})
ASSIGN = _object({"assignees": PEOPLE}, ("assignees",))
KEYS: dict[str, Any] = {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 60}}
ADD_RESPONDERS = _object({"people": {**PEOPLE, "minItems": 0}, "schedules": KEYS, "teams": KEYS}, ())
NOTE = _object({"body": {"type": "string", "minLength": 1, "maxLength": 10_000}}, ("body",))
PRIORITY = _object({"priority": {"type": ["string", "null"], "enum": [*PRIORITIES, None]}}, ("priority",))
SEVERITY = _object({"severity": {"type": "string", "enum": list(SEVERITIES)}}, ("severity",))
URGENCY = _object({"urgency": {"type": "string", "enum": list(URGENCIES)}}, ("urgency",))
WORDS = _object({"title": {"type": "string", "minLength": 1, "maxLength": 300},
                 "description": {"type": "string", "maxLength": 10_000}})
INTO = _object({"into": {"type": ["string", "integer"]}}, ("into",))
ROLE = _object({"role": {"type": "string", "enum": list(ROLES)}, "person": {"type": ["string", "null"], "maxLength": 254}},
               ("role", "person"))
ANSWER = _object({"answer": {"type": "string", "enum": list(ANSWERS)}}, ("answer",))
NEW_TASK = _object({"title": {"type": "string", "minLength": 1, "maxLength": 300},
                    "owner": {"type": ["string", "null"], "maxLength": 254}}, ("title",))
TASK_CHANGE = _object({"done": {"type": "boolean"}, "owner": {"type": "string", "maxLength": 254}})
EVERY = _object({"minutes": {"type": ["integer", "null"], "minimum": UPDATE_MINUTES[0], "maximum": UPDATE_MINUTES[1]}},
                ("minutes",))
_ID: dict[str, Any] = {"type": ["string", "integer"]}
MANY = _object({
    "action": {"type": "string", "enum": ["acknowledge", "resolve", "snooze", "assign", "merge"]},
    "incidents": {"type": "array", "minItems": 1, "maxItems": BULK, "items": _ID},
    "note": {"type": "string", "maxLength": 2000}, "until": TEXT,
    "minutes": {"type": "integer", "minimum": 5, "maximum": 10_080}, "assignees": PEOPLE, "into": _ID},
    ("action", "incidents"))
UNDO = _object({"id": _ID}, ("id",))
VIEW_WANTED = _object({"name": {"type": "string", "minLength": 1, "maxLength": 60},
                       "query": {"type": "string", "maxLength": 2000}, "team": MAYBE}, ("name", "query"))

TASK = component("Task", {"type": "object", "required": ["id", "title", "done"], "properties": {
    "id": TEXT, "title": TEXT, "done": {"type": "boolean"}, "done_at": AT, "done_by": MAYBE,
    "owner": {**PERSON, "type": ["object", "null"]}}})
UPDATE = component("Update", {"type": "object", "required": ["id", "at", "author", "body"], "properties": {
    "id": TEXT, "at": AT, "author": TEXT, "body": TEXT}})
WRITTEN = component("Note", {"type": "object", "required": ["id", "at", "author", "body"], "properties": {
    "id": TEXT, "at": AT, "author": TEXT, "body": TEXT, "edited_at": AT, "deleted_at": AT,
    "versions": {"type": "array", "items": TEXT}}})
MOVED = component("BulkMove", {"type": "object", "required": ["id", "done", "refused"], "properties": {
    "id": TEXT, "action": TEXT, "done": {"type": "array", "items": TEXT}, "undo_until": AT,
    "refused": {"type": "array", "items": {"type": "object", "properties": {"id": TEXT, "reason": TEXT}}}}})
VIEW = component("SavedView", {"type": "object", "required": ["id", "name", "query"], "properties": {
    "id": TEXT, "name": TEXT, "query": TEXT, "team": MAYBE, "url": TEXT}})
HIT = component("Hit", {"type": "object", "required": ["kind", "text", "url"], "properties": {
    "kind": TEXT, "text": TEXT, "sub": TEXT, "url": TEXT}})
