"""Noon, a pager, and what leaves by any channel: each one is played by a double that keeps what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask

from app.core.db import session, transaction
from app.core.shadow import Shadow
from app.identity.models import User
from app.notifications.accounts import Route
from app.plugin_api import Receipt
from app.shadow import service
from app.shadow.models import Unsent
from tests import build
from tests.notifications.paged import START


@pytest.fixture
def now() -> Iterator[time_machine.Coordinates]:
    """Noon; `now.shift(60)` lets a minute pass."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


class Double:
    """A channel that can all that the real one can, and keeps what it is given."""

    def __init__(self, real: Any, out: list[tuple[str, str]]) -> None:
        self._real, self._out = real, out

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        return self._keep if name in ("send", "open", "update", "say") else found

    def _keep(self, message: Any, *_: Any) -> Receipt:
        self._out.append((self._real.slug, getattr(message, "kind", "said")))
        return Receipt("sent", self._real.slug, f"{self._real.slug}-{len(self._out)}")


@pytest.fixture
def left(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What left: (channel, kind of message), by whichever channel there is."""
    out: list[tuple[str, str]] = []
    registry = app.extensions["plugins"]
    for slug, channel in list(registry.channels.items()):
        monkeypatch.setitem(registry.channels, slug, Double(channel, out))
    monkeypatch.setattr("app.notifications.accounts.routes",
                        lambda slug, **_: [Route(slug, slug, registry.channels[slug], {})])
    return out


@pytest.fixture
def shade(app: Flask, olga: User) -> Callable[..., Shadow]:
    """`shade("team", "payments")`: Olga puts it in shadow."""
    def begun(scope: str = "system", key: str = "") -> Shadow:
        with transaction():
            return service.begin(scope, key, reason="Moving in", by=build.actor(session.merge(olga)))
    return begun


@pytest.fixture
def live(app: Flask, olga: User) -> Callable[..., Shadow]:
    """`live(shadow, page=[1])`: Olga ends it."""
    def ended(shadow: Shadow, **more: Any) -> Shadow:
        with transaction():
            return service.end(shadow, by=build.actor(session.merge(olga)), **more)
    return ended


@pytest.fixture
def listed(app: Flask) -> Callable[..., list[Unsent]]:
    """`listed("page")`: what stands on the list, in order."""
    def found(*kinds: str) -> list[Unsent]:
        session.rollback()
        session.expire_all()
        return [one for one in session.query(Unsent).order_by(Unsent.at, Unsent.id) if not kinds or one.kind in kinds]
    return found
