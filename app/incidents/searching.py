"""Texts that hold a text: how the databases look for it, and where alerts are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, false, func, literal_column, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from app.core.db import db, session
from app.incidents.models import Alert

BODY = func.substr(Alert.body, literal_column("1"), literal_column("1000"))
SAID = Alert.title.concat(literal_column("'\n'")).concat(BODY)
FACETS: ColumnElement[list[str]] = literal_column(
    "ARRAY[alerts.severity::text, alerts.status::text, 's' || alerts.service_id, 'i' || alerts.integration_id, "
    "CASE WHEN alerts.incident_id IS NULL THEN 'alone' END]", ARRAY(Text))
"""Both stand like this in the index `search_alerts` of PostgreSQL (see its migration), beside the labels: one index for all
that is asked for together, so that no alert is read which fits one half only."""
GAPS = " -/:-@[-`{-~\n"
"""What stands between words; as a set of signs only, which the index understands."""


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether the column holds `text` in any letter case; SQLite folds ASCII only, so the usual cases are tried."""
    spellings = {text} if text.isascii() else {text, text.lower(), text.upper(), text.capitalize()}
    escaped = [one.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for one in sorted(spellings)]
    folds = not _postgresql()  # its LIKE folds ASCII by itself, at half the price
    return or_(*((column.like if folds else column.ilike)(f"%{one}%", escape="\\") for one in escaped))


def alert_says(text: str) -> ColumnElement[bool]:
    """Whether an alert holds `text` in its title or the first 1,000 characters of what it says. One or two letters or
    digits are looked for where a word begins: they stand inside of nearly everything, and so in no index."""
    if len(text) < 3 and text.isascii() and text.isalnum():
        return _begins(text)
    return contains(SAID, text) if _postgresql() else contains(Alert.title, text) | contains(BODY, text)


def _begins(text: str) -> ColumnElement[bool]:
    if _postgresql():
        return SAID.op("~*")(rf"(^|[{GAPS}]){text}".replace("@[", r"@\["))
    low = func.lower(SAID)
    return contains(SAID, text) & or_(low.op("GLOB")(f"{text.lower()}*"), low.op("GLOB")(f"*[{GAPS}]{text.lower()}*"))


def among(column: Any, values: Iterable[Any], mark: str = "") -> ColumnElement[bool]:
    """Whether the alert has one of these values in a column that is among its facets, there with `mark` before it."""
    if not _postgresql():
        return column.in_(list(values))  # type: ignore[no-any-return]
    return _one_of(f"{mark}{value}" for value in values)


def alone(is_so: bool = True) -> ColumnElement[bool]:
    """Whether the alert belongs to no incident; or to one."""
    if not is_so:
        return Alert.incident_id.is_not(None)
    return _one_of(["alone"]) if _postgresql() else Alert.incident_id.is_(None)


def _one_of(facets: Iterable[str]) -> ColumnElement[bool]:
    some = list(facets)
    return FACETS.overlap(cast(array(some), ARRAY(Text))) if some else false()  # type: ignore[attr-defined]


def labelled(name: str, value: str) -> ColumnElement[bool]:
    """Whether the alert has this label, exactly so."""
    if _postgresql():
        return type_coerce(Alert.labels, JSONB).contains({name: value})
    return Alert.labels[name].as_string() == value


def lasted_long() -> ColumnElement[bool]:
    """Whether the alert took more than a day, as its index `ix_alerts_long` says it."""
    if _postgresql():
        return Alert.resolved_at - Alert.first_seen > literal_column("interval '1 day'")
    return func.julianday(Alert.resolved_at) - func.julianday(Alert.first_seen) > literal_column("1")


def doctor() -> dict[str, str]:
    """What an operator should know: that alerts are read one by one, and how to mend it."""
    index = select(func.pg_get_indexdef(func.to_regclass("search_alerts")))
    if not _postgresql() or "gin_trgm_ops" in (session.scalar(index) or ""):
        return {}
    return {"alert_search": "Every alert is read for a text, for want of pg_trgm; see docs/operate.md, Many alerts"}


def _postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
