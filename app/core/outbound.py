"""Where an outgoing call may go: names are resolved, their addresses checked, and the checked one connected to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTooSlow
from contextlib import contextmanager
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

import httpcore

Network = IPv4Network | IPv6Network

GLOBAL_UNICAST = ip_network("2000::/3")  # all that IPv6 has handed out (RFC 4291); NAT64 and IPv4-mapped lie outside
# Inside the public ranges, yet not public: 6to4 (RFC 3056) and Teredo (RFC 4380) carry another address, the
# others belong to protocols (RFC 6890, RFC 7526).
SPECIAL = tuple(ip_network(text) for text in ("2002::/16", "2001::/32", "192.0.0.0/24", "192.88.99.0/24"))
NAT64, CARRIER = ip_network("64:ff9b::/96"), ip_network("100.64.0.0/10")  # RFC 6052, RFC 6598
WRITE_BYTES = 64 * 1024

_lookups = ThreadPoolExecutor(max_workers=32, thread_name_prefix="lookup")


class Unreachable(Exception):
    """The other side did not answer; `reason` is a sentence for people. `left`: the request may have arrived there."""

    def __init__(self, reason: str, *, left: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.left = reason, left


class ForbiddenAddress(Unreachable):
    """The address may not be called; nothing was sent."""


class Deadline:
    """When the call that this thread makes has to be over."""

    def __init__(self) -> None:
        self._local = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give the calls of this block `seconds` altogether."""
        self._local.at = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._local.at

    def left(self, wish: float | None, late: type[Exception]) -> float | None:
        """The seconds that an operation may take: `wish` at most. Raises `late` when none are left."""
        at = getattr(self._local, "at", None)
        if at is None:
            return wish
        seconds = float(at - time.monotonic())
        if seconds <= 0:
            raise late("out of time")
        return seconds if wish is None else min(wish, seconds)


def is_permitted(address: IPv4Address | IPv6Address, allowed: Iterable[Network], *, only_allowed: bool = False) -> bool:
    """Whether `address` may be connected to: it is inside `allowed`, or public (unless `only_allowed`)."""
    if any(address in network for network in allowed):
        return True
    if only_allowed or any(address in network for network in SPECIAL):
        return False
    if address.version == 6 and address not in GLOBAL_UNICAST:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def kind_of(address: IPv4Address | IPv6Address) -> str:
    """What sort of address this is, in a word or two; an IPv4 address inside of IPv6 is of its own sort."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is None and address.version == 6 and address in NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return kind_of(inner)
    if address.version == 4 and address in CARRIER:
        return "carrier NAT"
    words = ("unspecified", "loopback", "link_local", "multicast", "private")
    found = next((word for word in words if getattr(address, f"is_{word}")), "reserved")
    return found.replace("_", "-")


def resolve(host: str, port: int, seconds: float | None) -> list[IPv4Address | IPv6Address]:
    """The addresses of `host`, in the system's order; one written out in any form, such as 2130706433, is itself.

    Raises httpcore.ConnectError or ConnectTimeout.
    """
    written = _written_out(host)
    if written is not None:
        return [written]
    lookup = _lookups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(seconds)
    except LookupTooSlow:
        lookup.cancel()
        raise httpcore.ConnectTimeout("the name lookup took too long") from None
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("the name is not known") from None
    return list(dict.fromkeys(ip_address(str(entry[4][0]).split("%")[0]) for entry in found))


def _written_out(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]").split("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))  # also decimal, octal, hexadecimal and short forms
    except (OSError, UnicodeError):
        return None


class CheckedBackend(httpcore.NetworkBackend):
    """Opens connections to permitted addresses only. TLS and Host keep the name, so nothing is looked up twice."""

    def __init__(self, allowed: Iterable[Network], deadline: Deadline, *, only_allowed: bool) -> None:
        self.allowed, self.deadline, self.only_allowed = tuple(allowed), deadline, only_allowed
        self.sockets = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first permitted address of `host` that answers."""
        found = resolve(host, port, self.deadline.left(timeout, httpcore.ConnectTimeout))
        permitted = [address for address in found
                     if is_permitted(address, self.allowed, only_allowed=self.only_allowed)]
        if not permitted:
            raise ForbiddenAddress(self._refusal(host, found))
        fault: Exception = httpcore.ConnectError("no address")
        for address in permitted:
            try:
                seconds = self.deadline.left(timeout, httpcore.ConnectTimeout)
                stream = self.sockets.connect_tcp(str(address), port, seconds, local_address, socket_options)
                return TimedStream(stream, self.deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
        raise fault

    def _refusal(self, host: str, found: list[IPv4Address | IPv6Address]) -> str:
        if self.only_allowed and any(is_permitted(address, self.allowed) for address in found):
            return f"{host} may only be called with https"
        kinds = sorted({kind_of(address) for address in found if not is_permitted(address, ())})
        return f"{host} is at a {' and '.join(kinds) or 'forbidden'} address, which OUTBOUND_ALLOW does not name"


class TimedStream(httpcore.NetworkStream):
    """A connection whose every operation also keeps the deadline of the whole call."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes`."""
        return self.stream.read(max_bytes, self.deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of `buffer`."""
        for start in range(0, len(buffer), WRITE_BYTES):
            part = buffer[start:start + WRITE_BYTES]
            self.stream.write(part, self.deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """End the connection."""
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection inside TLS, its certificate checked against the name."""
        seconds = self.deadline.left(timeout, httpcore.ConnectTimeout)
        return TimedStream(self.stream.start_tls(ssl_context, server_hostname, seconds), self.deadline)

    def get_extra_info(self, info: str) -> Any:
        """What the socket knows."""
        return self.stream.get_extra_info(info)
