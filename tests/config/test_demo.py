"""The example organisation: its history comes about by the real commands, and nothing of it leaves the machine."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import yaml
from flask import Flask
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from app.config import demo, service
from app.config.document import load
from app.config.insides import published
from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.core.events import Event
from app.core.pulse import beat
from app.identity.credentials import password_matches
from app.identity.models import User
from app.identity.queries import user_by_email
from app.incidents.models import Incident, Note
from app.ingest.models import Delivery
from app.notifications.models import Message
from tests import build
from tests.fakes import MailServer


def counts(column: object) -> dict[str, int]:
    return dict(session.execute(select(column, func.count()).group_by(column)).all())


def test_every_page_has_something_to_show_and_nothing_was_sent(app: Flask, smtp: MailServer) -> None:
    password = demo.make(clock.now())
    assert password_matches(user_by_email(demo.ADMIN).password_hash, password)
    assert set(counts(Incident.status)) == {"triggered", "acknowledged", "resolved"}
    assert {"processed", "rejected"} <= set(counts(Delivery.state))
    assert {"delivered", "cancelled"} <= set(counts(Message.state))
    assert set(counts(Message.channel)) == {"log"}
    assert session.scalar(select(func.count()).select_from(Note)) > 3
    assert smtp.mails == []


def test_the_history_stands_in_order_and_in_the_past(app: Flask) -> None:
    now = clock.now()
    demo.make(now)
    at = list(session.scalars(select(Event.at).order_by(Event.id)))
    assert at == sorted(at)
    assert now - timedelta(days=demo.DAYS) <= at[0] and at[-1] <= now
    assert session.scalar(select(func.count()).select_from(Event).where(Event.dispatched_at.is_(None))) == 0


def test_its_export_applied_changes_nothing(app: Flask) -> None:
    """MIG-01, MIG-10: and the schema accepts it."""
    demo.make(clock.now())
    document = service.export()
    assert Draft202012Validator(published(app.extensions["plugins"])).is_valid(document)
    assert service.diff(load([("export.yaml", yaml.safe_dump(document).encode())]), prune=True).changes == []


@pytest.mark.parametrize("now", ["2027-03-28T02:30:00+01:00", "2028-02-29T23:59:00+00:00", "2026-11-01T05:30:00+00:00"])
def test_it_can_be_made_on_any_day(app: Flask, now: str) -> None:
    at = datetime.fromisoformat(now)
    with clock.at(at):
        demo.make(at)
    assert session.scalar(select(func.count()).select_from(Incident)) > 15


def test_a_system_with_people_or_one_that_runs_is_left_alone(app: Flask) -> None:
    with transaction():
        beat("clock")
    with pytest.raises(Conflict, match="is running"):
        demo.make(clock.now())
    build.user("ana")
    with pytest.raises(Conflict, match="has people already"):
        demo.make(clock.now())
    assert session.scalar(select(func.count()).select_from(User)) == 1
