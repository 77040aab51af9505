"""What the system leans on goes away and comes back: nothing is lost, senders are told the truth, nobody starts anything
again; for `make soak`."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.journeys.processes import Process, descendants
from tests.journeys.system import ANA, BOB, System, firing
from tests.servers import Postgres, eventually

SECONDS = float(os.environ.get("OUTAGE_SECONDS", "60"))
TIMER = 5  # of the first level, in seconds
pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL that nobody else uses."""
    made = Postgres(("unix_socket_directories=", "listen_addresses=127.0.0.1", "max_connections=300"))
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is not None:
            made.resume()
        made.stop()


@pytest.fixture(scope="module")
def own(server: Postgres) -> Iterator[System]:
    """A system on that PostgreSQL."""
    with System(server.database("outage")) as system:
        yield system


@pytest.fixture
def alone() -> Iterator[System]:
    """A system with SQLite that nobody else uses."""
    with System() as system:
        yield system


def running(system: System, *, but: str = "") -> set[int]:
    """Its processes; of those that play the part `but` none."""
    assert system.process is not None
    return {part.pid for part in descendants(system.process.pid) if not but or not part.is_a(but)}


@contextmanager
def standing(parts: list[Process]) -> Iterator[None]:
    """Inside, these processes do nothing."""
    for part in parts:
        part.send(signal.SIGSTOP)
    try:
        yield
    finally:
        for part in parts:
            part.send(signal.SIGCONT)


def refused(system: System) -> None:
    """A sender is told to come again."""
    answer = system.post(firing("service-1", "Meanwhile"))
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0, answer.text


def test_postgresql_away_for_a_minute(own: System, server: Postgres):
    """QUAL-11, in part: 503 with Retry-After, never 2xx; an overdue page leaves within 10 s of its return, and no process began
    anew. That what is overdue goes before what is new is not looked at."""
    own.deliver(firing("service-2", "Before"))
    own.mailed(ANA, "Before")
    before, until = running(own), time.monotonic() + SECONDS
    server.halt()
    page = httpx.post(f"{own.url}/login", data={"email": ANA, "password": "any"}, headers={"Accept": "text/html"})
    assert page.status_code == 503 and "The database can&#39;t be reached at the moment" in page.text
    while time.monotonic() < until:
        refused(own)
        own.pause(1)
    server.resume()
    back = time.monotonic()
    own.mailed(BOB, "Before", within=10)  # it was due while the database was away
    eventually(lambda: own.post(firing("service-3", "After")).status_code == 202, within=10 - time.monotonic() + back,
               what="a delivery that is taken again")
    own.mailed(ANA, "After", within=10)
    assert running(own) == before and not own.mails(ANA, "Meanwhile")


def test_what_was_to_be_done_when_postgresql_went_is_done_when_it_is_back(own: System, server: Postgres):
    """QUAL-11: nothing that waited in a queue is used up by tries that could only fail."""
    own.deliver(firing("service-4", "Answered"))
    own.mailed(ANA, "Answered")
    own.mailed(BOB, "Answered", within=TIMER + 10)
    with standing(own.parts("worker")):
        assert own.act(own.incident("service-4"), "acknowledge").status_code == 200
        server.halt()
    own.pause(min(SECONDS, 10))
    server.resume()
    eventually(lambda: [one for one in own.mails(BOB, "Answered") if one.subject.startswith("Acknowledged")], within=10,
               what="Bob hearing that Ana took it")


def test_processes_that_begin_while_postgresql_is_away_are_there_when_it_is_back(own: System, server: Postgres):
    """QUAL-11: senders are told to come again meanwhile, and none of the processes has to begin a second time."""
    server.halt()
    for part in (part for role in ("web", "worker", "clock") for part in own.parts(role)):
        part.kill()
    eventually(lambda: knocks(own) == 503, within=60, every=1, what="a web process that says so")
    before = running(own)
    own.pause(min(SECONDS, 10))
    refused(own)
    server.resume()
    own.deliver(firing("service-5", "Begun"))
    own.mailed(ANA, "Begun")
    own.mailed(BOB, "Begun", within=TIMER + 10)
    assert running(own) == before


def knocks(system: System) -> int:
    """What a delivery is answered; 0 without an answer."""
    try:
        return system.post(firing("service-1", "Meanwhile")).status_code
    except httpx.TransportError:
        return 0


@contextmanager
def redis_stopped(system: System) -> Iterator[None]:
    """It takes connections and says nothing."""
    with standing(system.parts("redis")):
        yield


@contextmanager
def redis_replaced(system: System) -> Iterator[None]:
    """An empty one takes its place."""
    for part in system.parts("redis"):
        shutil.rmtree(system.folder / "redis", ignore_errors=True)
        part.kill()
    (system.folder / "redis").mkdir(exist_ok=True)
    yield


@contextmanager
def redis_flushed(system: System) -> Iterator[None]:
    """It is emptied."""
    system.flush_redis()
    yield


def paged_in_time(system: System, *, seconds: float) -> None:
    """Problems come for so long; Ana is paged for each, and Bob when his turn has come."""
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        title = f"Outage {time.monotonic():.2f}"
        sent = system.deliver(firing(f"service-{number % 40}", title))
        first = system.mailed(ANA, title, within=15)
        second = system.mailed(BOB, title, within=TIMER + 15)
        assert first.at - sent < 10 and second.at - first.at < TIMER + 5, (first.at - sent, second.at - first.at)
        system.deliver(firing(f"service-{number % 40}", title, status="resolved"))
        number += 1


@pytest.mark.parametrize(("outage", "times"), [(redis_stopped, 1), (redis_replaced, 3), (redis_flushed, 3)])
def test_redis_away_or_empty(alone: System, outage, times):
    """QUAL-10, in part: nothing lost, nothing doubled, a timer at most five seconds late on a busy machine, no other process
    began anew, ready again within ten seconds. How late open pages are is not looked at."""
    before = running(alone, but="redis")
    for _ in range(times):
        with outage(alone):
            paged_in_time(alone, seconds=SECONDS / times)
    eventually(alone.is_ready, within=10, what="a system that is ready again")
    assert running(alone, but="redis") == before
    for person in (ANA, BOB):
        pages = [mail.subject for mail in alone.mail.to(person) if "Outage" in mail.subject and "esolved" not in mail.subject]
        assert len(pages) == len(set(pages)) > 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 48 MiB."""
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", tmp_path], check=False).returncode:
        pytest.skip("a small disk can be made by root only")
    yield tmp_path
    subprocess.run(["umount", "-l", tmp_path], check=True)


def filled(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def test_a_full_disk(small: Path):
    """HRD-39: 503 with Retry-After, never 202; nothing is corrupted; with room again all goes on without a restart."""
    with System(folder=small) as system:
        system.deliver(firing("service-1", "Before"))
        system.mailed(ANA, "Before")
        before, filler = running(system), filled(small)
        answers = [system.post(firing("service-2", f"Full {at}", text="x" * 50_000)) for at in range(40)]
        taken = sum(answer.status_code == 202 for answer in answers)
        assert answers[-1].status_code == 503 and {answer.status_code for answer in answers} <= {202, 503}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 503)
        system.pause(10)
        filler.unlink()
        system.deliver(firing("service-3", "After"))
        system.mailed(ANA, "After", within=20)
        assert running(system) == before
        eventually(lambda: len(system.get("/alerts?service=service-2")["items"]) == taken, what="what was taken before")
        eventually(system.is_ready, within=20, what="a system that is ready again")
        assert sqlite3.connect(small / "oncall.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
