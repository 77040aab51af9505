"""A PostgreSQL that is not there yet, and one in whose place its standby steps; for `make soak`."""

from __future__ import annotations

import os
import smtplib
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.journeys.processes import descendants
from tests.journeys.system import TOKEN, System
from tests.journeys.test_halves import Load, doubled, paged, signals
from tests.servers import Postgres, Standby, eventually

SECONDS = float(os.environ.get("FAILOVER_SECONDS", "20"))
pytestmark = pytest.mark.soak


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL that nobody else uses."""
    made = Postgres(("unix_socket_directories=", "listen_addresses=127.0.0.1", "max_connections=300"))
    yield made
    made.stop()


@pytest.fixture
def standby(server: Postgres) -> Iterator[Standby]:
    """What follows it."""
    made = Standby(server)
    yield made
    made.stop()


@contextmanager
def beside(system: System, part: str) -> Iterator[subprocess.Popen[bytes]]:
    """One more part of it, for as long."""
    running = system.beside(part)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def test_a_system_that_begins_while_postgresql_is_away_is_there_when_it_is_back(server: Postgres):
    """QUAL-11: it says what it waits for, ends at once when told to, and is ready by itself; mail is put off meanwhile."""
    with System(server.database("begins")) as own:
        own.stop()
        server.halt()
        own.begin()
        eventually(lambda: "OnCall waits for the database" in own.said(), within=60, what="a word about the database")
        assert own.stop() < 5 and own.parts() == []
        own.begin()
        with beside(own, "mail") as mail:
            eventually(lambda: takes_mail(own) == 451, within=60, every=1, what="a mail receiver that says so")
            own.pause(min(SECONDS, 10))
            assert not own.is_ready() and mail.poll() is None
            server.resume()
            eventually(own.is_ready, within=60, what="a system that is ready")
            eventually(lambda: takes_mail(own) == 250, within=20, every=1, what="mail that is taken again")
            mail.terminate()
            assert mail.wait(10) == 0


def takes_mail(system: System) -> int:
    """What a sender of mail is told; 0 when nobody listens."""
    try:
        with smtplib.SMTP("127.0.0.1", system.mail_port, timeout=10) as sender:
            sender.ehlo()
            sender.mail("ana@example.com")
            return sender.rcpt(f"{TOKEN}@oncall.example.com")[0]
    except (OSError, smtplib.SMTPException):
        return 0


def together(server: Postgres, standby: Standby) -> System:
    """A system that is told of both, as the guide says."""
    name = server.database("failover").rpartition("/")[2]
    return System(f"postgresql://tests@/{name}?host=127.0.0.1:{server.port}&host=127.0.0.1:{standby.port}"
                  "&target_session_attrs=read-write")


def vanish(server: Postgres) -> None:
    """All of it at once, without a word."""
    assert server.process is not None
    below = descendants(server.process.pid)
    server.process.kill()
    for process in below:
        process.kill()
    server.process.wait(10)


def lose_what_comes(standby: Standby) -> None:
    """From now on nothing that the primary commits is kept here."""
    assert standby.process is not None
    standby.ask("ALTER SYSTEM SET primary_conninfo = ''")
    standby.ask("SELECT pg_reload_conf()")
    pid = standby.process.pid
    eventually(lambda: not [one for one in descendants(pid) if "walreceiver" in one.command], what="a standby that hears nothing")


def parts(system: System) -> set[int]:
    """The processes of a system that last, by number."""
    return {part.pid for role in ("web", "worker", "clock") for part in system.parts(role)}


def failed_over(system: System, server: Postgres, standby: Standby, *, losing: float = 0) -> tuple[Load, float, float]:
    """The load while the standby takes the primary's place; when it ceased to follow, and when the primary vanished."""
    load, before = Load(system.url), parts(system)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(load.go_on, SECONDS)
        system.pause(SECONDS / 2)
        if losing:
            lose_what_comes(standby)
        ceased = time.time()
        system.pause(losing)
        vanish(server)
        vanished = time.time()
        system.pause(2)
        standby.ask("SELECT pg_promote()")
        done.result()
    eventually(system.is_ready, within=30, what="a system that is ready again")
    first = min(at for at in load.taken.values() if at > vanished + 2)
    print(dict(load.met), f"taken again {first - vanished:.1f} s after the primary vanished")
    assert first - vanished < 2 + 10 and parts(system) == before and "500" not in load.met
    return load, ceased, vanished


def test_a_standby_that_keeps_in_step_takes_over_and_nothing_is_lost(server: Postgres, standby: Standby):
    """QUAL-12: with a synchronous standby each delivery that was answered 202 is there once, each new problem is paged, no
    message is handed over twice, and no process began anew."""
    server.ask("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
    server.ask("SELECT pg_reload_conf()")
    eventually(lambda: server.ask("SELECT sync_state FROM pg_stat_replication") == "quorum", what="a standby in step")
    with together(server, standby) as system:
        load, _, _ = failed_over(system, server, standby)
        eventually(lambda: signals(system) == len(load.taken), within=60, what=f"{len(load.taken)} signals")
        print(f"{max(paged(system, load).values()):.1f} s until the latest page")
        assert doubled(system) == 0


def test_a_standby_that_lacks_the_last_second_takes_over(server: Postgres, standby: Standby):
    """QUAL-12: without a synchronous one what came in that second is lost, and nothing else: all before and after is there and
    paged, and no process began anew."""
    with together(server, standby) as system:
        load, ceased, vanished = failed_over(system, server, standby, losing=1)
        there = len(load.taken)
        lost = sum(ceased - 1 < at <= vanished for at in load.taken.values())
        eventually(lambda: there - lost <= signals(system) < there, within=60, what=f"{there - lost} of {there} signals")
        print(f"{there - signals(system)} of {lost} that were taken meanwhile are lost")
        load.taken = {title: at for title, at in load.taken.items() if not ceased - 1 < at <= vanished}
        print(f"{max(paged(system, load).values()):.1f} s until the latest page")
