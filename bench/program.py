"""The frame of every measuring program: options, one run per database, and the exit status."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import report
from bench.report import Figure
from tests.servers import Postgres

DURABLE = ("max_connections=300", "unix_socket_directories=", "listen_addresses=127.0.0.1", "timezone=UTC",
           "shared_buffers=256MB")
SETTINGS = ("WEB_PROCESSES", "WEB_THREADS", "WORKER_PROCESSES", "SEND_THREADS")


@dataclass(frozen=True)
class Bench:
    """Where to measure and how much: `small` tries the program out, `long` is what the targets name."""

    database: str
    address: str
    size: str

    def of(self, small: float, usual: float, long: float) -> float:
        """The number for this size."""
        return {"small": small, "usual": usual, "long": long}[self.size]


Measure = Callable[[Bench], Awaitable[list[Figure]]]


def run(name: str, measure: Measure) -> None:
    """Measure on each database asked for; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--small", dest="size", action="store_const", const="small", default="usual",
                        help="a short try; its figures are not kept")
    parser.add_argument("--long", dest="size", action="store_const", const="long")
    chosen = parser.parse_args()
    names = ("sqlite", "postgresql") if chosen.database == "both" else (chosen.database,)
    sys.exit(0 if all([_one(name, database, chosen.size, measure) for database in names]) else 1)


def _one(name: str, database: str, size: str, measure: Measure) -> bool:
    with _address(database) as address:
        figures = asyncio.run(measure(Bench(database, address, size)))
    print(f"{name} on {report.NAMES[database]}, {report.machine()}, commit {report.commit()}")
    for figure in figures:
        print(figure.line())
    lost: list[str] = []
    if size != "small":
        lost = report.store(name, database, figures, {key: os.environ[key] for key in SETTINGS if key in os.environ})
        report.write_table()
    for sentence in lost:
        print(f"  more than 20 % worse than before: {sentence}")
    sys.stdout.flush()
    return not lost and all(figure.ok for figure in figures)


@contextmanager
def _address(database: str) -> Iterator[str]:
    """The address of an empty database: "" for SQLite in the instance folder, else a PostgreSQL that loses nothing."""
    if database == "sqlite":
        yield ""
        return
    server = Postgres(DURABLE)
    try:
        yield server.database("bench")
    finally:
        server.stop()
