"""The story of card payments that failed, at ten o'clock on a Monday."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from tests.pager import pager
from tests.postmortems.stories import START, Story


@pytest.fixture
def story(app, client, run_jobs, tick) -> Iterator[Story]:
    """Ana, Bob, their pager, and a clock that stands still until told."""
    with time_machine.travel(START, tick=False) as at:
        yield Story(pager(), at, client, run_jobs, tick)
