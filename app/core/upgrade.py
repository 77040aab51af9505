"""What an upgrade would do, without doing it: migrations that wait, what they lock, and what would make it fail."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from flask import current_app
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from app.core import rotation, schema, setting_checks
from app.core.db import db

# What an operation does to a table that is there already, on a database with many writers; the later the worse.
MOMENT, WRITES, WHOLE = ("locked for a moment", "not written to while an index or a reference is made",
                         "locked while it is changed, all its rows perhaps")
WORSE = (MOMENT, WRITES, WHOLE)
HOLDS = {"create_index": WRITES, "create_foreign_key": WRITES, "create_unique_constraint": WRITES, "alter_column": WHOLE,
         **dict.fromkeys(("add_column", "drop_column", "drop_constraint", "drop_index", "drop_table", "batch_alter_table"),
                         MOMENT)}
PLACE = {"create_index": 1, "drop_index": 1, "create_foreign_key": 1, "drop_constraint": 1}  # of the table in what is given
OWN_SQL = re.compile(r"(?:(?P<index>CREATE INDEX)\s.* ON|ALTER TABLE|DROP TABLE|UPDATE|DELETE FROM)\s+(?P<table>\w+)",
                     re.I | re.S)


@dataclass(frozen=True)
class Lock:
    """A table that is held up, how, and about how many rows it has."""

    table: str
    how: str
    rows: int | None


@dataclass(frozen=True)
class Step:
    """One migration that waits."""

    revision: str
    title: str
    locks: list[Lock]


@dataclass
class Plan:
    """What `oncall migrate` would do. `faults` are why it, or the start after it, would fail; `warnings` are not."""

    pending: list[Step] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def plan() -> Plan:
    """Look at database, settings and plugins; nothing is changed."""
    found = Plan()
    config, registry = current_app.config, current_app.extensions["plugins"]
    found.faults += setting_checks.unusable(config)
    found.warnings += setting_checks.strangers()
    found.faults += [f"The plugin {one.slug} does not work with this version: {one.reason}." for one in registry.broken]
    try:
        _of_database(found)
    except SQLAlchemyError as fault:
        found.faults.append(f"The database can't be reached: {str(fault).splitlines()[0][:200]}.")
    return found


def _of_database(found: Plan) -> None:
    scripts = ScriptDirectory(str(current_app.config["ROOT"] / "migrations"))
    at = schema.present()
    try:
        waiting = [one for one in reversed(list(scripts.iterate_revisions("heads", at or "base"))) if one.revision != at]
    except (CommandError, RevisionError):
        found.faults.append(f"The database is at {at}, which this version does not know: it was migrated by a newer one. "
                            "Install that.")
        return
    found.faults += [f"ENCRYPTION_KEYS lacks the key {name}, which {number} stored secrets need."
                     for name, number in rotation.missing().items()]
    if waiting:
        found.faults += _may_not()
    there = set(inspect(db.engine).get_table_names()) if waiting else set()
    for one in waiting:
        found.pending.append(Step(one.revision, (one.doc or "").strip().splitlines()[0], _locks(one, there)))


def _may_not() -> list[str]:
    """What our user would need to change tables."""
    if db.engine.dialect.name != "postgresql":
        path = db.engine.url.database or ""
        return [] if not path or os.access(path, os.W_OK) or not os.path.exists(path) else [f"{path} can't be written."]
    with db.engine.connect() as connection:
        allowed = connection.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')"))
        foreign = connection.scalars(text(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND NOT pg_has_role(tableowner, 'USAGE') "
            "ORDER BY 1")).all()
    found = [] if allowed else ["Our user may not make tables in the database."]
    return found + ([f"Our user does not own the tables {', '.join(foreign[:5])}."] if foreign else [])


def _locks(script: Script, there: set[str]) -> list[Lock]:
    """The tables that one migration holds up, once each; those that are not there yet are nobody's."""
    found: dict[str, str] = {}
    for operation, table, said in _operations(Path(script.path).read_text(encoding="utf-8")):
        own = OWN_SQL.search(said) if operation == "execute" and "CONCURRENTLY" not in said.upper() else None
        if own is not None:
            _add(found, own["table"], WRITES if own["index"] else WHOLE)
        elif operation in HOLDS:
            _add(found, table, HOLDS[operation])
    return [Lock(table, how, _rows(table)) for table, how in found.items() if table in there]


def _add(found: dict[str, str], table: str, how: str) -> None:
    found[table] = max(found.get(table, MOMENT), how, key=WORSE.index)


def _operations(source: str) -> Iterator[tuple[str, str, str]]:
    """Operation, table and first words of each call of `op`, or of a batch on a table, but for the way back."""
    tree = ast.parse(source)
    words = dict(_constants(tree))
    parts = [part for part in tree.body if not (isinstance(part, ast.FunctionDef) and part.name == "downgrade")]
    for node in (node for part in parts for node in ast.walk(part)):
        if isinstance(node, ast.With):
            yield from _in_batch(node, words)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is(node.func.value, "op"):
            name, given = node.func.attr, [_word(one, words) for one in node.args]
            at = PLACE.get(name, 0)
            named = {one.arg: _word(one.value, words) for one in node.keywords}
            yield name, given[at] if at < len(given) else named.get("table_name", ""), given[0] if given else ""


def _in_batch(node: ast.With, words: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    for item in node.items:
        called = item.context_expr
        if not (isinstance(called, ast.Call) and isinstance(item.optional_vars, ast.Name) and called.args):
            continue
        table = _word(called.args[0], words)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and _is(
                    inner.func.value, item.optional_vars.id):
                yield inner.func.attr, table, ""


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Tuple):
            names = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else [node.targets[0]]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            yield from ((name.id, _word(value, {})) for name, value in zip(names, values, strict=False)
                        if isinstance(name, ast.Name))


def _word(node: ast.expr, words: dict[str, str]) -> str:
    """The text that an expression is, as far as it can be read without running it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return words.get(node.id, "")
    if isinstance(node, ast.JoinedStr):
        return "".join(_word(part.value if isinstance(part, ast.FormattedValue) else part, words) for part in node.values)
    return ""


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _rows(table: str) -> int | None:
    """About how many rows it has; None where that is not known."""
    query: Any = ("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:name)"
                  if db.engine.dialect.name == "postgresql" else
                  f'SELECT max(rowid) FROM "{table}"' if re.fullmatch(r"\w+", table) else "SELECT NULL")
    try:
        with db.engine.connect() as connection:
            rows: int | None = connection.scalar(text(query), {"name": table} if ":name" in query else {})
            return rows
    except SQLAlchemyError:
        return None
