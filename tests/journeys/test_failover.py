"""A PostgreSQL that is not there yet, and one in whose place its standby steps; for `make soak`."""

from __future__ import annotations

import os
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.journeys.system import TOKEN, System
from tests.servers import Postgres, eventually

SECONDS = float(os.environ.get("FAILOVER_SECONDS", "20"))
pytestmark = pytest.mark.soak


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL that nobody else uses."""
    made = Postgres(("unix_socket_directories=", "listen_addresses=127.0.0.1", "max_connections=300"))
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
