"""What is old is forgotten in its order: bodies, then rows, never the alerts (ING-32)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core.db import session
from app.incidents.models import Alert
from app.ingest.models import Delivery
from tests.pager import firing, pager, post


@pytest.mark.both_databases
def test_bodies_go_after_a_month_rows_after_a_quarter_and_alerts_stay_whole(app, client, run_jobs, tick, token):
    """ING-32: title, labels and normalised form of the alert are as they were; a purged delivery can't be replayed."""
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as at:
        house = pager()
        for _ in range(2):
            post(client, house, firing(host="db-1"), **{"Idempotency-Key": "one"})
        run_jobs()
        at.shift(timedelta(days=29))
        assert tick("app.core.retention.purge") == {}
        at.shift(timedelta(days=2))
        assert tick("app.core.retention.purge") == {"delivery_bodies": 2}
        kept = session.query(Delivery).order_by(Delivery.id).first()
        assert (kept.body, kept.headers, kept.state, bool(kept.note)) == (b"", {}, "processed", True)
        assert client.post(f"/api/v1/deliveries/{kept.id}/replay", headers=token(house.ana)).status_code == 409
        at.shift(timedelta(days=60))
        assert tick("app.core.retention.purge")["deliveries"] == 2
        session.expire_all()
        assert session.query(Delivery).count() == 0
        alert = session.query(Alert).one()
        assert (alert.title, alert.labels["host"]) == ("HighErrorRate is too high", "db-1")


def test_what_nobody_worked_on_is_kept_whatever_its_age(app, client, tick):
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as at:
        post(client, pager(), firing())
        at.shift(timedelta(days=400))
        assert not {"delivery_bodies", "deliveries"} & tick("app.core.retention.purge").keys()
        assert session.query(Delivery).one().body
