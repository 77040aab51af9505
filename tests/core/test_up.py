"""`oncall up` starts its parts wherever its output goes."""

from __future__ import annotations

import socket
import subprocess
import sys

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
