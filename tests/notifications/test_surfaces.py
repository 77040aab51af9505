"""Posts agree with their incident: whoever answers wherever, every surface shows it, and none delays a page."""

from datetime import timedelta

import pytest

from app.core import clock
from app.core.db import session, transaction
from app.incidents.models import Note
from app.notifications.channel_models import Room, Surface
from app.plugin_api import Refused, Retry
from tests import build
from tests.notifications.paged import page

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"


@pytest.fixture
def two(now, tick, run_jobs, pigeon):
    """Ana and Bob were paged by pigeon in the same moment."""
    people = [build.user(name, reachable=False) for name in ("ana", "bob")]
    for person in people:
        build.contact(person, "pigeon", f"loft-of-{person.name.lower()}")
    team = build.team("payments", manager=people[0], responders=people[1:])
    build.policy("payments", (3600, people), team=team)
    incident = build.incident(team=team, title="Checkout is down")
    with transaction():
        from app.escalation.service import start
        start(session.get_one(type(incident), incident.id))
    tick(SEND)
    tick(POSTS)
    return people


def test_every_surface_shows_who_has_it_and_what_can_still_be_done(two, pigeon, loft, run_jobs, tick):
    """NTF-38: Ana answers; her page and Bob's agree, and the acknowledge button is gone from both."""
    loft(action="acknowledge", sender="loft-of-ana", message=pigeon.sent[0][0].id)
    run_jobs()
    tick(POSTS)
    shown = {address: (said.standing, said.actions, name) for said, address, name in pigeon.updates[-2:]}
    after = ("Acknowledged by Ana", ("resolve", "escalate", "note"))
    assert shown == {"loft-of-ana": (*after, "p1"), "loft-of-bob": (*after, "p2")}


def test_a_failed_update_is_tried_again_until_it_is_true(two, now, pigeon, loft, run_jobs, tick):
    """NTF-38: and no page waits for it."""
    pigeon.updates.clear()
    loft(action="resolve", sender="loft-of-ana", incident="1")
    run_jobs()
    pigeon.faults = [Retry("busy"), Retry("busy")]
    tick(POSTS)
    assert pigeon.updates == []
    now.shift(3)
    tick(POSTS)
    assert {address for _, address, _ in pigeon.updates} == {"loft-of-ana", "loft-of-bob"}
    assert {said.actions for said, _, _ in pigeon.updates} == {("note",)}


def test_what_did_not_change_is_not_sent_again(two, now, pigeon, tick):
    before = len(pigeon.updates)
    with transaction():
        session.query(Surface).update({"next_at": session.query(Surface).first().updated_at})
    tick(POSTS)
    assert len(pigeon.updates) == before


def test_a_surface_whose_worker_died_is_taken_over(two, now, pigeon, loft, run_jobs, tick):
    """Claimed and never finished: a minute later somebody else does it."""
    from app.notifications import surfaces

    loft(action="acknowledge", sender="loft-of-ana", incident="1")
    run_jobs()
    with transaction():
        assert surfaces._claim(surfaces.due(1)[0]) is not None
    pigeon.updates.clear()
    tick(POSTS)
    assert len(pigeon.updates) == 1
    now.shift(61)
    tick(POSTS)
    assert len(pigeon.updates) == 2


def test_a_room_gets_one_post_which_is_then_edited_in_place(now, tick, run_jobs, pigeon, loft, ana):
    """SRC-20, SRC-22."""
    build.contact(ana, "pigeon", "loft-of-ana")
    team = build.team("payments", manager=ana)
    with transaction():
        session.add(Room(team_id=team.id, channel="pigeon", address="room-7", name="#payments"))
    with transaction():
        from app.incidents.service import Opening, open_by_hand
        from tests.notifications.paged import as_actor
        open_by_hand(Opening("Checkout is down", team=team), by=as_actor(ana))
    run_jobs()
    tick(POSTS)
    assert [address for said, address in pigeon.sent if said.kind == "post"] == ["room-7"]
    loft(action="acknowledge", sender="loft-of-ana", incident="1")
    run_jobs()
    tick(POSTS)
    assert [(said.standing, address) for said, address, _ in pigeon.updates if address == "room-7"] == [
        ("Acknowledged by Ana", "room-7")]


def test_a_room_that_is_gone_says_so_on_the_room(now, tick, run_jobs, pigeon, ana):
    incident = page(ana)
    with transaction():
        session.add(Room(team_id=incident.team_id, channel="pigeon", address="room-7"))
        session.flush()
        from app.notifications import surfaces
        surfaces.post(incident)
    pigeon.faults = [Refused("The room does not exist")]
    tick(POSTS)
    assert session.query(Room).one().error == "The room does not exist"


def test_posts_that_can_not_be_made_are_put_off_and_keep_no_other_waiting(two, now, pigeon, tick, monkeypatch):
    """A fault of ours with more posts than are looked at together: the last is brought up to date all the same."""
    from app.notifications import surfaces

    with transaction():
        session.query(Surface).filter_by(id=1).update({"next_at": clock.now(), "shown": ""})
        session.add_all(Surface(incident_id=1, channel="pigeon", address="broken", next_at=clock.now() - timedelta(seconds=1))
                        for _ in range(20))
    made = surfaces._outgoing
    monkeypatch.setattr(surfaces, "_outgoing", lambda surface, incident: made(
        surface, {}["no title"] if surface.address == "broken" else incident))
    pigeon.updates.clear()
    tick(POSTS)
    session.expire_all()
    broken = session.query(Surface).filter_by(address="broken").first()
    assert len(pigeon.updates) == 1 and broken.attempts == 1 and broken.next_at > clock.now() and "a fault of ours" in broken.error


def test_a_note_that_stands_below_a_post_is_not_said_again_because_the_next_one_failed(now, tick, pigeon, ana):
    """SRC-23: three notes, and the channel is busy after the first."""
    incident = page(ana)
    said, busy = [], [None, Retry("busy")]

    def say(lines, receipt, config):
        if busy and (fault := busy.pop(0)):
            raise fault
        said.extend(lines)
    pigeon.say, pigeon.can = say, pigeon.can | {"thread"}
    with transaction():
        session.add_all(Note(incident_id=incident.id, author=ana.ref, author_name="Ana", body=body) for body in "abc")
        session.add(Surface(incident_id=incident.id, channel="pigeon", address="room", provider_id="p1", next_at=clock.now()))
    tick(POSTS)
    now.shift(3)
    tick(POSTS)
    assert said == ["Ana: a", "Ana: b", "Ana: c"]
