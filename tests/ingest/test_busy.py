"""A genuine sender of very many signals: all are taken, the integration is marked, its team is told once."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.ingest.models import BUSY_AT, Delivery, Integration
from tests.pager import firing, messages, pager, post


@pytest.fixture
def now():
    """Noon, until a test moves it."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as at:
        yield at


def flood(number: int) -> None:
    """So many deliveries came within this minute and were worked on."""
    integration = session.query(Integration).one()
    with transaction():
        session.add_all(Delivery(integration_id=integration.id, body=b"{}", body_hash="0" * 64, state="processed",
                                 received_at=clock.now() - timedelta(seconds=30)) for _ in range(number))


@pytest.mark.both_databases
def test_beyond_a_thousand_a_minute_all_are_taken_and_the_managers_told_once(app, client, now, run_jobs, signed_in):
    """HRD-03: 202 with no rest of the limit, one event, one notice to Ana; an hour later another one."""
    house = pager()
    flood(BUSY_AT)
    post(client, house, firing())
    run_jobs()
    post(client, house, firing("Another"))
    run_jobs()
    answer = post(client, house, firing("Third"))
    assert answer.status_code == 202 and answer.headers["X-RateLimit-Remaining"] == "0"
    told = [message for message in messages() if message.kind == "alarm"]
    assert [message.user_id for message in told] == [house.ana.id] and "more than 1,000" in told[0].reason
    assert session.scalar(select(func.count()).where(Event.kind == "integration.busy")) == 1
    assert "Busy" in signed_in(house.bob).get("/integrations").text
    assert "Every one of them is taken" in signed_in(house.bob).get("/integrations/prometheus").text
    now.shift(3601)
    flood(BUSY_AT + 1)
    post(client, house, firing("Fourth"))
    run_jobs()
    assert session.scalar(select(func.count()).where(Event.kind == "integration.busy")) == 2


def test_a_thousand_are_not_too_many_and_a_minute_later_it_is_over(app, client, now, run_jobs, signed_in):
    """Neither mark nor event at the limit itself; the mark goes by itself."""
    house = pager()
    flood(BUSY_AT - 1)
    post(client, house, firing())
    run_jobs()
    assert session.query(Integration).one().busy_until is None
    post(client, house, firing("Another"))
    run_jobs()
    now.shift(61)
    assert "X-RateLimit-Remaining" not in post(client, house, firing("Third")).headers
    assert "Busy" not in signed_in(house.bob).get("/integrations").text
