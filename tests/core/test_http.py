"""Outgoing calls reach what they may, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network

import pytest

from app.core import http, outbound
from app.core.http import ForbiddenAddress, Unreachable, request

LOOPBACK = ("127.0.0.0/8",)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        status, headers, body = self.server.say  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    server.seen, server.say = [], (200, {}, b"fine")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    http.configure("")
    yield
    http.configure("")


def address(server: ThreadingHTTPServer, path: str = "/hook", host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}{path}"


def test_a_receiver_inside_the_allowed_networks_is_called(receiver: ThreadingHTTPServer) -> None:
    http.configure("10.0.0.0/8, 127.0.0.0/8")
    answer = request("POST", address(receiver), json={"a": 1}, headers={"X-Mark": "7"})
    assert (answer.status, answer.text) == (200, "fine")
    path, headers = receiver.seen[0]
    assert path == "/hook" and headers["X-Mark"] == "7"


def test_the_host_header_keeps_the_name_although_the_address_was_checked(receiver: ThreadingHTTPServer) -> None:
    request("GET", address(receiver, host="localhost"), allow=LOOPBACK)
    assert receiver.seen[0][1]["Host"] == f"localhost:{receiver.server_port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]",
                                  "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_every_way_to_write_loopback_is_refused_and_nothing_is_sent(receiver: ThreadingHTTPServer, host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(ForbiddenAddress):
            request("GET", f"{scheme}://{host}:{receiver.server_port}/")
    assert receiver.seen == []


@pytest.mark.parametrize("text", [
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "0.0.0.0", "192.0.0.8", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::1", "2001:0:1::1", "2001:db8::1",
])
def test_addresses_that_are_not_public_are_not_permitted(text: str) -> None:
    assert not outbound.is_permitted(ip_address(text), ())


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are_permitted_but_not_for_plain_http(text: str) -> None:
    assert outbound.is_permitted(ip_address(text), ())
    assert not outbound.is_permitted(ip_address(text), (), only_allowed=True)


def test_the_setting_opens_exactly_its_ranges() -> None:
    allowed = (ip_network("10.1.0.0/16"),)
    assert outbound.is_permitted(ip_address("10.1.255.255"), allowed)
    assert not outbound.is_permitted(ip_address("10.2.0.0"), allowed)
    assert not outbound.is_permitted(ip_address("::ffff:10.1.0.1"), allowed)


def test_a_name_is_looked_up_once_so_that_its_answer_cannot_change(
    receiver: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["127.0.0.9", "127.0.0.1"])
    asked = []

    def rebinding(host: str, port: int, **_more: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", rebinding)
    with pytest.raises(ForbiddenAddress):
        request("GET", address(receiver, host="rebinding.example"), allow=["127.0.0.1/32"])
    assert asked == ["rebinding.example"] and receiver.seen == []


def test_redirects_are_reported_and_not_followed(receiver: ThreadingHTTPServer) -> None:
    receiver.say = (302, {"Location": "http://169.254.169.254/"}, b"")  # type: ignore[attr-defined]
    answer = request("GET", address(receiver), allow=LOOPBACK)
    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/")
    assert len(receiver.seen) == 1


def test_a_long_answer_is_cut_at_64_kib(receiver: ThreadingHTTPServer) -> None:
    receiver.say = (200, {}, b"x" * 300_000)  # type: ignore[attr-defined]
    assert len(request("GET", address(receiver), allow=LOOPBACK).body) == 64 * 1024


def test_cookies_are_not_carried_from_one_call_to_the_next(receiver: ThreadingHTTPServer) -> None:
    http.configure(LOOPBACK)
    receiver.say = (200, {"Set-Cookie": "who=alice; Path=/"}, b"")  # type: ignore[attr-defined]
    for _ in range(2):
        request("GET", address(receiver))
    assert "Cookie" not in receiver.seen[1][1]


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "https://", "nonsense", "",
                                 "https://user:secret@example.com/", "gopher://127.0.0.1/"])
def test_other_addresses_than_plain_web_ones_are_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress) as refusal:
        request("GET", url)
    assert "secret" not in refusal.value.reason


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that begins an answer and then sends one byte every 50 ms, for ever."""
    listener, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                try:
                    connection.sendall(b"X")
                except OSError:
                    return

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    over.set()
    listener.close()


def test_a_server_that_answers_byte_by_byte_is_cut_off_in_time(dripping: int) -> None:
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 did not answer within 0\.3 s$"):
        request("GET", f"http://127.0.0.1:{dripping}/token-in-path", timeout=0.3, allow=LOOPBACK)


def test_a_closed_port_is_told_without_the_path_of_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Unreachable) as fault:
        request("GET", f"http://127.0.0.1:{port}/secret-path", allow=LOOPBACK)
    assert "127.0.0.1" in fault.value.reason and "secret-path" not in fault.value.reason


def test_a_wrong_network_in_the_setting_is_named() -> None:
    with pytest.raises(ValueError, match="banana"):
        http.configure("10.0.0.0/8,banana")


def test_many_threads_share_the_connections(receiver: ThreadingHTTPServer) -> None:
    http.configure(LOOPBACK)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(request("GET", address(receiver)).status))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
