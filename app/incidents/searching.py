"""Texts that hold a text: how the databases look for it, and where incidents and alerts are looked at."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    Text,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    type_coerce,
    union_all,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from app.catalog.models import Service
from app.core.db import db, session
from app.incidents.models import Alert, Incident, Note

BODY = func.substr(Alert.body, literal_column("1"), literal_column("1000"))
SAID = Alert.title.concat(literal_column("'\n'")).concat(BODY)
FACETS: ColumnElement[list[str]] = literal_column(
    "ARRAY[alerts.severity::text, alerts.status::text, 's' || alerts.service_id, 'i' || alerts.integration_id, "
    "CASE WHEN alerts.incident_id IS NULL THEN 'alone' END]", ARRAY(Text))
"""Both stand like this in the index `search_alerts` of PostgreSQL (see its migration), beside the labels: one index for all
that is asked for together, so that no alert is read which fits one half only."""
GAPS = " -/:-@[-`{-~\n"
"""What stands between words; as a set of signs only, which the index understands."""
SHORTEST, LOOKED_FOR, MANY = 3, 30, 4000
"""SQLite's indexes of texts hold three signs at a time; so many of these are asked for, and so many rows found by them are
few enough to be read one by one."""
LABELS = cast(Incident.labels, String)


def _spellings(text: str) -> list[str]:
    return [text] if text.isascii() else sorted({text, text.lower(), text.upper(), text.capitalize()})


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether the column holds `text` in any letter case; SQLite folds ASCII only, so the usual cases are tried."""
    escaped = [one.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for one in _spellings(text)]
    folds = not _postgresql()  # its LIKE folds ASCII by itself, at half the price
    return or_(*((column.like if folds else column.ilike)(f"%{one}%", escape="\\") for one in escaped))


def spread(text: str) -> str:
    """Whether `few` or `many` incidents, alerts and notes may hold the text; "" where no index of SQLite tells: of one or
    two signs, where there is none, and on PostgreSQL, which finds out by itself."""
    if not _indexed() or (some := _parts("incidents", text)) is None:
        return ""
    return "few" if all(map(_few, (some, _parts("alerts", text), _parts("notes", text)))) else "many"


def incident_says(text: str, number: int, how_many: str) -> ColumnElement[bool]:
    """Whether an incident has this number, or holds `text` in its title, labels, notes, alerts or service; `how_many` is
    what `spread` says of the text."""
    own = or_(contains(Incident.title, text), *(contains(LABELS, one) for one in _written(text)))
    services = select(Service.id).where(contains(Service.name, text) | contains(Service.key, text))
    alerts = select(Alert.incident_id).where(_alert_holds(text))
    notes = select(Note.incident_id).where(contains(Note.body, text))
    if how_many == "few":  # they are found by the index, and nothing else is looked at
        mine = select(Incident.id).correlate(None)
        return Incident.id.in_(union_all(
            select(literal(number, BigInteger)), mine.where(Incident.id.in_(_parts("incidents", text)), own),
            alerts.where(Alert.id.in_(_parts("alerts", text))), notes.where(Note.id.in_(_parts("notes", text))),
            mine.where(Incident.service_id.in_(services))))
    if how_many == "many":  # one after the other is looked at, until there are enough
        beside = [alerts.where(Alert.incident_id == Incident.id).exists(),
                  notes.where(Note.incident_id == Incident.id).exists()]
    else:
        beside = [Incident.id.in_(alerts), Incident.id.in_(notes)]
    return or_(Incident.id == number, own, *beside, Incident.service_id.in_(services))


def title_says(text: str) -> ColumnElement[bool]:
    """Whether the title of an incident holds `text`."""
    return _narrowed(Incident.id, "incidents", text, contains(Incident.title, text))


def alert_says(text: str) -> ColumnElement[bool]:
    """Whether an alert holds `text` in its title or the first 1,000 characters of what it says. One or two letters or
    digits are looked for where a word begins: they stand inside of nearly everything, and so in no index."""
    return _narrowed(Alert.id, "alerts", text, _alert_holds(text))


def _narrowed(key: Any, name: str, text: str, said: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition, asked only of those that the index finds, where these are few."""
    some = _parts(name, text) if _indexed() else None
    return key.in_(some) & said if some is not None and _few(some) else said


def _written(text: str) -> list[str]:
    """The text, and as it stands in a JSON text where that is something else."""
    return list(dict.fromkeys((text, json.dumps(text)[1:-1])))


def _alert_holds(text: str) -> ColumnElement[bool]:
    if len(text) < 3 and text.isascii() and text.isalnum():
        return _begins(text)
    return contains(SAID, text) if _postgresql() else contains(Alert.title, text) | contains(BODY, text)


def _indexed() -> bool:
    """Whether this is a SQLite that has indexes of texts (see their migration)."""
    made = sql("SELECT 1 FROM sqlite_master WHERE name = 'search_alerts'")
    return not _postgresql() and session.scalar(made) is not None


def _few(some: Any) -> bool:
    return (session.scalar(select(func.count()).select_from(some.limit(MANY + 1).subquery())) or 0) <= MANY


def _parts(name: str, text: str) -> Any:
    """The ids of the rows of a table that have all parts of the text: all that hold it, and some more. None for a text that
    is shorter than a part."""
    texts = [one for written in (_written(text) if name == "incidents" else [text]) for one in _spellings(written)]
    if min(map(len, texts)) < SHORTEST:
        return None
    asked = " OR ".join(f"({_all_parts(one)})" for one in texts)
    return select(column("rowid", BigInteger)).select_from(table(f"search_{name}")).where(
        literal_column(f"search_{name}").op("MATCH")(asked))


def _all_parts(text: str) -> str:
    """What the index is asked: whatever holds the text has all of its parts of three signs. In any order, since it does not
    know their places, which would make it thrice as large."""
    parts = dict.fromkeys(text[at:at + SHORTEST] for at in range(len(text) - SHORTEST + 1))
    return " AND ".join('"{}"'.format(one.replace('"', '""')) for one in list(parts)[:LOOKED_FOR])


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
    if not _postgresql() and not _indexed():
        return {"text_search": "Everything is read for a text, since this Python's SQLite has no FTS5; see docs/operate.md"}
    if not _postgresql() or "gin_trgm_ops" in (session.scalar(index) or ""):
        return {}
    return {"alert_search": "Every alert is read for a text, for want of pg_trgm; see docs/operate.md, Many alerts"}


def _postgresql() -> bool:
    return db.engine.dialect.name == "postgresql"
