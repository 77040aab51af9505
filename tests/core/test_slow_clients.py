"""Who is slow or says too much at the door of the web process is cut, and keeps nobody else waiting."""

from __future__ import annotations

import io
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from gunicorn.http.body import LengthReader
from simple_websocket import Client

from app.core import serve, slow_clients
from app.core.slow_clients import Awaited, Whole
from tests.servers import eventually, free_port

# The server of the web process in front of a page that says how much it was sent; two threads, and a second in place of the
# limits on header and body.
SERVER = """
import sys
from flask import Flask, request
from flask_sock import Sock
from app.core import serve, slow_clients

slow_clients.HEADER_SECONDS = slow_clients.BODY_SECONDS = 1.0
page = Flask("page")
page.route("/", methods=["GET", "POST"])(lambda: str(len(request.get_data())))


@Sock(page).route("/live")
def echo(live):
    live.send(live.receive())



class Server(serve._Server):
    def load(self):
        return page


told = serve.options({"HOST": "127.0.0.1", "PORT": sys.argv[1], "WEB_PROCESSES": "1", "WEB_THREADS": "2"})
Server(told | {"post_worker_init": lambda worker: None}).run()
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where it answers."""
    number = free_port()
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(number)])
    eventually(lambda: b"200 OK" in _said(number, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), within=60,
               what="a server that answers")
    yield number
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def _said(port: int, request: bytes) -> bytes:
    try:
        with socket.create_connection(("127.0.0.1", port), 30) as client:
            client.sendall(request)
            return client.makefile("rb").read()
    except ConnectionError:
        return b""


def dripping(port: int, beginning: bytes, drop: bytes) -> bytes:
    """Send the beginning, then a drop every quarter of a second until the server has had enough; what it said."""
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(beginning)
        until = time.monotonic() + 60
        while not select.select([client], [], [], 0.25)[0]:
            assert time.monotonic() < until, "nobody cut it"
            client.sendall(drop)
        try:
            return client.makefile("rb").read()
        except ConnectionError:
            return b""


def test_a_client_that_sends_a_byte_now_and_then_is_cut(port):
    """HRD-15: in its header without a word, in its body with 400; the limits are 10 and 30 s, here one."""
    assert (slow_clients.HEADER_SECONDS, slow_clients.BODY_SECONDS, serve.IDLE) == (10, 30, 60)
    assert dripping(port, b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"x") == b""
    answer = dripping(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", b"x")
    assert answer.startswith(b"HTTP/1.1 400 ")
    answer = dripping(port, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_those_who_are_slow_keep_nobody_waiting_for_long(port):
    """HRD-15: as many as there are threads; who comes after them is answered when they are cut."""
    slow = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(2)]
    for client in slow:
        client.sendall(b"GET / HT")
    assert b"200 OK" in _said(port, b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc")
    for client in slow:
        client.close()


@pytest.mark.parametrize(("address", "fields", "status"), [
    (b"/" + b"a" * 8000, 0, b"404"), (b"/" + b"a" * 9000, 0, b"414"), (b"/", 15, b"200"), (b"/", 17, b"431")])
def test_addresses_end_at_8_kib_and_headers_at_16(port, address, fields, status):
    """HRD-15: the header block is counted as a whole."""
    more = b"".join(b"X-Field-%d: %s\r\n" % (at, b"x" * 1000) for at in range(fields))
    said = _said(port, b"GET " + address + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + more + b"\r\n")
    assert said.split(b" ")[1] == status


def test_what_ends_too_early_is_no_body(port):
    """A client that hangs up half-way has said nothing: gunicorn alone would take what came for the whole."""
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf of it")
        client.shutdown(socket.SHUT_WR)
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 400 ")


def test_a_live_page_holds_its_thread_for_hours_and_is_not_slow(port):
    """It has said all that was awaited; here it is silent for three times as long as a body may take."""
    live = Client(f"ws://127.0.0.1:{port}/live")
    assert live.receive(timeout=3) is None
    live.send("still here")
    assert live.receive(timeout=30) == "still here"


def test_nothing_is_awaited_of_a_body_that_has_come():
    """Of a header and of a body that is not read yet there is."""
    assert not Awaited(10.0, Whole(LengthReader(io.BytesIO(), 0))).is_overdue(99.0)
    assert Awaited(10.0, Whole(LengthReader(io.BytesIO(), 1))).is_overdue(99.0) and not Awaited(10.0).is_overdue(9.0)
