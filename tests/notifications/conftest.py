"""Time that stands still until a test moves it, and a channel that can do everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.notifications.paged import START
from tests.notifications.pigeon import Pigeon


@pytest.fixture
def now() -> Iterator[time_machine.Coordinates]:
    """Noon; `now.shift(60)` lets a minute pass."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def pigeon(app: Flask) -> Iterator[Pigeon]:
    """A plugin whose channel answers, reports and can be changed."""
    registry, made = app.extensions["plugins"], Pigeon()
    registry.channels["pigeon"], registry.providers["pigeon"] = made, {"pigeon": made}
    yield made
    del registry.channels["pigeon"], registry.providers["pigeon"]


@pytest.fixture
def loft(client: FlaskClient, pigeon: Pigeon) -> Callable[..., Any]:
    """`loft(action="acknowledge", sender="ana")`: a signed callback; the answer of the house."""
    return lambda password="coo", **said: client.post(
        "/plugins/pigeon/callback/talk", json=said, headers={"X-Password": password})
