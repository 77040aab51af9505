"""Tests stay at home: a connection or name lookup beyond this machine's loopback fails the test; their files lie in memory."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

ROOM = 6 << 30  # bytes of memory that the tests of two processes fit in with ease


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


def in_memory(config: pytest.Config) -> None:
    """What the tests write lies in memory where there is room, since nothing of it has to outlive them."""
    memory = Path("/dev/shm")
    if "TMPDIR" in os.environ or not memory.is_dir() or not _fits(os.statvfs(memory)):
        return
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix="t-", dir=memory)
    os.chmod(tempfile.tempdir, 0o711)  # PostgreSQL runs as somebody else
    config.add_cleanup(lambda: shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True))


def _fits(found: os.statvfs_result) -> bool:
    return found.f_bavail * found.f_frsize > ROOM and not found.f_flag & os.ST_NOEXEC
