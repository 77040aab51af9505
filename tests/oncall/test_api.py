"""Schedules for machines: on duty, shifts, a team's schedules, overrides, and two who override at once."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.core.db import session, transaction
from app.core.errors import Conflict
from app.identity.models import User
from app.oncall.models import Override, Schedule
from app.oncall.service import add_override
from tests import build
from tests.oncall.test_service import person

NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)
ANA = {"email": "ana@example.com", "name": "Ana"}
BOB = {"email": "bob@example.com", "name": "Bob"}


@pytest.fixture
def primary(payments, ana, bob) -> Schedule:
    """Ana and Bob by turns, a day each from Monday 09:00 in Berlin, but nobody at the weekend."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], time_zone="Europe/Berlin",
                          starts="2026-07-20T09:00", unit="day", restrictions=[
                              {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "00:00", "to": "00:00"}])


@pytest.fixture
def get(client, token, primary, ana):
    """Ask as Ana's machine, on Monday at noon UTC."""
    headers = token(ana)

    def ask(path: str, status: int = 200):
        with time_machine.travel(NOW, tick=False):
            answer = client.get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json
    return ask


def test_on_duty_tells_who_until_when_and_by_which_layer(get):
    assert get("/schedules/primary/on-duty") == {
        "at": "2026-07-20T12:00:00.000Z", "people": [ANA], "layer": "base", "since": "2026-07-20T07:00:00.000Z",
        "until": "2026-07-21T07:00:00.000Z"}
    later = get("/schedules/primary/on-duty?at=2026-07-21T09:00:00%2B02:00")
    assert later["at"] == "2026-07-21T07:00:00.000Z" and later["people"] == [BOB]


def test_a_gap_is_an_empty_list_with_its_end_and_never_the_previous_person(get):
    """SCH-06: an empty list with `until`."""
    gap = get("/schedules/primary/on-duty?at=2026-07-25T12:00:00Z")
    assert gap["people"] == [] and gap["layer"] is None and gap["until"] == "2026-07-26T22:00:00.000Z"


def test_shifts_are_contiguous_with_gaps_and_the_first_has_its_true_start(get):
    """SCH-08: today's running shift is included with its true start."""
    found = get("/schedules/primary/shifts?from=2026-07-20T12:00:00Z&to=2026-07-27T12:00:00Z")
    assert found[0] == {"start": "2026-07-20T07:00:00.000Z", "end": "2026-07-21T07:00:00.000Z", "people": [ANA],
                        "layer": "base"}
    assert all(one["end"] == following["start"] for one, following in zip(found, found[1:], strict=False))
    assert [one["people"] for one in found if not one["people"]] == [[]]
    assert found[-1]["end"] == "2026-07-27T12:00:00.000Z"


@pytest.mark.parametrize(("path", "field"), [
    ("/on-duty?at=yesterday", "at"), ("/on-duty?at=0001-01-01T00:00:00Z", "at"), ("/shifts?from=x", "from"),
    ("/shifts?from=2026-07-20T12:00:00Z&to=2026-07-20T12:00:00Z", "to"),
    ("/shifts?from=2026-07-20T12:00:00Z&to=2027-09-20T12:00:00Z", "to"),
    ("/shifts?from=9999-12-31T23:59:59-12:00", "from")])
def test_times_that_are_none_are_refused_by_their_field(get, path, field):
    """SCH-40: 422 with the field."""
    assert get(f"/schedules/primary{path}", 422)["errors"][0]["field"] == field


def test_the_same_instant_in_five_zones_is_the_same_answer(get):
    """SCH-09: a plus sign that was not encoded counts as one."""
    asked = ("2026-07-21T07:30:00Z", "2026-07-21T09:30:00%2B02:00", "2026-07-21T09:30:00+02:00",
             "2026-07-21T03:30:00-04:00", "2026-07-21T13:00:00%2B05:30")
    assert len({str(get(f"/schedules/primary/on-duty?at={at}")) for at in asked}) == 1


def test_a_team_answers_by_all_its_schedules(get, payments, bob):
    """SCH-38: every schedule of the team."""
    build.schedule("backup", team=payments, turns=[[bob]])
    found = get("/teams/payments/on-duty?at=2026-07-25T12:00:00Z")["schedules"]
    assert [(one["schedule"]["key"], one["people"]) for one in found] == [("backup", [BOB]), ("primary", [])]
    get("/teams/nobody/on-duty", 404)


def test_a_private_team_is_not_there_for_others(client, token, ana, charlie):
    build.schedule("secret", team=build.team("night", manager=ana, private=True), turns=[[ana]])
    for path in ("/schedules/secret/on-duty", "/schedules/secret/shifts", "/teams/night/on-duty",
                 "/schedules/secret/overrides", "/schedules/none/on-duty"):
        assert client.get(f"/api/v1{path}", headers=token(charlie)).status_code == 404
        assert client.get(f"/api/v1{path}").status_code == 401


