"""Shadow: everything is decided, nobody is reached, and nothing old is sent when it ends."""

from __future__ import annotations

import threading

import pytest

from app.core import clock, shadow
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import Event
from app.incidents.models import Incident
from app.incidents.service import Opening, open_incident, reopen, resolve
from app.notifications import proofs
from app.notifications import service as notifications
from app.notifications.channel_models import Room
from app.shadow import service
from tests import build
from tests.notifications.paged import as_actor, messages, page, play
from tests.pager import Pager, firing, pager, post

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"
OURS = {"incident.withheld", "escalation.level_reached", "escalation.exhausted"}


def incident(number=1):
    session.rollback()
    return session.get(Incident, number, populate_existing=True)


def house_of(person):
    """Payments, whose alerts page one person."""
    team = build.team("payments", manager=person)
    made = build.policy("payments", (60, [person]), team=team)
    build.integration("prometheus", plugin="alertmanager", team=team, service=build.service("checkout", team=team))
    return Pager(person, person, team, made)


def opened(team):
    with transaction():
        return open_incident(Opening("Disk is full", team=session.merge(team)), by=OPERATOR)


def escalate(now, tick, seconds, *, step=5):
    for _ in range(0, seconds, step):
        now.shift(step)
        tick("app.escalation.ticks.advance")
        tick(SEND)


def test_by_no_channel_of_any_kind_a_byte_leaves_and_live_each_does(app, now, tick, ana, left, shade, live, listed):
    """MIG-22, MIG-23: a method of every channel; the list names person, channel, due time and reason."""
    slugs = sorted(slug for slug in app.extensions["plugins"].channels if slug != "email")
    for slug in slugs:
        build.contact(ana, slug, f"address-{slug}", name=slug)
    shadow = shade()
    page(ana, severity="critical")
    tick(SEND)
    assert left == [] and {one.channel for one in listed("page")} == {*slugs, "email"}
    assert {(one.name, one.at, one.incident_id) for one in listed("page")} == {("Ana", clock.now(), 1)}
    live(shadow)
    now.shift(60)
    tick(SEND)
    assert left == []
    page(ana, severity="critical")
    tick(SEND)
    assert {slug for slug, _ in left} == {*slugs, "email"}


def test_it_escalates_in_real_time_as_if_nobody_answered(client, now, run_jobs, tick, left, shade, listed):
    """MIG-22, MIG-23: Bob at once, Ana after a minute, and all of it once more, on list and timeline."""
    house = pager()
    shade("team", "payments")
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    escalate(now, tick, 400)
    times = [(one.name, round((one.at - incident().opened_at).total_seconds())) for one in listed("page")]
    assert times[:4] == [("Bob", 0), ("Ana", 60), ("Bob", 180), ("Ana", 240)] and left == []
    assert listed("page")[0].reason
    kinds = [event.kind for event in session.query(Event).filter_by(subject="incident:1").order_by(Event.id)]
    assert OURS <= set(kinds) and not {"message.sent", "message.delivered", "message.failed"} & set(kinds)


@pytest.mark.parametrize(("scope", "key"), [("system", ""), ("team", "payments"), ("service", "checkout"), 
    ("integration", "prometheus")])
def test_each_scope_holds_its_own_and_nothing_else(client, now, run_jobs, tick, left, shade, scope, key, bob, charlie):
    """ESC-44: others page as ever, unless it is everything."""
    house = house_of(bob)
    shade(scope, key)
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    assert left == [] and incident().in_shadow
    page(charlie)
    tick(SEND)
    assert [kind for _, kind in left] == ([] if scope == "system" else ["page"])


def test_what_waits_is_held_and_never_sent_later(app, now, tick, ana, left, shade, live, listed):
    """MIG-24: a mail of the minute before it, due during it; another due after it."""
    early, late = build.contact(ana, "webhook", "http://x/1", name="early"), build.contact(ana, "ntfy", "late", name="late")
    build.rules(ana, (0, build.contact(ana, "telegram", "at-once", name="now")), (60, early), (600, late))
    page(ana)
    tick(SEND)
    assert [slug for slug, _ in left] == ["telegram"]
    shadow = shade("team", "team-1")
    play(now, tick, 120, step=30)
    live(shadow)
    play(now, tick, 900, step=30)
    assert [slug for slug, _ in left] == ["telegram"]
    assert [one.channel for one in listed("page")] == ["webhook", "ntfy"] and {one.state for one in messages("page")} == {
        "sent", "unsent"}


