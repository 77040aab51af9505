"""The dry run takes the real path: for signals of all sorts it says what then happens."""

from __future__ import annotations

from random import Random

import pytest
import time_machine

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.escalation.models import Run
from app.incidents.models import Alert, Incident
from app.incidents.service import resolve
from app.ingest import route_store
from app.notifications.models import Message
from tests import build
from tests.pager import firing, pager, post

NOON = "2026-03-02T12:00:00Z"
ADVANCE = "app.escalation.ticks.advance"


@pytest.fixture
def house(app):
    """Bob is told by mail, then by phone; two more services, one with a policy of its own; rules that change and drop."""
    found = pager()
    mail = build.contact(found.bob, "webhook", "https://bob.example.com/hook", name="hook")
    build.rules(found.bob, (0, mail), (30, build.contact(found.bob, "sms", "+4917012345", name="phone")))
    build.service("ledger", team=found.team)
    gus = build.user("gus")
    alone = build.policy("alone", (120, [gus]), (60, [found.ana]), team=found.team, default=False, repeat=0)
    build.service("search", team=found.team, policy=alone)
    with transaction():
        for name, when, then in (("dev", {"labels.env": "dev"}, {"suppress": True}),
                                 ("soft", {"labels.env": "test"}, {"severity": "low"}),
                                 ("search", {"labels.area": "search"}, {"service": "search"})):
            route_store.save_route({"name": name, "when": when, "then": then}, by=OPERATOR)
    return found


def signals(number):
    """So many bodies, the same each time."""
    random = Random(26)
    for at in range(number):
        labels = {"env": random.choice(["prod", "prod", "dev", "test"]), "area": random.choice(["shop", "search"]),
                  "service": random.choice(["checkout", "ledger", "nowhere"])}
        yield firing(f"Alert{at}", severity=random.choice(["critical", "high", "warning", "info"]), **labels)


def foretold(said):
    """Rule, decision, service, and each page: second, person, level, channel."""
    pages = [(clock.parse_instant(one["at"]), one["user"]["email"], one["level"], one["channel"]) for one in said["pages"]]
    return said["route"]["rule"], said["incident"]["action"], said["service"] and said["service"]["key"], pages


def happened(before):
    """The same of what is there since `before`."""
    session.rollback()
    session.expire_all()
    alert = session.query(Alert).order_by(Alert.id.desc()).first()
    incident = alert.incident
    told = session.query(Message).filter(Message.id > before, Message.kind == "page").order_by(Message.next_at, Message.id)
    pages = [(one.next_at, one.user.email, one.level + 1, one.channel) for one in told]
    return incident, pages


def lived(moved, tick):
    """Let it escalate to its end; nobody's message is handed over, so nobody answers."""
    tick("app.ingest.ticks.drain")
    while (run := session.query(Run).filter_by(state="running").first()) is not None:
        session.rollback()
        moved.move_to(run.next_at)
        tick(ADVANCE)
    session.rollback()


def agrees(body, house, ask, act):
    """Whether it opened an incident, as was foretold; it is resolved again."""
    client, moved, tick = act
    said = ask(body)
    rule, action, service, pages = foretold(said)
    before = session.query(Message.id).order_by(Message.id.desc()).limit(1).scalar() or 0
    post(client, house, body)
    lived(moved, tick)
    incident, real = happened(before)
    assert sorted(real) == sorted(pages) and (incident is None) == (action == "suppress"), (body, said)
    if incident is None:
        return False
    assert incident.service.key == service and incident.route.get("rule", rule) == rule
    with transaction():
        resolve(session.get_one(Incident, incident.id), by=OPERATOR)
    return True


def agree(number, house, client, token, tick):
    headers, opened = token(house.ana), 0
    with time_machine.travel(NOON, tick=False) as moved:
        for body in signals(number):
            opened += agrees(body, house, lambda body: client.post("/api/v1/simulate", headers=headers, json={
                "integration": "prometheus", "payload": body}).json, (client, moved, tick))
            moved.shift(3600)
    return opened


def test_signals_do_what_was_foretold(house, client, token, tick):
    """MIG-26, ESC-41: rule, decision, service, people, levels, channels and seconds."""
    assert 6 < agree(16, house, client, token, tick) < 16


@pytest.mark.soak
def test_a_thousand_signals_do_what_was_foretold(house, client, token, tick):
    """MIG-26."""
    assert agree(1000, house, client, token, tick) > 500
