"""Calendars outside, and Ana, whose shifts they show; time stands still only for who asks for `now`."""

from __future__ import annotations

import pytest
import time_machine

from tests import build
from tests.oncall.linked import NOW
from tests.oncall.vendors import Google, Microsoft, Vendor


@pytest.fixture
def now():
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def primary(payments, ana, bob):
    """Ana and Bob by turns, weekly."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], time_zone="America/New_York")


@pytest.fixture(params=[Google, Microsoft], ids=["google-calendar", "outlook"])
def vendor(app, request):
    """Each vendor in turn."""
    yield from playing(app, request.param())


@pytest.fixture
def google(app):
    """One of them, for what does not depend on the vendor."""
    yield from playing(app, Google())


def playing(app, made: Vendor):
    app.config.update(made.config())
    yield made
    made.stop()


@pytest.fixture
def linking(now, signed_in, ana, primary):
    """Ana's browser."""
    return signed_in(ana)