def test_open_incidents_stay_silent_unless_ticked(app, now, run_jobs, tick, ana, left, shade, live, listed):
    """MIG-24: the ticked one pages from its first level, the other not at its later ones either."""
    shadow = shade()
    for _ in range(2):
        page(ana, ana)
    tick(SEND)
    live(shadow, page=[2])
    run_jobs()
    tick(SEND)
    escalate(now, tick, 3700, step=600)
    assert {message.incident_id for message in messages("page") if message.state == "sent"} == {2} and left
    with transaction():
        service.let_page(incident(1), by=build.actor(build.user("otto", role="admin")))
    run_jobs()
    tick(SEND)
    assert {message.incident_id for message in messages("page") if message.state == "sent"} == {1, 2}


def test_what_comes_again_after_it_pages(app, now, run_jobs, tick, ana, left, shade, live):
    """MIG-24: silence ends with the incident."""
    shadow = shade()
    page(ana)
    live(shadow)
    now.shift(60)
    for act in (resolve, reopen):
        with transaction():
            act(incident(), by=build.actor(ana))
    run_jobs()
    tick(SEND)
    assert "page" in [kind for _, kind in left]


def test_codes_and_tests_still_go_out(app, now, tick, ana, left, shade):
    """MIG-25; and what concerns this system itself."""
    shade()
    method = build.contact(ana, "telegram", "new", name="new", proven_at=None)
    with transaction():
        proofs.send_code(session.merge(method), by=as_actor(ana))
        proofs.test_pages(session.merge(ana), by=as_actor(ana))
        notifications.tell([session.merge(ana)], kind="alarm", cause="chain", reason="The chain stands still")
        notifications.tell([session.merge(ana)], kind="gap", cause="gap", reason="Nobody is on duty")
    tick(SEND)
    assert sorted(kind for _, kind in left) == ["alarm", "code", "test"]


def test_a_room_hears_nothing_and_its_posts_stay_as_they_are(app, now, run_jobs, tick, ana, left, shade, live, listed):
    """MIG-22: neither made nor changed."""
    team = build.team("payments", manager=ana)
    with transaction():
        session.add(Room(team_id=team.id, channel="slack", address="C1", name="#payments"))
    shadow = shade("team", "payments")
    opened(team)
    run_jobs()
    tick(POSTS)
    assert left == [] and [(one.channel, one.name) for one in listed("post")] == [("slack", "#payments")]
    live(shadow, page=[1])
    run_jobs()
    tick(POSTS)
    assert ("slack", "post") in left
    opened(team)
    run_jobs()
    tick(POSTS)
    assert left.count(("slack", "post")) == 2


def test_what_is_held_about_a_private_incident_is_its_team_s(app, now, tick, ana, left, shade, listed):
    """ESC-44: an alarm about it names it, so others do not read it."""
    team = build.team("secret", manager=ana, private=True)
    made = build.incident(team=team)
    shade()
    with transaction():
        notifications.tell([session.merge(ana)], kind="alarm", cause="lost", reason="Bob can't be reached", scope=made.ref)
    tick(SEND)
    assert [one.team_id for one in listed("alarm")] == [team.id] and left == []


def test_only_admins_switch_and_a_reason_is_needed(app, ana, payments, olga):
    """State table of 15."""
    with pytest.raises(Forbidden):
        service.begin("team", "payments", reason="Why not", by=build.actor(ana))
    for said in ({"scope": "system", "key": "", "reason": " "}, {"scope": "team", "key": "nobody", "reason": "x"},
                 {"scope": "world", "key": "", "reason": "x"}):
        with pytest.raises(Invalid), transaction():
            service.begin(**said, by=build.actor(olga))


def test_twice_is_once(shade, live, olga):
    """The database knows one for each scope."""
    first = shade()
    with pytest.raises(Conflict):
        shade()
    live(first)
    with pytest.raises(Conflict):
        live(first)
    assert shade().id != first.id and len(shadow.active()) == 1


@pytest.mark.both_databases
@pytest.mark.parametrize("number", [1, 2])
def test_what_opens_while_its_shadow_ends_is_silent_or_pages_from_its_first_level(app, payments, shade, number):
    """MIG-24: whoever is opening one in shadow, be it the first of all, is waited for: it is not heard from its second level on."""
    earlier = [opened(payments) for _ in range(1, number)]
    begun, opening = shade("team", "payments"), threading.Event()

    def ends():
        with app.app_context():
            opening.wait(30)
            with transaction():
                service.end(session.merge(begun), by=OPERATOR)
            session.remove()
    other = threading.Thread(target=ends)
    other.start()
    with transaction():
        made = open_incident(Opening("Disk is full", team=session.merge(payments)), by=OPERATOR)
        opening.set()
        other.join(0.3)  # it waits, or has wrongly been through already
    other.join(30)
    assert made.in_shadow and incident(len(earlier) + 1).silenced_by == begun.id
