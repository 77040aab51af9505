"""What machines send and get about edits of schedules and their versions."""

from __future__ import annotations

from typing import Any

TEXT, INSTANT = {"type": "string"}, {"type": "string", "format": "date-time"}
EMAILS = {"type": "array", "items": TEXT, "description": "E-mail addresses; nobody: a gap"}
LAYER = {"type": ["string", "null"]}


def shape(**properties: Any) -> dict[str, Any]:
    """An object with all these keys."""
    return {"type": "object", "required": list(properties), "properties": properties}


SPAN = shape(start=INSTANT, end=INSTANT)
SPANS = {"type": "array", "items": SPAN}
EDIT = {
    "type": "object", "additionalProperties": False, "properties": {
        "from": {"type": "string", "maxLength": 40,
                 "description": "`next` (each layer's next hand-off), `now`, or an instant: RFC 3339 or a local time "
                                "of the schedule's zone. Left out: as for a document, the next hand-off, but a layer "
                                "that is new counts from its `starts`"},
        "seen": {"type": "string", "maxLength": 16, "description": "`mark` of the newest version that was looked at"},
        "key": {"type": "string", "maxLength": 60}, "name": {"type": "string", "maxLength": 100},
        "team": {"type": "string", "maxLength": 60}, "time_zone": {"type": "string", "maxLength": 64},
        "layers": {"type": "array", "maxItems": 20, "items": {"type": "object"},
                   "description": "All layers, as in the configuration document"},
        "overrides": {"type": "array", "maxItems": 1000, "items": {"type": "object"}},
        "calendars": {"type": "array", "maxItems": 2, "items": {"type": "object"},
                      "description": "Calendars to read shifts from, as in the configuration document"}}}
PREVIEW = shape(**{
    "from": INSTANT, "to": INSTANT,
    "differences": {"type": "array", "items": shape(start=INSTANT, end=INSTANT, before=EMAILS, after=EMAILS,
                                                    layer_before=LAYER, layer_after=LAYER)},
    "added": {"type": "array", "items": shape(person=TEXT, start=INSTANT, end=INSTANT)},
    "removed": {"type": "array", "items": shape(person=TEXT, start=INSTANT, end=INSTANT)},
    "changed": {"type": "array", "items": shape(person=TEXT, before=SPAN, after=SPAN)},
    "gaps": shape(made=SPANS, closed=SPANS),
    "hours": {"type": "array", "items": shape(person=TEXT, before={"type": "number"}, after={"type": "number"})}})
VERSION = shape(number={"type": "integer"}, at=INSTANT, by=TEXT, takes_effect=TEXT, mark=TEXT, name=TEXT,
                time_zone=TEXT, layers={"type": "array", "items": {"type": "object"}})
BACK = {"type": "object", "additionalProperties": False, "properties": {"from": {
    "type": "string", "maxLength": 40, "description": "`now` (when left out), `next` or an instant"}}}
NUMBER, WHOLE = {"type": "number"}, {"type": "integer"}
LOAD = shape(hours=NUMBER, nights=NUMBER, weekends=NUMBER, holidays=NUMBER, weighted=NUMBER)
QUALITY = shape(
    at=INSTANT, coverage={**NUMBER, "description": "Percent of the next 52 weeks in which somebody is on duty"}, gaps=WHOLE,
    balance={**WHOLE, "description": "0 to 100, of the weighted hours of the next 13 weeks"},
    proposal={"anyOf": [{"type": "null"}, shape(
        giver=TEXT, taker=TEXT, given=SPAN, returned={"anyOf": [SPAN, {"type": "null"}]}, balance_before=WHOLE,
        balance_after=WHOLE)]},
    people={"type": "array", "items": shape(person=TEXT, last_13_weeks=LOAD, next_13_weeks=LOAD, pages=WHOLE,
                                            night_pages=WHOLE)})
