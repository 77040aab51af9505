"""The plugins in the box, and leave to call the servers that play their vendors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import http
from app.core.plugins import Registry, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def registry() -> Registry:
    """All bundled plugins."""
    return load(ROOT)


@pytest.fixture(autouse=True)
def loopback_is_allowed() -> Iterator[None]:
    """Outgoing calls may reach this machine, as OUTBOUND_ALLOW would say."""
    http.configure("127.0.0.0/8")
    yield
    http.configure("")
