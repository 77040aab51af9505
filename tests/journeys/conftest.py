"""One system for all journeys on each database: starting it takes many seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.system import System


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    """A started system with Ana and Bob in it."""
    address = request.getfixturevalue("postgres").database("journeys") if request.param == "postgresql" else ""
    with System(address) as started:
        yield started
