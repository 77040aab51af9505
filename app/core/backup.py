"""A backup as one file: every table as JSON lines with its checksum, the same for both databases, and the way back."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import JSON, Connection, MetaData, Table, inspect, select, text
from sqlalchemy.exc import SAWarning

from app.core import hold, schema, secrets
from app.core.backup_values import plain, typed
from app.core.db import Base, db
from app.core.errors import Conflict, Invalid

FORMAT = 1
BATCH = 2000
Progress = Callable[[str], None]
# Where something stands in every system that was used.
TELLING = ("users", "events", "incidents")
# What belongs to the running processes and not to the organisation.
LEFT_OUT = frozenset({"pulses"})


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself: when, at which revision, how many rows with which checksum in each table, and the
    names of the keys without which its secrets can't be read."""

    made_at: str
    revision: str
    tables: dict[str, dict[str, Any]]
    keys: list[str]

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(table["rows"] for table in self.tables.values())


def make(path: Path, *, progress: Progress = lambda _: None) -> Contents:
    """Write everything into one file while the system runs: one moment of the database, then read again and compared.

    Raises Conflict while the database is not up to date, OSError when the file can't be written.
    """
    if schema.present() != schema.head():
        raise Conflict("The database is not up to date. Run `oncall migrate` first.")
    unfinished = path.with_name(path.name + ".part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    try:
        contents = _write(unfinished, progress)
        verify(unfinished)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)
    return contents


def _write(unfinished: Path, progress: Progress) -> Contents:
    with _one_moment() as connection, tarfile.open(unfinished, "w:gz", compresslevel=3) as archive:
        tables = {}
        for table in Base.metadata.sorted_tables:
            if table.name not in LEFT_OUT:
                tables[table.name] = _store(archive, connection, table)
                progress(f"{table.name}: {tables[table.name]['rows']} rows")
        contents = Contents(datetime.now(UTC).isoformat(timespec="seconds"), schema.head(), tables, secrets.key_ids())
        _add(archive, "contents.json", json.dumps({"format": FORMAT, **vars(contents)}).encode())
    return contents


def verify(path: Path) -> Contents:
    """Read the whole file: every table is there with its rows and its checksum. Raises Invalid saying what is wrong."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            return _compared(archive)
    except (tarfile.TarError, OSError, EOFError, ValueError, KeyError) as fault:
        if isinstance(fault, FileNotFoundError | PermissionError):
            raise
        raise Invalid(f"This is no backup, or a damaged one: {fault}") from None


def _compared(archive: tarfile.TarFile) -> Contents:
    contents = _contents(archive)
    for name, said in contents.tables.items():
        if _measured(_member(archive, f"tables/{name}.jsonl")) != (said["rows"], said["sha256"]):
            raise Invalid(f"The backup is damaged: the table {name} is not as it was written")
    return contents


def restore(path: Path, *, progress: Progress = lambda _: None) -> Contents:
    """Fill an empty database with a backup of either kind, and bring it up to date. Raises Conflict when it is not
    empty, Invalid for a damaged file or one of a newer version. The caller holds what goes out."""
    contents = verify(path)
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
            _fill(connection, found.tables[name], _member(archive, f"tables/{name}.jsonl"))
            progress(f"{name}: {contents.tables[name]['rows']} rows")
        for name in contents.tables:
            _join(connection, found.tables[name], _member(archive, f"tables/{name}.jsonl"))
            _count_on(connection, found.tables[name])
        connection.execute(Base.metadata.tables["pulses"].insert(), hold.row(f"a backup of {contents.made_at} was restored"))
    schema.migrate()
    return contents


def _require_room(revision: str) -> None:
    if schema.present() not in ("", revision):
        raise Conflict("The database is of another version than the backup. Restore into a new one.")
    with db.engine.connect() as connection:
        if inspect(connection).has_table("users") and any(
                connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first() for name in TELLING):
            raise Conflict("The database is not empty. Restore into a new one, so that nothing is mixed or lost.")


class _one_moment:
    """A connection that sees one moment of the database, whatever is committed meanwhile."""

    def __enter__(self) -> Connection:
        level = {"isolation_level": "REPEATABLE READ"} if db.engine.dialect.name == "postgresql" else {}
        self.connection = db.engine.connect().execution_options(**level)
        self.connection.begin()
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.rollback()
        self.connection.close()


def _store(archive: tarfile.TarFile, connection: Connection, table: Table) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    order = list(table.primary_key.columns) or list(table.columns)
    with TemporaryFile() as file:
        for row in connection.execute(select(table).order_by(*order).execution_options(yield_per=BATCH)).mappings():
            line = json.dumps({name: plain(value) for name, value in row.items()}, ensure_ascii=False).encode() + b"\n"
            file.write(line)
            digest.update(line)
            rows += 1
        _add(archive, f"tables/{table.name}.jsonl", file)
    return {"rows": rows, "sha256": digest.hexdigest()}


def _add(archive: tarfile.TarFile, name: str, content: bytes | IO[bytes]) -> None:
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = file.seek(0, io.SEEK_END), int(time.time())
    file.seek(0)
    archive.addfile(entry, file)


def _contents(archive: tarfile.TarFile) -> Contents:
    said = json.loads(_member(archive, "contents.json").read())
    if said.pop("format") != FORMAT:
        raise Invalid("This backup was made by a newer version. Install that one first.")
    return Contents(**said)


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise Invalid(f"The backup is damaged: {name} is missing")
    return file


def _measured(file: IO[bytes]) -> tuple[int, str]:
    digest, rows = hashlib.sha256(), 0
    for line in file:
        digest.update(line)
        rows += 1
    return rows, digest.hexdigest()


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
