"""The way back from a backup: a database of either kind is filled and brought up to date."""

from __future__ import annotations

import json
import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, Connection, MetaData, Table, inspect, select, text
from sqlalchemy.exc import SAWarning

from app.core import clock, hold, schema
from app.core.backup import BATCH, Contents, Progress, member, verify
from app.core.backup_values import typed
from app.core.db import Base, db
from app.core.errors import Conflict
from app.core.pulse import Pulse

RESTS = 10  # seconds after which a clock that did not tick is stopped
# Where something stands in every system that was used.
TELLING = ("users", "events", "incidents")


def restore(path: Path, *, force: bool = False, progress: Progress = lambda _: None) -> Contents:
    """Fill an empty database with a backup of either kind, and bring it up to date. `force`: another is emptied first.

    Raises Conflict when it is not empty, or while the system runs on it; Invalid for a damaged file or one of a newer
    version. Nothing goes out afterwards until it is released.
    """
    contents = verify(path)
    schema.require_known(contents.revision)
    if force:
        _require_rest()
        schema.remove_all()
    _require_room(contents.revision)
    schema.migrate_to(contents.revision)
    with tarfile.open(path, "r:gz") as archive, db.engine.begin() as connection:
        found = MetaData()
        with warnings.catch_warnings():  # indexes over expressions are not reflected, and not needed here
            warnings.simplefilter("ignore", SAWarning)
            found.reflect(connection)
        tables = [table for table in found.sorted_tables if table.name in contents.tables]
        for table in reversed(tables):
            connection.execute(table.delete())
        for name in [table.name for table in tables]:
            _fill(connection, found.tables[name], member(archive, f"tables/{name}.jsonl"))
            progress(f"{name}: {contents.tables[name]['rows']} rows")
        for name in contents.tables:
            _join(connection, found.tables[name], member(archive, f"tables/{name}.jsonl"))
            _count_on(connection, found.tables[name])
        connection.execute(Base.metadata.tables["pulses"].insert(), hold.row(f"a backup of {contents.made_at} was restored"))
    schema.migrate()
    return contents


def _require_rest() -> None:
    """Whoever still works on a database that is emptied would fill it again."""
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("pulses"):
            return
        last = connection.scalar(select(Pulse.at).where(Pulse.name == "clock"))
    if last is not None and (clock.now() - last).total_seconds() < RESTS:
        raise Conflict("The system runs on this database. Stop it first: web, worker and clock, on every machine.")


def _require_room(revision: str) -> None:
    if schema.present() not in ("", revision):
        raise Conflict("The database is of another version than the backup. Restore into a new one.")
    with db.engine.connect() as connection:
        if inspect(connection).has_table("users") and any(
                connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first() for name in TELLING):
            raise Conflict("The database is not empty. Restore into a new one, so that nothing is mixed or lost; with "
                           "--force everything in it is removed first.")


def _batches(file: IO[bytes]) -> Iterator[list[dict[str, Any]]]:
    naive, batch = db.engine.dialect.name == "sqlite", []
    for line in file:
        batch.append({name: typed(value, naive=naive) for name, value in json.loads(line).items()})
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _later(table: Table) -> list[str]:
    """Columns that may name rows which come later, of this table or of another: they are filled when all are there."""
    return [column.name for column in table.columns if column.foreign_keys and column.nullable]


def _fill(connection: Connection, table: Table, file: IO[bytes]) -> None:
    later = dict.fromkeys(_later(table))
    for column in table.columns:
        if isinstance(column.type, JSON):
            column.type.none_as_null = True
    for batch in _batches(file):
        connection.execute(table.insert(), [{**row, **later} for row in batch])


def _join(connection: Connection, table: Table, file: IO[bytes]) -> None:
    later, key = _later(table), list(table.primary_key.columns)
    for batch in _batches(file) if later else ():
        for row in batch:
            said = {name: row[name] for name in later if row[name] is not None}
            if said:
                connection.execute(table.update().where(*(column == row[column.name] for column in key)).values(said))


def _count_on(connection: Connection, table: Table) -> None:
    """On PostgreSQL, numbers go on after the highest one."""
    keys = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(keys) != 1:
        return
    name = connection.exec_driver_sql("SELECT pg_get_serial_sequence(%s, %s)", (table.name, keys[0].name)).scalar()
    if name:
        highest = f'SELECT setval(%s, COALESCE((SELECT MAX("{keys[0].name}") FROM "{table.name}"), 0) + 1, false)'
        connection.exec_driver_sql(highest, (name,))
