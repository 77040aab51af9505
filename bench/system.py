"""The measured system: the real processes in a folder of their own, with people, senders and a sink for pages."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, create_engine, text

from app.core.signatures import sign
from bench.load import Client
from tests.journeys.processes import Process, descendants
from tests.servers import eventually, free_port

ROOT = Path(__file__).resolve().parent.parent
ONCALL = str(Path(sys.executable).with_name("oncall"))
ADMIN, PASSWORD = "ana@example.com", "measured with patience"
TOKENS = {"shop": "bench-token-of-the-shop-0123456789", "other": "bench-token-of-others-0123456789"}
SECRET = "bench-signing-secret-0123456789"
PEOPLE = 20
SERVICES = 100  # of each team: so many that no page is bundled, and no service has a storm of its own


def document(sink: str) -> dict[str, Any]:
    """Two teams with a sender and a hundred services each: the shop with twenty people, and others with one."""
    people = [{"email": ADMIN, "name": "Ana", "role": "admin", "password": PASSWORD}]
    people += [{"email": f"person-{at}@example.com", "name": f"Person {at}", "password": PASSWORD}
               for at in range(PEOPLE)]
    for at, person in enumerate(people):
        person["contact_methods"] = [  # type: ignore[assignment]
            {"name": "hook", "channel": "webhook", "address": f"{sink}{at}", "verified": True}]
    emails = [str(person["email"]) for person in people]
    keys = [("shop", emails[1:-1]), ("other", emails[-1:])]
    layers = {key: {"name": "base", "starts": "2026-01-05T09:00", "rotation": {"every": 1, "unit": "week"},
                    "participants": [[email] for email in members]} for key, members in keys}
    return {
        "version": 1, "users": people,
        "teams": [{"key": key, "name": key.title(), "policy": key, "members": [
            {"user": email, "role": "responder"} for email in members]} for key, members in keys],
        "schedules": [{"key": key, "name": key.title(), "team": key, "time_zone": "UTC", "layers": [layers[key]]}
                      for key, _ in keys],
        "escalation_policies": [{"key": key, "name": key.title(), "team": key, "repeat": 1, "levels": [
            {"timeout": "30m", "targets": [{"schedule": key}]}] * 3} for key, _ in keys],
        "services": [{"key": f"{key}-{at}", "name": f"{key.title()} {at}", "team": key}
                     for key, _ in keys for at in range(SERVICES)],
        "integrations": [{"key": key, "plugin": "webhook", "team": key, "service": f"{key}-0", "token": TOKENS[key],
                          "secret": SECRET} for key, _ in keys],
    }


@asynccontextmanager
async def started(database: str, sink: str, **settings: str) -> AsyncIterator[System]:
    """A system that is up and filled, while messages may arrive at `sink` all along."""
    system = System(database, sink, **settings)
    try:
        await asyncio.to_thread(system.begin)
        yield system
    finally:
        await asyncio.to_thread(system.end)


class System:
    """`oncall up` with the example of `document`; `database` is empty for SQLite."""

    def __init__(self, database: str, sink: str, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="oncall-bench-"))
        self.port, self.sink = free_port(), sink
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = database or f"sqlite:///{self.folder / 'oncall.db'}"
        self.environment = os.environ | {
            "ONCALL_INSTANCE": str(self.folder), "PORT": str(self.port), "OUTBOUND_ALLOW": "127.0.0.0/8",
            "DATABASE_URL": self.database, "REDIS_URL": "", "LOG_LEVEL": "WARNING",
            "SMTP_URL": "smtp://127.0.0.1:9"} | settings
        self.started: list[subprocess.Popen[bytes]] = []
        self.token = ""

    def begin(self) -> None:
        """Start it, and fill in the example."""
        self.up()
        self.oncall("apply", "-", given=json.dumps(document(self.sink)))
        self.token = json.loads(self.oncall("token", "create", "--user", ADMIN, "--json"))["token"]

    def end(self) -> None:
        """Stop it and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def oncall(self, *words: str, given: str = "") -> str:
        """Run a command beside the system and return what it printed."""
        done = subprocess.run([ONCALL, *words], env=self.environment, cwd=ROOT, input=given, text=True,
                              capture_output=True, timeout=120)
        if done.returncode:
            raise SystemExit(f"oncall {' '.join(words)}: {done.stderr}")
        return done.stdout

    def run(self, *words: str, answers: Callable[[], bool]) -> float:
        """Start a process of `oncall`; the seconds until it answers."""
        began = time.perf_counter()
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([ONCALL, *words], env=self.environment, cwd=ROOT, stdout=log,
                                       stderr=subprocess.STDOUT, start_new_session=True)
        self.started.append(process)
        try:
            eventually(lambda: process.poll() is not None or answers(), within=120, every=0.02, what=f"oncall {words}")
        except AssertionError:
            raise SystemExit(self.said()) from None
        if process.poll() is not None:
            raise SystemExit(self.said())
        return time.perf_counter() - began

    def up(self) -> float:
        """`oncall up`; the seconds until the first page is there. All parts are ready when this returns."""
        seconds = self.run("up", answers=lambda: self.answers("/login"))
        eventually(lambda: self.answers("/readyz"), within=60, every=0.1, what="a system that is ready")
        return seconds

    def answers(self, path: str, port: int = 0) -> bool:
        """Whether a GET is answered with 200."""
        try:
            return httpx.get(f"http://127.0.0.1:{port or self.port}{path}", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def said(self) -> str:
        """The last lines of its log."""
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-30:])

    def parts(self) -> list[Process]:
        """Every process of it."""
        return [part for process in self.started for part in descendants(process.pid)]

    def resident(self) -> float:
        """Resident memory of all its processes in MB (10**6 bytes), shared pages counted in each."""
        pids = [process.pid for process in self.started] + [part.pid for part in self.parts()]
        return sum(resident(pid) for pid in pids) / 1e6

    def proportional(self) -> float:
        """The same with shared pages counted once, as a container is charged."""
        pids = [process.pid for process in self.started] + [part.pid for part in self.parts()]
        return sum(_proportional(pid) for pid in pids) / 1e6

    def cpu(self, role: str) -> float:
        """Seconds of CPU that all processes of this part have used so far."""
        return sum(_cpu(part.pid) for part in self.parts() if part.is_a(role))

    def stop(self) -> None:
        """Ctrl-C; what is left after 15 s is killed."""
        parts = self.parts()
        for process in self.started:
            process.send_signal(signal.SIGINT)
        for process in self.started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started.clear()
        for part in parts:
            if part in descendants(part.parent):
                part.kill()

    # What the programs need beside the processes

    def client(self, *, most: int = 64, port: int = 0) -> Client:
        """A client with the API token of the administrator."""
        return Client(port or self.port, most=most, headers={"Authorization": f"Bearer {self.token}"})

    def cookie(self, email: str) -> str:
        """The cookie of this person's login, as a browser would have it."""
        with httpx.Client(base_url=self.url, timeout=20) as browser:
            page = browser.get("/login").text
            csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
            form = {"email": email, "password": PASSWORD, "csrf_token": csrf, "next": "/"}
            answer = browser.post("/login", data=form)
            if "oncall" not in browser.cookies or answer.status_code not in (302, 303):
                raise SystemExit(f"no login: {answer.status_code}")
            return f"oncall={browser.cookies['oncall']}"

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """The database itself: for filling it in bulk and for reading what became of it."""
        address = self.database.replace("postgresql://", "postgresql+psycopg://", 1)
        options = {"connect_args": {"timeout": 60}} if address.startswith("sqlite") else {}
        engine = create_engine(address, **options)  # type: ignore[arg-type]
        try:
            yield engine
        finally:
            engine.dispose()

    def value(self, query: str) -> Any:
        """The only value of a query."""
        with self.engine() as engine, engine.connect() as connection:
            return connection.execute(text(query)).scalar()


def resident(pid: int) -> int:
    """Resident memory of a process in bytes."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def alert(client: Client, mark: str, *, sender: str = "shop", service: str = "shop-0", note: str = "") -> bytes:
    """A signed delivery about the problem with this mark; every call makes another delivery."""
    body = json.dumps({"title": f"{mark} is broken", "dedup_key": mark, "severity": "critical", "status": "firing",
                       "service": service, "description": note * 20, "labels": {"host": mark, "zone": "a"}}).encode()
    unique = f"{mark}-{time.time_ns()}"
    return client.request("POST", f"/in/{TOKENS[sender]}", body, **sign(
        body, secret=SECRET, at=datetime.now(UTC), delivery=unique), Idempotency_Key=unique)
