"""A level may name a chat room: it is told once and kept true, and never counts as somebody who was paged."""

import pytest

from app.config import reach, service
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.core.events import Event, sentence
from app.escalation.documents import policy_document
from app.escalation.models import Policy
from app.escalation.panels import team_health
from app.escalation.policies import save_policy
from app.notifications import rooms
from app.notifications.channel_models import Room, Surface
from tests import build
from tests.config.documents import apply, faults
from tests.escalation.test_run import play, who_was_paged
from tests.pager import firing, pager, post, run

POSTS = "app.notifications.ticks.refresh_posts"
ROOM, BOB = {"room": "#war-room"}, {"user": "bob@example.com"}


@pytest.fixture
def house(app, pigeon, now):
    """Payments pages; the room belongs to another team, so that only a level leads there."""
    found = pager()
    with transaction():
        leads = build.team("leads", manager=found.ana)
        session.add(Room(team_id=leads.id, key="room-1", channel="pigeon", address="room-7", name="#war-room"))
    return found


def levels(*targets, **values):
    """Payments' policy: a minute for each level."""
    with transaction():
        return save_policy({"key": "payments", "name": "Payments", "team": "payments", "repeat": 0, **values, "levels": [
            {"timeout": "1m", "targets": list(each)} for each in targets]}, by=OPERATOR)


def posted(pigeon):
    return [address for said, address in pigeon.sent if said.kind == "post"]


def told(kind="escalation.posted"):
    return [sentence(one) for one in session.query(Event).filter(Event.kind == kind).order_by(Event.id)]


@pytest.mark.both_databases
def test_a_level_of_a_room_is_posted_once_waits_and_the_next_is_paged(house, client, run_jobs, tick, now, pigeon):
    """ESC-20, ESC-25: a room is nobody, and its post stays one however often the level is reached."""
    levels([ROOM], [BOB], repeat=1)
    post(client, house, firing())
    run_jobs()
    tick(POSTS)
    assert posted(pigeon) == ["room-7"] and who_was_paged() == [] and run().level == 0
    began = int(run().started_at.timestamp())
    play(now, tick, 59)
    assert who_was_paged() == []
    play(now, tick, 121)
    tick(POSTS)
    assert [(at - began, who) for at, who in who_was_paged()] == [(60, "Bob"), (180, "Bob")]
    assert posted(pigeon) == ["room-7"]
    assert told() == ["Level 1: posting in #war-room", "Level 1: it stands already in #war-room"]


def test_people_are_paged_beside_the_room_and_the_post_is_kept_true(house, client, run_jobs, tick, pigeon, loft, token):
    """ESC-24, ESC-25: the room's post shows the acknowledge like any other; nobody else is paged for the room's sake."""
    levels([ROOM, BOB], [{"user": "ana@example.com"}])
    post(client, house, firing())
    run_jobs()
    tick(POSTS)
    assert [who for _, who in who_was_paged()] == ["Bob"] and told("escalation.level_reached") == ["Level 1: paging Bob"]
    client.post("/api/v1/incidents/1/acknowledge", headers=token(house.bob))
    run_jobs()
    tick(POSTS)
    assert [(said.standing, address) for said, address, _ in pigeon.updates] == [("Acknowledged by Bob", "room-7")]


def test_a_level_that_finds_nobody_is_passed_at_once_though_its_room_is_told(house, client, run_jobs, tick, pigeon):
    """ESC-24: the room does not stand in for whoever was meant."""
    build.user("zed", reachable=False)
    levels([ROOM, {"user": "zed@example.com"}], [BOB])
    post(client, house, firing())
    run_jobs()
    tick(POSTS)
    assert posted(pigeon) == ["room-7"] and [who for _, who in who_was_paged()] == ["Bob"]
    assert told("escalation.level_skipped") == ["Level 1 skipped: Zed has no proven contact method"]


def test_a_policy_with_nothing_but_rooms_is_warned_about_and_ends_at_the_catch_all(
        house, client, run_jobs, tick, now, signed_in):
    """ESC-24: it pages nobody, says the page, the health of the team and every apply."""
    build.user("olga", role="admin")
    policy = levels([ROOM], repeat=9)
    assert team_health(house.team) == [("Pages nobody", "Payments only posts in rooms or calls webhooks")]
    assert reach.unreachable(OPERATOR) == ["service checkout: its policy reaches nobody right now"]
    shown = signed_in(house.ana).get(f"/policies/{policy.key}").text
    assert "It pages nobody: all its levels only post in rooms" in shown and "Room #war-room" in shown
    post(client, house, firing())
    run_jobs()
    play(now, tick, 61)
    assert [who for _, who in who_was_paged()] == ["Olga"]


def test_the_form_the_document_and_the_room_know_of_each_other(house, signed_in):
    """A room is chosen in the form; what it names stays until the policy lets go of it."""
    browser = signed_in(house.ana)
    form = {"name": "Payments", "team": "payments", "repeat": "0", "version": "1", "levels": "1", "timeout-0": "5m",
            "target-0": "user:bob@example.com", "add-0": "room:#war-room"}
    assert 'value="room:#war-room">Room #war-room' in browser.get("/policies/payments/edit").text
    assert browser.post("/policies/payments/edit", data=form).status_code == 303
    session.expire_all()
    assert policy_document(session.query(Policy).one())["levels"][0]["targets"] == [BOB, ROOM]
    with pytest.raises(Conflict, match="is used by Payments"), transaction():
        rooms.remove_room(session.query(Room).one(), by=OPERATOR)


def test_a_room_that_is_not_there_is_a_fault_of_its_line_and_one_of_two_names_its_key(house):
    """ESC-25: the export applies again, with the room's key where its name is not its alone."""
    document = """version: 1
escalation_policies:
  - {key: payments, name: Payments, levels: [{targets: [{room: "%s"}]}]}
"""
    at = "escalation_policies[0].levels[0].targets[0].room"
    [fault] = faults(document % "#nowhere")
    assert fault.startswith("a.yaml:3:") and fault.endswith(f"{at} there is no room #nowhere")
    with transaction():
        room = session.query(Room).one()
        session.add(Room(team_id=room.team_id, channel="pigeon", address="room-8", name="#War-Room", key="room-2"))
    [fault] = faults(document % "#war-room")
    assert fault.startswith("a.yaml:3:") and fault.endswith("Several rooms are called #war-room; name one of room-1, room-2")
    apply(document % "room-1")
    assert service.export()["escalation_policies"][0]["levels"][0]["targets"] == [{"room": "room-1"}]


def test_simulate_why_and_duty_name_the_room_and_post_nothing(house, client, run_jobs, token, signed_in):
    """ESC-41: where it would be posted and when; nothing is stored."""
    levels([ROOM], [BOB])
    said = client.post("/api/v1/simulate", json={"service": "checkout"}, headers=token(house.ana)).json
    assert [(one["level"], one["room"]) for one in said["posts"]] == [(1, "#war-room")]
    assert [one["level"] for one in said["pages"]] == [2] and session.query(Surface).count() == 0
    duty = client.get("/api/v1/services/checkout/on-duty", headers=token(house.ana)).json
    assert [(one["rooms"], len(one["people"])) for one in duty["levels"]] == [(["#war-room"], 0), ([], 1)]
    post(client, house, firing())
    run_jobs()
    browser = signed_in(house.ana)
    assert all("Level 1: posting in #war-room" in browser.get(f"/incidents/1{end}").text for end in ("", "/why"))
    assert "a post in #war-room" in browser.get("/services/checkout").text
