"""What machines get of the system."""

from __future__ import annotations

from typing import Any

from app.core.openapi import component

TEXT: dict[str, Any] = {"type": "string"}
MAYBE: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": "number"}
COUNT: dict[str, Any] = {"type": "integer"}


def _things(**properties: Any) -> dict[str, Any]:
    """A list of objects that have all of these."""
    return {"type": "array", "items": _thing(**properties)}


def _thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


LINES = _things(label=TEXT, value=TEXT, state={"enum": ["", "ok", "warn", "bad"]}, remedy=TEXT)
JOB = component("FailedJob", _thing(
    id=TEXT, queue=TEXT, what=TEXT, about={"type": "array", "items": TEXT}, failed_at=MAYBE, error=TEXT, trace=TEXT))
SYSTEM = component("System", _thing(
    ok={"type": "boolean"}, problems={"type": "array", "items": TEXT}, facts=LINES,
    processes=_things(role=TEXT, owner=TEXT, silent_s=NUMBER, lives={"type": "boolean"}),
    ticks=_things(path=TEXT, every_s=NUMBER, ended_at=MAYBE, took_s=NUMBER, fault=TEXT,
                  state={"enum": ["ok", "late", "failed", "held", "never"]}),
    queues=_things(name=TEXT, jobs=COUNT, running=COUNT, failed=COUNT, oldest_at=MAYBE),
    refusals=_things(tier=TEXT, requests=COUNT, callers=COUNT, worst=TEXT),
    broken_plugins=_things(slug=TEXT, reason=TEXT), keys=_things(name=TEXT, secrets=COUNT, use=TEXT),
    parts={"type": "object", "additionalProperties": LINES}, held=TEXT,
    outgoing={"type": "object", "additionalProperties": _thing(
        number=COUNT, first=_things(what=TEXT, whom=TEXT, since=MAYBE, url=TEXT))}))
KEPT = component("Retention", _thing(
    slug=TEXT, name=TEXT, stays=TEXT, days=COUNT, set_by=TEXT, rows=COUNT, due=COUNT, counted_to=COUNT, ran_at=MAYBE,
    removed=COUNT, next_at=TEXT))
SETTING = component("SettingInEffect", _thing(
    name=TEXT, value=TEXT, origin={"enum": ["environment", "file", "default"]}, default=TEXT, help=TEXT, group=TEXT))
