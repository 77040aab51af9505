"""`oncall up` starts its parts wherever its output goes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import pytest
from supervisor import loggers

from app.core import up
from app.core.errors import Conflict


class Full:
    """A stream on a full disk."""

    def write(self, _text):
        raise OSError(28, "No space left on device")

    flush = close = write


def test_a_log_that_can_not_be_written_ends_nothing(monkeypatch):
    """HRD-39: neither the supervisor's own nor standard error, to which it would say so."""
    monkeypatch.setattr(sys, "stderr", Full())
    handler = loggers.StreamHandler(Full())
    handler.setFormat("%(message)s")
    handler.emit(loggers.LogRecord(loggers.LevelsByName.INFO, "a part was started again"))


OPENS_BY_NAME = """
from app.core.up import make_output_openable
make_output_openable()
with open("/dev/fd/1", "w") as output:
    output.write("a part speaks")
"""


def test_parts_can_speak_when_the_output_is_a_socket_as_under_systemd():
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            subprocess.run([sys.executable, "-c", OPENS_BY_NAME], stdout=theirs, check=True, timeout=30)
        ours.settimeout(10)
        assert ours.recv(100) == b"a part speaks"


def test_an_ordinary_output_stays_what_it_was():
    done = subprocess.run([sys.executable, "-c", OPENS_BY_NAME], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "a part speaks")


PREPARES_FOR_EVER = """
import os, signal
from app.core import prefork
prefork.apart(lambda: print(os.getpid(), flush=True) or signal.pause())
print("it goes on", flush=True)
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_is_told_to_stop_before_its_parts_have_begun_stops_at_once(number, status):
    """QUAL-11: while it waits for the database, for one; nothing of it is left, and nothing begins."""
    with subprocess.Popen([sys.executable, "-c", PREPARES_FOR_EVER], stdout=subprocess.PIPE, text=True) as waiting:
        copy = int(waiting.stdout.readline())
        waiting.send_signal(number)
        assert (waiting.wait(30), waiting.stdout.read()) == (status, "")
    with pytest.raises(ProcessLookupError):
        os.kill(copy, 0)


def test_one_instance_has_one_supervisor_at_a_time(tmp_path):
    config = {"ONCALL_INSTANCE": str(tmp_path), "HOST": "127.0.0.1", "PORT": "0"}
    first = up.claim(config)
    with pytest.raises(Conflict, match="is running already"):
        up.claim(config)
    os.close(first)
    os.close(up.claim(config))


def test_a_port_that_is_taken_is_said_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = {"ONCALL_INSTANCE": str(tmp_path), "HOST": "127.0.0.1", "PORT": str(taken.getsockname()[1])}
        with pytest.raises(Conflict, match="port"):
            up.claim(config)


@pytest.mark.parametrize(("port", "roles"), [("", ["web", "worker", "clock"]), ("2525", ["web", "worker", "clock", "mail"])])
def test_the_mail_receiver_is_a_part_once_it_has_a_port(tmp_path, port, roles):
    """ING-45: started and brought back with the others."""
    config = {"ONCALL_INSTANCE": str(tmp_path), "REDIS_URL": "redis://elsewhere", "WORKER_PROCESSES": "1", "MAIL_IN_PORT": port}
    assert [name for name, _, _ in up.parts(config)] == roles
    assert f"programs={','.join(roles)}\n" in up.written(config, tmp_path).read_text()
