"""What machines get and send about runbooks and executions."""

from __future__ import annotations

from typing import Any

from app.core.openapi import component
from app.runbooks import rules

TEXT: dict[str, Any] = {"type": "string"}
MAYBE: dict[str, Any] = {"type": ["string", "null"]}
STATE = component("RunbookState", {
    "type": "object", "required": ["key", "state", "version", "approved_version", "approved_at", "approved_by"],
    "properties": {"key": TEXT, "name": TEXT, "state": {"enum": list(rules.STATES)}, "version": {"type": "integer"},
                   "approved_version": {"type": ["integer", "null"]}, "approved_at": MAYBE, "approved_by": MAYBE,
                   "review_note": TEXT}})
EXECUTION = component("Execution", {
    "type": "object", "required": ["id", "runbook", "version", "state", "incident", "parameters", "output", "error"],
    "properties": {
        "id": TEXT, "runbook": TEXT, "version": {"type": "integer"}, "state": {"enum": list(rules.EXECUTION_STATES)},
        "incident": MAYBE, "parameters": {"type": "object"}, "started_by": TEXT, "via": TEXT, "reason": TEXT, "cause": TEXT,
        "output": TEXT, "error": TEXT, "progress": {"type": "array", "items": {"type": "object"}},
        "attempts": {"type": "array", "items": {"type": "object"}}, "warnings": {"type": "array", "items": TEXT},
        "created_at": TEXT, "started_at": MAYBE, "ended_at": MAYBE, "deadline_at": MAYBE, "url": TEXT}})
VERSION = component("RunbookVersion", {
    "type": "object", "required": ["number", "author", "at", "document"],
    "properties": {"number": {"type": "integer"}, "author": TEXT, "at": TEXT, "document": {"type": "object"}}})
APPROVE = {"type": "object", "additionalProperties": False, "properties": {
    "version": {"type": "integer", "description": "The version that was looked at; a newer one gives 409"}}}
SEND_BACK = {"type": "object", "additionalProperties": False, "required": ["comment"], "properties": {
    "comment": {"type": "string", "maxLength": 2000}}}
ROLL_BACK = {"type": "object", "additionalProperties": False, "required": ["version"], "properties": {
    "version": {"type": "integer"}}}
START = {"type": "object", "additionalProperties": False, "properties": {
    "incident": {"type": ["string", "integer", "null"]}, "parameters": {"type": "object"},
    "reason": {"type": "string", "maxLength": 500},
    "key": {"type": "string", "maxLength": 100, "description": "The same key again gives the first execution"}}}
START_THERE = {**START, "properties": {name: said for name, said in START["properties"].items() if name != "incident"}}
