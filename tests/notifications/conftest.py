"""Time that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from tests.notifications.paged import START


@pytest.fixture
def now() -> Iterator[time_machine.Coordinates]:
    """Noon; `now.shift(60)` lets a minute pass."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock
