"""Values of rows as a backup writes them, the same for both databases."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime
from typing import Any


def plain(value: Any) -> Any:
    """A column's value as JSON can hold it; what JSON has no word for is an object with one key that begins with $."""
    if isinstance(value, datetime):
        return {"$at": value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    if isinstance(value, bytes | memoryview):
        return {"$bytes": base64.b64encode(bytes(value)).decode()}
    return {"$json": value} if isinstance(value, dict) and any(key.startswith("$") for key in value) else value


def typed(value: Any, *, naive: bool) -> Any:
    """The value back; instants without a zone where the database keeps none."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    if "$at" in value:
        at = datetime.fromisoformat(value["$at"])
        return at.replace(tzinfo=None) if naive else at
    if "$day" in value:
        return date.fromisoformat(value["$day"])
    if "$bytes" in value:
        return base64.b64decode(value["$bytes"])
    return value.get("$json", value)
