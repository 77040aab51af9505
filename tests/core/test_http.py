"""Outgoing calls reach what they may, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from app.core import http, outbound
from app.core.http import ForbiddenAddress, Unreachable, request
from tests.fakes import Reply, WebServer

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture(autouse=True)
def nothing_allowed() -> Iterator[None]:
    http.configure("")
    yield
    http.configure("")


def address(server: WebServer, path: str = "/hook", host: str = "127.0.0.1") -> str:
    return server.url.replace("127.0.0.1", host) + path


def test_a_http_sink_inside_the_allowed_networks_is_called(http_sink: WebServer) -> None:
    http.configure("10.0.0.0/8, 127.0.0.0/8")
    answer = request("POST", address(http_sink), json={"a": 1}, headers={"X-Mark": "7"})
    assert (answer.status, answer.body) == (200, b"")
    call = http_sink.calls[0]
    assert (call.method, call.path, call.headers["x-mark"], call.json()) == ("POST", "/hook", "7", {"a": 1})


def test_the_host_header_keeps_the_name_although_the_address_was_checked(http_sink: WebServer) -> None:
    request("GET", address(http_sink, host="localhost"), allow=LOOPBACK)
    assert http_sink.calls[0].headers["host"] == address(http_sink, "", "localhost").removeprefix("http://")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]",
                                  "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_every_way_to_write_loopback_is_refused_and_nothing_is_sent(http_sink: WebServer, host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(ForbiddenAddress):
            request("GET", f"{scheme}://{host}:{http_sink.url.rpartition(':')[2]}/")
    assert http_sink.calls == []


@pytest.mark.parametrize("text", [
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "0.0.0.0", "192.0.0.8", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1",
    "::ffff:8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::1", "2001:0:1::1",
    "2001:db8::1",
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
    http_sink: WebServer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["127.0.0.9", "127.0.0.1"])
    asked = []

    def rebinding(host: str, port: int, **_more: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", rebinding)
    with pytest.raises(ForbiddenAddress):
        request("GET", address(http_sink, host="rebinding.example"), allow=["127.0.0.1/32"])
    assert asked == ["rebinding.example"] and http_sink.calls == []


def test_redirects_are_reported_and_not_followed(http_sink: WebServer) -> None:
    http_sink.answer = Reply(302, b"", {"Location": "http://169.254.169.254/"})
    answer = request("GET", address(http_sink), allow=LOOPBACK)
    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/")
    assert len(http_sink.calls) == 1


def test_a_long_answer_is_cut_at_64_kib(http_sink: WebServer) -> None:
    http_sink.answer = Reply(200, b"x" * 300_000, {})
    assert len(request("GET", address(http_sink), allow=LOOPBACK).body) == 64 * 1024
    assert len(request("GET", address(http_sink), allow=LOOPBACK, most=200_000).body) == 200_000


def test_cookies_are_not_carried_from_one_call_to_the_next(http_sink: WebServer) -> None:
    http.configure(LOOPBACK)
    http_sink.answer = Reply(200, b"", {"Set-Cookie": "who=alice; Path=/"})
    for _ in range(2):
        request("GET", address(http_sink))
    assert "cookie" not in http_sink.calls[1].headers


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
    """QUAL-15, for one call: no channel that trickles holds a thread for longer."""
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


def test_many_threads_share_the_connections(http_sink: WebServer) -> None:
    http.configure(LOOPBACK)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(request("GET", address(http_sink)).status))
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20
