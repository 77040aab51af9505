"""A backup as one file: every table as JSON lines with its checksum, the same for both databases."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from sqlalchemy import Connection, Table, select

from app.core import schema, secrets
from app.core.backup_values import plain
from app.core.db import Base, db, transaction
from app.core.errors import Conflict, Invalid
from app.core.pulse import beat

FORMAT = 1
BATCH = 2000
Progress = Callable[[str], None]
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
    with transaction():
        beat("backup", rows=contents.rows)
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
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as fault:
        if isinstance(fault, FileNotFoundError | PermissionError):
            raise
        raise Invalid(f"This is no backup, or a damaged one: {fault}") from None


def _compared(archive: tarfile.TarFile) -> Contents:
    contents = _contents(archive)
    for name, said in contents.tables.items():
        if _measured(member(archive, f"tables/{name}.jsonl")) != (said["rows"], said["sha256"]):
            raise Invalid(f"The backup is damaged: the table {name} is not as it was written")
    return contents


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
    said = json.loads(member(archive, "contents.json").read())
    if said.pop("format") != FORMAT:
        raise Invalid("This backup was made by a newer version. Install that one first.")
    return Contents(**said)


def member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A file inside. Raises Invalid when it is not there."""
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
