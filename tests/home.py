"""Tests stay at home: a connection or name lookup beyond this machine's loopback is refused and fails the test."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

import pytest


def guard(patch: pytest.MonkeyPatch) -> list[str]:
    """Refuse what leads away from here; the list names what was tried."""
    strayed: list[str] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(own: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not _is_home(address[0]):
            strayed.append(f"connection to {address}")
            raise ConnectionRefusedError(f"tests stay at home: {address}")
        connect(own, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_home(host, literal=True):
            strayed.append(f"name lookup of {host}")
            raise socket.gaierror(socket.EAI_NONAME, f"tests stay at home: {host}")
        return look_up(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    return strayed


def _is_home(host: Any, *, literal: bool = False) -> bool:
    """Whether the host is this machine; with `literal` any address is fine, since it needs no lookup."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return name == "localhost"
    return literal or address.is_loopback
