"""A house with a pager in it, and the turns of clock and workers."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core.access import OPERATOR
from app.core.db import transaction
from app.identity.models import Team
from app.incidents import service as incidents
from app.incidents.service import Opening
from tests import build

START = "2026-03-02T10:00:00+00:00"


@pytest.fixture
def house(app, payments):
    """Team Payments with the service Checkout, at ten o'clock."""
    with time_machine.travel(START, tick=False) as at:
        payments.at = at
        payments.checkout = build.service("checkout", team=payments, tags=["tier1"])
        yield payments


@pytest.fixture
def opens(house: Team):
    """`opens(severity="high")`: an incident of Checkout."""
    def opened(title="Checkout is down", **more):
        with transaction():
            return incidents.open_incident(Opening(title, service=more.pop("service", house.checkout), **{
                "severity": "critical", **more}), by=OPERATOR)
    return opened


@pytest.fixture
def go(run_jobs, tick):
    """`go()`: workers and clock do what is to be done now."""
    def turn():
        run_jobs()
        tick("app.workflows.ticks.work")
        run_jobs()
    return turn


@pytest.fixture
def later(house, go):
    """`later(60)`: so many seconds pass, then everybody takes their turn."""
    def passed(seconds):
        house.at.shift(timedelta(seconds=seconds))
        go()
    return passed
