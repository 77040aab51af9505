"""What machines send and get about postmortems and action items, as schemas of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from app.core.openapi import component
from app.incidents.rules import SEVERITIES
from app.postmortems import rules

TEXT: dict[str, Any] = {"type": "string"}
MAYBE: dict[str, Any] = {"type": ["string", "null"]}
AT: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}
ID: dict[str, Any] = {"type": ["string", "integer"]}
PERSON: dict[str, Any] = {"type": "object", "properties": {"email": TEXT, "name": TEXT}}
NAMED: dict[str, Any] = {"type": ["object", "null"], "properties": {"key": TEXT, "name": TEXT}}
EMAIL: dict[str, Any] = {"type": "string", "maxLength": 254}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


ITEM = component("ActionItem", {
    "type": "object", "required": ["id", "postmortem", "title", "owner", "due_on", "priority", "state", "done_at"],
    "properties": {
        "id": TEXT, "postmortem": TEXT, "title": TEXT, "description": TEXT, "owner": PERSON,
        "due_on": {"type": "string", "format": "date"}, "priority": {"enum": list(rules.PRIORITIES)},
        "state": {"enum": list(rules.ITEM_STATES)}, "done_at": AT, "created_at": AT,
        "ticket": {"type": ["object", "null"], "properties": {
            "connection": TEXT, "state": {"enum": ["queued", "making", "made", "failed"]}, "key": MAYBE, "url": MAYBE,
            "open": {"type": ["boolean", "null"]}, "problem": TEXT, "checked_at": AT}}}})
_LINE: dict[str, Any] = {
    "id": TEXT, "title": TEXT, "state": {"enum": list(rules.STATES)}, "version": {"type": "integer"},
    "publication": {"type": "integer"}, "published_at": AT, "team": NAMED,
    "owner": {"type": ["object", "null"], "properties": {"email": TEXT, "name": TEXT}},
    "incidents": {"type": "array", "items": {"type": "object", "properties": {
        "id": TEXT, "title": TEXT, "severity": {"enum": list(SEVERITIES)}, "status": TEXT}}},
    "created_at": AT, "url": TEXT}
LINE = component("PostmortemLine", {"type": "object", "required": ["id", "title", "state", "version", "incidents"],
                                    "properties": _LINE})
ROW = component("PostmortemRow", {"type": "object", "required": ["id", "at", "kind", "text"], "properties": {
    "id": TEXT, "at": {"type": "string", "format": "date-time"}, "kind": TEXT, "text": TEXT, "body": TEXT,
    "incident": {"type": ["integer", "null"]}, "actor": TEXT, "added_by": MAYBE,
    "entries": {"type": "array", "items": TEXT}}})
SECTION: dict[str, Any] = {"type": "object", "required": ["heading", "body"], "properties": {"heading": TEXT, "body": TEXT}}
POSTMORTEM = component("Postmortem", {
    "type": "object", "required": ["id", "title", "state", "version", "incidents", "sections", "timeline", "action_items"],
    "properties": {
        **_LINE, "sections": {"type": "array", "items": SECTION}, "impact": TEXT, "impact_from": AT, "impact_to": AT,
        "mitigated_at": AT, "facts": {"type": "object"}, "timeline": {"type": "array", "items": ROW},
        "action_items": {"type": "array", "items": ITEM}, "unpublished_changes": {"type": "boolean"},
        "reviews": {"type": "array", "items": {"type": "object", "properties": {
            "email": TEXT, "name": TEXT, "state": {"enum": ["asked", "approved", "changes"]},
            "version": {"type": ["integer", "null"]}}}}}})
VERSION = component("PostmortemVersion", {"type": "object", "required": ["number", "what", "author", "at"], "properties": {
    "number": {"type": "integer"}, "publication": {"type": ["integer", "null"]}, "what": TEXT, "reason": TEXT,
    "author": TEXT, "at": AT, "title": TEXT, "sections": {"type": "array", "items": SECTION}}})
COMMENT = component("PostmortemComment", {"type": "object", "required": ["id", "author", "body", "at"], "properties": {
    "id": TEXT, "author": TEXT, "body": TEXT, "at": AT}})
SHARED = component("ShareLink", {"type": "object", "required": ["id", "expires_at"], "properties": {
    "id": TEXT, "url": {"type": "string", "description": "Told only when the link is made"}, "last4": TEXT,
    "made_by": TEXT, "expires_at": AT}})
HABITS = component("PostmortemSettings", _object({
    "automatic": {"enum": list(rules.AUTOMATIC)}, "review": {"enum": list(rules.REVIEW)}, "template": MAYBE}))
_PATTERN: dict[str, Any] = {"heading": {"type": "string", "minLength": 1, "maxLength": rules.HEADING},
                            "guide": {"type": "string", "maxLength": 500}, "body": {"type": "string", "maxLength": 10_000}}
TEMPLATE = component("PostmortemTemplate", {"type": "object", "required": ["id", "key", "name", "sections"], "properties": {
    "id": TEXT, "key": TEXT, "name": TEXT, "team": MAYBE, "sections": {"type": "array", "items": {
        "type": "object", "properties": _PATTERN}}}})
METRICS = component("PostmortemMetrics", {"type": "object", "properties": {
    "start": TEXT, "end": TEXT, "months": {"type": "array", "items": {"type": "object"}},
    "incidents": {"type": "integer"}, "in_time": {"type": "integer"}, "share": {"type": ["number", "null"]},
    "published": {"type": "integer"}, "median_days": {"type": ["number", "null"]},
    "items_due": {"type": "integer"}, "items_in_time": {"type": "integer"}, "items_share": {"type": ["number", "null"]},
    "open": {"type": "integer"}, "overdue": {"type": "integer"},
    "teams": {"type": "array", "items": {"type": "object"}}, "services": {"type": "array", "items": {"type": "object"}},
    "tags": {"type": "array", "items": {"type": "object"}}}})

NEW = _object({
    "incidents": {"type": "array", "items": ID, "maxItems": rules.INCIDENTS}, "title": {"type": "string", "maxLength": 200},
    "team": TEXT, "template": ID}, ("incidents",))
MOMENT: dict[str, Any] = {"type": ["string", "null"], "description": "null: as the incidents say"}
CHANGE = _object({
    "version": {"type": "integer", "minimum": 1}, "title": {"type": "string"}, "impact": {"type": "string"},
    "impact_from": MOMENT, "impact_to": MOMENT, "mitigated_at": MOMENT,
    "sections": {"type": "array", "maxItems": rules.SECTIONS, "items": _object({
        "heading": {"type": "string", "minLength": 1}, "body": TEXT}, ("heading", "body"))},
    "hidden": {"type": "array", "items": ID, "description": "Rows of the timeline that are not shown, by id"},
    "owner": EMAIL, "merge": {"type": "boolean", "default": False, "description":
                              "Merge an old version section by section instead of refusing it"}}, ("version",))
SUBMIT = _object({"reviewers": {"type": "array", "maxItems": 20, "items": EMAIL}})
APPROVE = _object({"version": {"type": "integer", "minimum": 1}})
PUBLISH = _object({"reason": {"type": "string", "maxLength": 500}})
NOTE = _object({"body": {"type": "string", "minLength": 1, "maxLength": 5000}}, ("body",))
ADD_ROW = _object({"at": {"type": "string"}, "text": {"type": "string", "minLength": 1, "maxLength": 500}}, ("at", "text"))
SHARE = _object({"days": {"type": "integer", "minimum": rules.SHARE_DAYS[0], "maximum": rules.SHARE_DAYS[1]}})
INCIDENT = _object({"incident": ID}, ("incident",))
_ITEM: dict[str, Any] = {
    "title": {"type": "string", "minLength": 1, "maxLength": 200}, "description": {"type": "string", "maxLength": 2000},
    "owner": EMAIL, "due_on": {"type": "string", "format": "date"}, "priority": {"enum": list(rules.PRIORITIES)}}
NEW_ITEM = _object(_ITEM, ("title", "owner", "due_on"))
ITEM_CHANGE = _object({**_ITEM, "state": {"enum": list(rules.ITEM_STATES)}})
TICKET = _object({"connection": TEXT, "params": {"type": "object", "additionalProperties": {
    "type": ["string", "number", "boolean", "null"], "maxLength": 2000}}}, ("connection",))
HAND_OVER = _object({"from": EMAIL, "to": EMAIL}, ("from", "to"))
NEW_TEMPLATE = _object({"key": {"type": "string", "pattern": "^[a-z0-9-]{2,60}$"}, "team": MAYBE,
                        "name": {"type": "string", "minLength": 1, "maxLength": 100},
                        "sections": {"type": "array", "minItems": 1, "maxItems": rules.SECTIONS,
                                     "items": _object(_PATTERN, ("heading",))}}, ("name", "sections"))
