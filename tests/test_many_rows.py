"""Lists of much: a page asks the database as often for many rows as for few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Integer, String, event, insert, select

from app.core.db import Base, db, session
from tests.application import count_nobody
from tests.test_access_matrix import PUBLIC, address, routes, world
from tests.test_architecture import nothing

MOST, COPIES, APART = 30, 30, 1000
# Numbers of other things inside of what is stored as JSON.
REFERRING = {"user", "users", "schedule", "team", "room", "webhook", "turns", "people", "services", "teams"}
# What asks more often, and how often at most: for what is installed or built in, not for each row.
ALLOWED = {"/settings/channels": 40, "/api/v1/channels": 40, "/insights/digests": 60, "/configuration/export": 50,
           "/api/v1/configuration": 50, "/system": 50, "/api/v1/system": 50, "/system/retention": 50,
           "/api/v1/system/retention": 50}
# What does not answer 200, and why.
ELSEWHERE = {"/": "goes on to the first page", "/insights/delivery/late": "is about an hour, which the address names",
             "/me/prove/sso": "no directory signs people in here", "/settings/sso/try": "no directory signs people in here"}
# Of these there are none to begin with, or as many as are built in.
FEW = {"/api/v1/shadows", "/api/v1/shadows/-/unsent", "/api/v1/system/retention", "/api/v1/system/jobs"}


@contextmanager
def asking() -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    asked: list[str] = []

    def hear(_connection, _cursor, statement, *_):
        asked.append(statement)
    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)


def multiply() -> None:
    """So many copies of all that is in the tables, with numbers, keys and addresses of their own, each belonging to its own
    copies."""
    session.rollback()
    copied = [table for table in Base.metadata.sorted_tables if any(
        isinstance(column.type, Integer) for column in table.primary_key.columns)]
    names = {table.name for table in copied}
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in copied:
            rows = connection.execute(select(table)).mappings().all()
            copies = [{column.name: _moved(column, row[column.name], at, names) for column in table.columns}
                      for at in range(1, COPIES + 1) for row in rows]
            if copies:
                connection.execute(insert(table), copies)
        connection.commit()


def _moved(column, value, at, names):
    """The value that the copy has in this column."""
    owners = {key.column.table.name for key in column.foreign_keys}
    if value is None or (owners and not owners & names):
        return value
    if owners or (column.primary_key and isinstance(column.type, Integer)):
        return value + at * APART
    if isinstance(value, str) and isinstance(column.type, String) and _alone(column):
        return f"{at}-{value}"
    return _referring(value, at) if isinstance(value, (dict, list)) else value


def _alone(column) -> bool:
    """Whether no two rows may have the same in this column."""
    table = column.table
    some = [index.columns for index in table.indexes if index.unique] + [
        one.columns for one in table.constraints if getattr(one, "columns", None)]
    return column.unique or any(column.name in [one.name for one in columns] for columns in some) or column.name in (
        "key", "name", "slug", "email")


def _referring(value, at, inside=False):
    if isinstance(value, dict):
        return {name: _referring(one, at, inside or name in REFERRING) for name, one in value.items()}
    if isinstance(value, list):
        return [_referring(one, at, inside) for one in value]
    return value + at * APART if inside and type(value) is int else value


def test_a_list_asks_at_most_thirty_times_whatever_the_number_of_rows(app, signed_in, monkeypatch):
    """Spec 17, other pages: at most 30 queries a page whatever the row count, but for those of ALLOWED; as an administrator, who
    sees most. Of lists below a thing (the executions of a runbook) it tells nothing."""
    count_nobody(app, monkeypatch)
    browser = signed_in(world()["admin"])
    multiply()
    asked, answers = {}, {}
    for rule, method, _ in routes(app):
        if method == "GET" and "<" not in rule.rule and not PUBLIC.fullmatch(rule.rule):
            with asking() as statements:
                answers[rule.rule] = browser.get(address(rule))
            asked[rule.rule] = len(statements)
    nothing(f"{path}: {number}" for path, number in asked.items() if number > ALLOWED.get(path, MOST))
    nothing(f"{path} needs no exception: {asked[path]}" for path in ALLOWED if asked[path] <= MOST)
    nothing(f"{path}: {one.status_code}" for path, one in answers.items() if (one.status_code == 200) is (path in ELSEWHERE))
    items = {path: len(one.json["items"]) for path, one in answers.items() if one.is_json and "items" in one.json}
    assert len(items) > 20 and all(number >= COPIES for path, number in items.items() if path not in FEW), items