@time_machine.travel(NOW, tick=False)
def test_an_override_is_made_seen_and_taken_back(client, token, primary, ana, get):
    wish = {"starts": "2026-07-20T15:00", "ends": "2026-07-20T16:00:00Z", "people": ["bob@example.com"],
            "replaces": "ana@example.com", "reason": "Dentist"}
    made = client.post("/api/v1/schedules/primary/overrides", json=wish, headers=token(ana))
    assert made.status_code == 201 and made.json == {
        "id": made.json["id"], "starts": "2026-07-20T13:00:00.000Z", "ends": "2026-07-20T16:00:00.000Z",
        "people": [BOB], "replaces": ANA, "reason": "Dentist"}
    assert get("/schedules/primary/on-duty?at=2026-07-20T13:00:00Z")["layer"] == "override"
    assert get("/schedules/primary/overrides") == {"items": [made.json], "next": None}
    path = f"/api/v1/schedules/primary/overrides/{made.json['id']}"
    assert [client.delete(path, headers=token(ana)).status_code for _ in range(2)] == [204, 404]
    assert get("/schedules/primary/on-duty?at=2026-07-20T13:00:00Z")["people"] == [ANA]


@time_machine.travel(NOW, tick=False)
def test_what_an_override_would_change_is_exactly_what_it_changes(client, token, primary, ana, get):
    """SCH-23: for machines as on the page; a conflict is told as it would be, and nothing is stored."""
    wish = {"starts": "2026-07-20T20:00:00Z", "ends": "2026-07-21T12:00:00Z", "people": ["bob@example.com"]}
    path, headers = "/api/v1/schedules/primary/overrides", token(ana)
    shown = client.post(f"{path}/preview", json=wish, headers=headers)
    assert [(one["start"], one["end"], one["before"], one["after"]) for one in shown.json["differences"]] == [
        ("2026-07-20T20:00:00.000Z", "2026-07-21T07:00:00.000Z", ["ana@example.com"], ["bob@example.com"]),
        ("2026-07-21T07:00:00.000Z", "2026-07-21T12:00:00.000Z", ["bob@example.com"], ["bob@example.com"])]
    assert client.get(path, headers=headers).json["items"] == []
    assert client.post(path, json=wish, headers=headers).status_code == 201
    assert client.post(f"{path}/preview", json=wish, headers=headers).status_code == 409


@time_machine.travel(NOW, tick=False)
def test_a_bad_override_is_refused_and_a_conflict_names_the_other(client, token, primary, ana, bob):
    def post(person, **wish):
        return client.post("/api/v1/schedules/primary/overrides", json=wish, headers=token(person))
    hour = {"starts": "2026-07-20T15:00", "ends": "2026-07-20T16:00", "people": ["bob@example.com"]}
    assert post(bob, **{**hour, "people": ["ana@example.com"]}).status_code == 403
    assert post(ana, **hour).status_code == 201
    conflict = post(ana, **hour)
    assert conflict.status_code == 409 and conflict.json["state"]["override"]["people"] == ["bob@example.com"]
    for wish, field in (({"starts": "2026-07-20T10:00"}, "starts"), ({"people": []}, "people"), ({"ends": 7}, "ends"),
                        ({"people": ["eve@example.com"]}, "people[0]"), ({"until": "x"}, "until"),
                        ({"ends": "x"}, "ends")):
        answer = post(ana, **{**hour, **wish})
        assert answer.status_code == 422 and field in [one["field"] for one in answer.json["errors"]]


def wish(schedule_id: int, user_id: int, starts: datetime) -> int:
    """What one of two who press at the same moment is answered."""
    schedule, user = session.get_one(Schedule, schedule_id), session.get_one(User, user_id)
    try:
        with transaction():
            add_override(schedule, starts=starts, ends=starts + timedelta(minutes=30), people=[user], by=person(user))
    except Conflict as other:
        return 409 if other.state["override"]["people"] else 500
    return 201


@pytest.mark.race(rounds=100)
@pytest.mark.both_databases
def test_of_two_conflicting_overrides_at_the_same_moment_one_stands(app, primary, ana, bob):
    """SCH-12: 100 repetitions, never two."""
    begin, barrier = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=1), threading.Barrier(2)
    outcomes: list[int] = []

    def press(user_id: int, starts: datetime) -> None:
        with app.app_context():
            barrier.wait()
            outcomes.append(wish(primary.id, user_id, starts))

    for round_ in range(100):
        racing = [threading.Thread(target=press, args=(one.id, begin + timedelta(hours=round_))) for one in (ana, bob)]
        for act in (threading.Thread.start, threading.Thread.join):
            deque(map(act, racing), maxlen=0)
    assert sorted(outcomes) == [201] * 100 + [409] * 100
    assert session.query(Override).count() == 100
