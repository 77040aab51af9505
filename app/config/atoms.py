"""What the shapes of the document are made of: texts, lists, objects, and the forms of names and times."""

from __future__ import annotations

from typing import Any

from app.catalog import rules as catalog

Schema = dict[str, Any]


def text(most: int, least: int = 0, **more: Any) -> Schema:
    """Text of `least` to `most` characters."""
    return {"type": "string", "maxLength": most, **({"minLength": least} if least else {}), **more}


def listed(items: Schema, most: int, **more: Any) -> Schema:
    """A list of at most `most` items."""
    return {"type": "array", "items": items, "maxItems": most, **more}


def shape(required: tuple[str, ...], **properties: Schema) -> Schema:
    """An object with these keys and no other."""
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def nullable(schema: Schema) -> Schema:
    """The same, or nothing."""
    return {**schema, "type": [schema["type"], "null"], "default": None}


EMAIL = text(254, pattern="^[^@\\s]+@[^@\\s]+$", **{"x-rule": "must be an e-mail address"})
KEY = text(60, pattern="^[a-z0-9-]{2,60}$", **{"x-rule": "must have 2 to 60 lower-case letters, digits and hyphens"})
SERVICE_KEY = text(100, pattern=f"^{catalog.KEY.pattern}$", **{"x-rule": catalog.KEY_RULE})
ZONE = text(64, least=1, description="A name of the tz database, such as Europe/Berlin")
DURATION = {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$", "x-rule": "must be a duration like 30s, 5m, 2h or 1d"}
LOCAL = {"type": "string",
         "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?$",
         "x-rule": "must be a local time like 2026-01-05T09:00"}
CLOCK = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9](:00)?|24:00)$", "x-rule": "must be a time like 09:00"}
TAGS = listed(text(50, 1), 20, default=[])
