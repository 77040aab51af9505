"""A period played again: the same configuration gives no difference, a changed one exactly the pages that change."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update

from app.config import replay_commands, service
from app.config.document import load
from app.config.replay import replay
from app.core import clock
from app.core.db import Base, session, transaction
from app.core.errors import Invalid
from app.identity.models import User
from app.incidents.models import Incident
from app.incidents.service import acknowledge, assign, unacknowledge
from app.ingest import versions
from app.ingest.models import Delivery
from app.notifications.models import Message
from tests import build
from tests.application import as_a_process
from tests.incidents.people import by

pytestmark = pytest.mark.both_databases
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
MOVED = {"services": [{"key": "ledger", "name": "Ledger", "team": "payments", "policy": "calm"}]}


def sent(*, taken_by):
    """What waits goes out; somebody takes the first problem."""
    with transaction():
        session.execute(update(Message).where(Message.state == "queued").values(state="sent", started_at=clock.now()))
        if taken_by is not None:
            acknowledge(session.get(Incident, 1), by=by(taken_by))


@pytest.fixture
def period(app, client, ana, bob, payments, tick):
    """Two problems of two services came and paged; Ana took the first after six minutes."""
    policy = build.policy("payments", (300, [ana]), (600, [bob]), team=payments)
    build.policy("calm", (300, [bob]), team=payments, default=False)
    with time_machine.travel(START, tick=False) as now:
        for key in ("checkout", "ledger"):
            build.service(key, team=payments, policy=policy)
        build.integration("sender", team=payments)
        for key in ("checkout", "ledger", "ledger"):
            client.post("/in/token-of-sender-0123456789", json={"title": f"{key} is down", "service": key, "dedup_key": key})
        tick("app.ingest.ticks.drain")
        for minute in (0, 5, 6, *range(10, 125, 5)):
            now.move_to(START + timedelta(minutes=minute))
            tick("app.escalation.ticks.advance")
            sent(taken_by=ana if minute == 6 else None)
    return START - timedelta(hours=1), START + timedelta(hours=1)


def changed(document):
    return load([("changed.yaml", json.dumps({"version": 1, **document}).encode())])


def rows():
    return {name: session.scalar(select(func.count()).select_from(table)) for name, table in Base.metadata.tables.items()}


def told(found):
    return [(one.title, [(page.email, page.level) for page in one.added], [(page.email, page.level) for page in one.removed],
             one.cause) for one in found.differences]


def test_todays_configuration_pages_as_it_really_happened_and_so_does_an_unchanged_document(period):
    """MIG-27: zero differences against the pages that went out; nothing live is written, MIG-29."""
    before = rows()
    found = replay(*period, None, everything=True)
    assert told(found) == []
    assert (found.deliveries, found.same, found.purged, found.really) == (3, 2, 0, True)
    assert [(one.was.policy, one.was.route, len(one.was.pages)) == (one.now.policy, one.now.route, len(one.now.pages))
            for one in found.incidents] == [True, True]
    assert replay(*period, changed({})).same == 2 and rows() == before


def test_what_differs_from_what_really_happened_has_its_cause(period, ana, bob):
    """MIG-27: what people did by hand, and what was changed since, by name; without either nothing is made up."""
    with transaction():
        session.execute(update(Message).where(Message.incident_id == 1).values(user_id=bob.id))
        session.execute(update(Message).where(Message.incident_id == 2, Message.user_id == ana.id).values(state="cancelled"))
    first, second = replay(*period, None).differences
    assert (first.cause, second.cause) == ("", "")
    with transaction(), clock.at(period[1]):
        assign(session.get(Incident, 1), [session.merge(bob)], by=by(ana))
    service.apply(changed({"services": [{"key": "ledger", "name": "Ledger", "team": "payments", "description": "New"}]}))
    first, second = replay(*period, None).differences
    assert "Ana assigned it to Bob" in first.cause and "since changed: Operator with changed.yaml changed" in second.cause


def test_a_plugin_that_was_updated_meanwhile_is_a_cause_of_what_it_reads(app, period, bob, monkeypatch):
    """MIG-27: processes start with other versions; an update of a plugin that reads nothing of this explains nothing."""
    with transaction():
        session.execute(update(Message).where(Message.incident_id == 1).values(user_id=bob.id))

    def started(**said):
        monkeypatch.setattr(versions, "versions", lambda _registry: said)
        return as_a_process(app, versions.note)
    assert [started(jenkins=one, webhook="0.9") for one in ("0.9", "1.0")] == [0, 1]
    assert [one.cause for one in replay(*period, None).differences] == [""]
    assert [started(jenkins="1.0", webhook="1.0") for _ in range(2)] == [1, 0]
    name = next(one.name for one in app.extensions["plugins"].installed if one.slug == "webhook")
    assert [one.cause for one in replay(*period, None).differences] == [
        f"since changed: The plugin {name} was updated from 0.9 to 1.0"]


def test_route_and_people_of_each_delivery_are_told_before_and_after(period, capsys):
    """ESC-43: of those that differ, with --all of all; MIG-28: as CSV, too. Nobody is paged."""
    before = rows()
    found = replay(*period, changed(MOVED), everything=True)
    replay_commands._tell(found)
    said = capsys.readouterr().out
    assert re.search(r"delivery 1: checkout is down\n  route: checkout, Payments \(.+\)\n  people: ana@\S+, bob@\S+\ndelivery 2", said)
    assert re.search(r"route: ledger, Payments \(.+\) → ledger, Calm \(.+\)\n  people: ana@\S+, bob@\S+ → bob@\S+\n  \+ ", said)
    replay_commands._write(found)
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {line["change"] for line in lines if line["delivery"] == "1"} == {"same"} and rows() == before
    assert all("Calm" in line["route_after"] for line in lines if line["delivery"] == "2")


@pytest.mark.parametrize(("answers", "minutes"), [("after=4m", [0]), ("after=20m", [0, 5, 15]), ("recorded", [0, 5])])
def test_each_incident_is_answered_after_so_long_or_as_people_really_did(period, answers, minutes):
    """`--answers`: five minutes, ten, then Ana again; at minute 6 she really answered, whatever became of it later."""
    with transaction():
        unacknowledge(session.get(Incident, 1), by=by(session.get(User, session.get(Incident, 1).responders[0].user_id)))
    first = replay(*period, changed({}), answers=answers, everything=True).incidents[0]
    assert sorted({(page.at - START).seconds // 60 for page in first.now.pages})[:3] == minutes


def test_what_recovers_by_itself_is_over_although_nobody_answers(period, client, tick):
    """`never`: pages end with the sender's recovery."""
    with time_machine.travel(START + timedelta(minutes=130), tick=False) as now:
        for status in ("firing", "resolved"):
            client.post("/in/token-of-sender-0123456789", json={"title": "Disk", "service": "ledger", "dedup_key": "d", "status": status})
            tick("app.ingest.ticks.drain")
            now.shift(timedelta(minutes=2))
    found = replay(START, START + timedelta(hours=4), changed({}), answers="never", everything=True)
    assert [len(one.now.pages) for one in found.incidents if one.title == "Disk"] == [1]


