"""Texts that hold a text: how the databases look for it, and where alerts are looked at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, or_

from app.core.db import db
from app.incidents.models import Alert


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether the column holds `text` in any letter case; SQLite folds ASCII only, so the usual cases are tried."""
    spellings = {text} if text.isascii() else {text, text.lower(), text.upper(), text.capitalize()}
    escaped = [one.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for one in sorted(spellings)]
    folds = db.engine.dialect.name == "sqlite"  # its LIKE folds ASCII by itself, at half the price
    return or_(*((column.like if folds else column.ilike)(f"%{one}%", escape="\\") for one in escaped))


def alert_says(text: str) -> ColumnElement[bool]:
    """Whether an alert holds `text` in its title or the first 1,000 characters of what it says (as its index has them).
    One or two characters are looked for in the title only: they are in no index, so every alert is read."""
    if len(text) < 3:
        return contains(Alert.title, text)
    return contains(Alert.title, text) | contains(func.substr(Alert.body, 1, 1000), text)
