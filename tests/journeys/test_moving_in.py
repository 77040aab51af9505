"""The change-over as the manual tells it, rehearsed: import, a week in shadow, parity on what was recorded, live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from app.config import importing, parity, service
from app.config.document import load
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents.models import Incident
from app.notifications.models import Message
from app.shadow import service as shadows
from tests.config.test_importing import EXPORTS

TRIGGERS, LASTS = timedelta(days=3), timedelta(minutes=3)
GENIE = {"Authorization": "GenieKey 11111111-2222-3333-4444-555555555555"}


@dataclass(frozen=True)
class Old:
    """One product: when its problems came, and whom its own rendered shifts had on duty then."""

    slug: str
    at: datetime
    who: str


OLD = (Old("pagerduty", datetime(2026, 3, 30, 8, tzinfo=UTC), "ana"), Old("opsgenie", datetime(2026, 3, 9, 10, tzinfo=UTC), "bob"),
       Old("grafana-oncall", datetime(2026, 3, 27, 9, tzinfo=UTC), "bob"))


def sent(client: Any, slug: str, title: str, *, over: bool) -> None:
    """A sender that changed nothing but its host says that a problem began, or is over."""
    key = title.lower().replace(" ", "-")
    if slug == "pagerduty":
        answer = client.post("/v2/enqueue", json={
            "routing_key": "0123456789abcdef0123456789abcdef", "event_action": "resolve" if over else "trigger", "dedup_key": key,
            "payload": {"summary": title, "source": "web-1", "severity": "critical"}})
    elif slug == "opsgenie":
        address = f"/v2/alerts/{key}/close?identifierType=alias" if over else "/v2/alerts"
        answer = client.post(address, json={} if over else {"message": title, "alias": key}, headers=GENIE)
    else:
        status = "resolved" if over else "firing"
        answer = client.post("/integrations/v1/alertmanager/mReAoNwDm0eMwKo1mTeTwYo/", json={
            "alerts": [{"status": status, "labels": {"alertname": title}, "annotations": {}}], "status": status, "version": "4"})
    assert answer.status_code in (200, 202), answer.text


def recorded(slug: str, problems: list[tuple[str, datetime, str]]) -> dict[str, Any]:
    """What the product recorded of (title, when, whom it paged), a second after each event."""
    told = [(f"P{at}", title, (when + timedelta(seconds=1)).isoformat(), who) for at, (title, when, who) in enumerate(problems)]
    if slug == "pagerduty":
        return {"users": EXPORTS[slug]["users"], "incidents": {"incidents": [
            {"id": id, "title": title, "created_at": at, "incident_key": title.lower().replace(" ", "-")} for id, title, at, _ in told]},
            "log_entries": {"log_entries": [{"id": f"L{id}", "type": "notify_log_entry", "created_at": at, "incident": {"id": id},
                                             "user": {"id": f"P{who[:3].upper()}"}} for id, _, at, who in told]}}
    if slug == "opsgenie":
        return {"alerts": {"data": [{"id": id, "alias": title.lower().replace(" ", "-"), "message": title, "createdAt": at}
                                    for id, title, at, _ in told]},
                **{f"alerts/{id}/logs": {"data": [{"log": f"[Email] notification has been sent to [{who}@example.com]",
                                                   "createdAt": at}]} for id, _, at, who in told}}
    return {"alert_groups": {"results": [{"id": id, "title": title, "created_at": at} for id, title, at, _ in told]},
            "notification_log": {"results": [{"alert_group_id": id, "email": f"{who}@example.com", "created_at": at,
                                              "notification_channel": "email"} for id, _, at, who in told]}}


@pytest.fixture
def play(client: Any, tick: Any, run_jobs: Any) -> Any:
    """`play(old, title, at)`: a problem of three minutes."""
    def one(old: Old, title: str, at: datetime) -> None:
        for moment, over in ((at, False), (at + LASTS, True)):
            with time_machine.travel(moment, tick=False):
                sent(client, old.slug, title, over=over)
                for name in ("ingest.ticks.drain", "escalation.ticks.advance", "notifications.ticks.send"):
                    tick(f"app.{name}")
                run_jobs()
    return one


def states() -> set[str]:
    """What became of the pages of the last incident."""
    last = session.scalar(select(Incident.id).order_by(Incident.id.desc()).limit(1))
    return set(session.scalars(select(Message.state).where(Message.incident_id == last, Message.kind == "page")))


@pytest.fixture(params=OLD, ids=lambda old: old.slug)
def moved(request: pytest.FixtureRequest, app: Any) -> Iterator[tuple[Old, Any, Any]]:
    """Imported and applied three days before its first problem, and in shadow since."""
    old, importer = request.param, app.extensions["plugins"].importers[request.param.slug]
    with time_machine.travel(old.at - TRIGGERS, tick=False) as now:
        document = importing.converted(importer, EXPORTS[old.slug], old.at - TRIGGERS, trust=True).document
        service.apply(load([("import.json", json.dumps({"version": 1, **document}).encode())]))
        with transaction():
            shadow = shadows.begin("system", "", reason="Moving in", by=OPERATOR)
        yield old, importer, (shadow, now)


def test_a_change_over_is_rehearsed_from_import_to_live(moved, play):
    """MIG-31: and MIG-22, MIG-24: nothing left in shadow, nothing old is sent when it ends, then pages go out."""
    old, importer, (shadow, now) = moved
    problems = [("Checkout is down", old.at, old.who), ("Ledger is slow", old.at + timedelta(minutes=30), old.who)]
    for title, at, _ in problems:
        play(old, title, at)
        assert "unsent" in states() <= {"unsent", "cancelled"}
    now.move_to(old.at + timedelta(days=4))
    report = parity.compared(importer, recorded(old.slug, problems), (old.at - TRIGGERS, old.at + timedelta(days=4)),
                             parity.renaming({}))
    assert (report["percentage"], [pair["where"] for pair in report["pairs"]]) == (100.0, ["both", "both"]), report
    assert [pair["people_here"] for pair in report["pairs"]] == [[f"{old.who}@example.com"]] * 2
    with transaction():
        shadows.end(shadow, by=OPERATOR)
    play(old, "Basket is empty", old.at + timedelta(days=7))
    assert states() - {"cancelled"} and "unsent" not in states()
    assert session.scalar(select(Message.id).where(Message.state == "unsent", Message.kind == "page")) is not None