@pytest.mark.parametrize("said", ["sometimes", "after=0m", "after=2d", "after=x"])
def test_what_is_no_answer_is_refused(app, said):
    with pytest.raises(Invalid, match="after=5m"):
        replay(START, START + timedelta(hours=1), None, answers=said)


def test_a_service_with_another_policy_changes_its_own_incidents_alone(period):
    """MIG-28: the same repeats count; what is added and removed is named page by page."""
    found = replay(*period, changed(MOVED))
    difference, = found.differences
    assert (difference.title, difference.was.policy, difference.now.policy, found.same) == ("ledger is down", "Payments", "Calm", 1)
    assert {page.email for page in difference.added} == {"bob@example.com"}
    assert (difference.removed[0].email, difference.removed[0].at) == ("ana@example.com", START)


def test_pages_end_when_somebody_answered_then(period):
    """`recorded`: Bob was paged at minute 5, and no repeat follows Ana's answer at minute 6; `never`: they go on."""
    document = changed({"services": [{"key": "checkout", "name": "Checkout", "team": "payments", "policy": "calm"}]})
    recorded, = replay(*period, document).differences
    assert [(page.email, page.level) for page in recorded.removed] == [("ana@example.com", 1), ("bob@example.com", 2)]
    never, = replay(*period, document, answers="never").differences
    assert len(never.removed) > len(recorded.removed)


def test_an_incident_whose_pages_a_maintenance_would_have_held_keeps_the_name_of_its_policy(period):
    upkeep = {"maintenance": [{"key": "upkeep", "name": "Upkeep", "team": "payments", "services": ["ledger"], "time_zone": "UTC",
                               "starts": "2026-03-02T09:00", "ends": "2026-03-02T23:00"}]}
    held, = replay(*period, changed(upkeep)).differences
    assert (held.was.policy, held.now.policy, held.now.pages) == ("Payments", "Payments", ())


def test_a_route_that_opens_nothing_takes_its_incidents_away(period):
    """The side that opens nothing is said."""
    found = replay(*period, changed({"routes": [{"name": "quiet", "when": {"title": "ledger*"}, "then": {"suppress": True}}]}))
    difference, = found.differences
    assert (difference.title, difference.now, found.same) == ("ledger is down", None, 1)
    assert difference.removed and not difference.added


def test_a_body_that_is_no_longer_kept_is_counted(period):
    """MIG-29: purged bodies are named."""
    with transaction():
        session.get(Delivery, 1).body = b""
    found = replay(*period, None)
    assert (found.deliveries, found.purged) == (2, 1)
