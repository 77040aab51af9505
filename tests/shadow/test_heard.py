"""Shadow: what is heard again, once, when somebody live reports it or it is let page."""

from __future__ import annotations

from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.events import Event
from app.incidents import alerts
from app.incidents.merging import merge
from app.shadow import queries
from tests import build
from tests.notifications.paged import messages, page
from tests.pager import firing, post
from tests.shadow.test_service import SEND, escalate, house_of, incident


def test_a_live_sender_makes_it_heard(client, now, run_jobs, tick, left, shade, ana):
    """ESC-44: one integration in shadow, another one live: the incident pages."""
    house = house_of(ana)
    other = build.integration("nagios", plugin="webhook", team=house.team)
    shade("integration", "prometheus")
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    assert left == []
    now.shift(60)
    with transaction():
        alerts.open_alert(alerts.Report(other.id, "second", "critical", "Nagios sees it, too"), incident(),
                          by=Actor(other.ref, "Nagios"))
    run_jobs()
    tick(SEND)
    assert ("email", "page") in left


def spoken():
    session.rollback()
    return [event.subject for event in session.query(Event).filter_by(kind="incident.let_page")]


def joins(run_jobs, sender, key):
    with transaction():
        alerts.open_alert(alerts.Report(sender.id, key, "critical", key), incident(), by=Actor(sender.ref, sender.name))
    run_jobs()


def test_what_is_heard_does_not_begin_anew_with_each_alert(client, now, run_jobs, tick, left, shade, live, ana):
    """ESC-44: it was let page, by hand or by a live sender; the next alerts join and that is all."""
    house = house_of(ana)
    shadow = shade("team", "payments")
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    now.shift(30)
    live(shadow, page=[1])
    run_jobs()
    sender = build.integration("nagios", plugin="webhook", team=house.team)
    for key in ("second", "third"):
        now.shift(30)
        joins(run_jobs, sender, key)
        tick(SEND)
    assert spoken() == ["incident:1"] and [kind for _, kind in left].count("page") == 1


def test_of_two_senders_in_shadow_one_ends_and_it_stays_silent(client, now, run_jobs, tick, left, shade, live, ana):
    """MIG-24: open incidents stay silent, whichever of their shadows ends first."""
    house = house_of(ana)
    first, sender = shade("integration", "prometheus"), build.integration("nagios", plugin="webhook", team=house.team)
    shade("integration", "nagios")
    post(client, house, firing())
    run_jobs()
    joins(run_jobs, sender, "second")
    tick(SEND)
    live(first)
    escalate(now, tick, 600, step=60)
    assert incident().silenced_by == first.id and left == []


def test_a_live_incident_that_becomes_part_of_a_silent_one_is_heard(app, now, run_jobs, tick, ana, left, shade, live):
    """MIG-24: its own pages stop when it is merged."""
    shadow = shade()
    page(ana)
    tick(SEND)
    live(shadow)
    now.shift(60)
    page(ana)
    with transaction():
        merge(incident(2), incident(1), by=OPERATOR)
    run_jobs()
    tick(SEND)
    assert spoken() == ["incident:1"] and {one.incident_id for one in messages("page") if one.state == "sent"} == {1}


def test_a_test_is_not_among_what_stays_silent(app, payments, shade):
    """MIG-25: it pages all the while."""
    build.incident(team=payments, test=True)
    assert queries.open_in(shade()) == []
