"""Cover: somebody asks the team, and the first to accept takes all of it or a part."""

from __future__ import annotations

import threading

import pytest
import time_machine

from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.identity.models import Membership
from app.notifications.models import Message
from app.oncall import covers
from app.oncall.models import CoverPart, CoverRequest, Schedule
from app.oncall.queries import shifts
from app.oncall.service import remove_schedule
from tests import build
from tests.oncall.test_service import at, facts, person

SHIFT = (at(24), at(48))


@pytest.fixture(autouse=True)
def _before():
    """It is two hours before the first shift."""
    with time_machine.travel(at(-2), tick=False):
        yield


@pytest.fixture
def chen(payments):
    """Chen is a responder of Payments who is in no rotation."""
    made = build.user("chen")
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=made.id, role="responder"))
    return made


@pytest.fixture
def primary(payments, ana, bob, chen) -> Schedule:
    """Ana and Bob by turns, a day each from Monday 09:00 UTC."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")


def asked(primary, who, span=SHIFT, by=None) -> CoverRequest:
    with transaction():
        return covers.ask(primary, who, span, reason="Dentist", by=by or person(who))


def taken(request, who, span=None, by=None) -> CoverRequest:
    with transaction():
        return covers.take(request, who, span, by=by or person(who))


def duty(primary) -> list[tuple[object, int]]:
    return [(one.start, one.people[0]) for one in shifts(primary, *SHIFT)]


def test_the_first_to_accept_takes_it_and_the_next_is_told_who(primary, ana, bob, chen):
    """SCH-18."""
    request = asked(primary, bob)
    assert duty(primary) == [(at(24), bob.id)]
    assert taken(request, chen).state == "taken" and duty(primary) == [(at(24), chen.id)]
    with pytest.raises(Conflict, match="Chen took this already"):
        taken(request, ana)
    assert facts() == ["schedule.cover_requested", "schedule.cover_taken"]


def test_cover_for_a_part_splits_the_shift_and_the_rest_stays_until_it_is_taken(primary, ana, bob, chen):
    """SCH-18."""
    request = taken(asked(primary, bob), chen, (at(30), at(36)))
    assert request.state == "partly taken"
    assert duty(primary) == [(at(24), bob.id), (at(30), chen.id), (at(36), bob.id)]
    assert covers.still_open(request) == [(at(24), at(30)), (at(36), at(48))]
    assert taken(request, ana).state == "taken"
    assert duty(primary) == [(at(24), ana.id), (at(30), chen.id), (at(36), ana.id)]


@pytest.mark.race
@pytest.mark.both_databases
def test_of_two_who_take_at_once_one_gets_it(app, primary, ana, bob, chen):
    """SCH-18: race-proof by the database."""
    key, gate, outcomes = asked(primary, bob).id, threading.Barrier(2), []

    def take(who):
        with app.app_context(), time_machine.travel(at(-2), tick=False):
            gate.wait()
            try:
                with transaction():
                    covers.take(session.get(CoverRequest, key), session.get(type(ana), who.id), by=person(who))
                outcomes.append("took")
            except Conflict as refused:
                outcomes.append(refused.detail)
    both = [threading.Thread(target=take, args=(who,)) for who in (ana, chen)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(one == "took" for one in outcomes) == [False, True]
    assert any("took this already" in one for one in outcomes) and session.query(CoverPart).count() == 1


def test_nobody_takes_what_they_can_not_hold(primary, bob, charlie):
    """SCH-17: not outside of team and participants, not one's own."""
    request = asked(primary, bob)
    for who in (charlie, bob):
        with pytest.raises(Invalid):
            taken(request, who)
    with pytest.raises(Forbidden):
        asked(primary, bob, by=person(charlie))
    with pytest.raises(Invalid, match="asked for this time already"):
        asked(primary, bob, (at(30), at(31)))


def test_what_was_taken_is_given_back_when_the_requester_agrees(primary, bob, chen, ana):
    request = taken(asked(primary, bob), chen)
    part = request.parts[0]
    with pytest.raises(Conflict, match="has not asked"), transaction():
        covers.give_back(part, by=person(bob))
    for who in (chen, bob):
        with transaction():
            covers.give_back(part, by=person(who))
    assert request.state == "open" and duty(primary) == [(at(24), bob.id)]
    with time_machine.travel(at(-1), tick=False):
        again = taken(request, ana)
    with time_machine.travel(at(24), tick=False), pytest.raises(Conflict, match="begun"), transaction():
        covers.give_back(again.parts[-1], by=person(ana))


def test_when_the_shift_begins_the_requester_stays_on_duty_and_all_are_told(primary, tick, run_jobs, bob, chen):
    request = asked(primary, bob)
    with time_machine.travel(at(24), tick=False):
        tick("app.oncall.ticks.settle_covers")
        run_jobs()
    session.expire_all()
    assert session.get(CoverRequest, request.id).state == "expired" and duty(primary) == [(at(24), bob.id)]
    last = [one.reason for one in session.query(Message).where(Message.user_id == chen.id).order_by(Message.id)][-1]
    assert last.startswith("Nobody took over in Primary") and "Bob stays on duty" in last


def test_the_rest_of_a_running_shift_can_be_covered(primary, bob, chen):
    with time_machine.travel(at(30), tick=False):
        request = asked(primary, bob)
        assert (request.starts_at, taken(request, chen).state) == (at(30), "taken")
    assert duty(primary) == [(at(24), bob.id), (at(30), chen.id)]


def test_machines_ask_take_in_part_and_withdraw(primary, client, token, bob, chen):
    url = "/api/v1/schedules/primary/cover-requests"
    made = client.post(url, json={"starts": "2026-07-21T09:00", "ends": "2026-07-22T09:00"}, headers=token(bob))
    assert made.status_code == 201 and made.json["state"] == "open" and made.json["person"]["name"] == "Bob"
    part = {"starts": "2026-07-21T12:00", "ends": "2026-07-21T15:00"}
    one = client.post(f"{url}/{made.json['id']}/take", json=part, headers=token(chen))
    assert one.json["state"] == "partly taken" and len(one.json["open"]) == 2
    assert client.post(f"{url}/{made.json['id']}/take", json=part, headers=token(bob)).status_code in (409, 422)
    gone = client.post(f"{url}/{made.json['id']}/withdraw", headers=token(bob))
    assert gone.json["state"] == "withdrawn" and gone.json["taken"][0]["person"]["name"] == "Chen"
    assert client.get(url, headers=token(chen)).json["items"] == [gone.json]


def test_the_page_shows_what_is_open_to_me_and_takes_it_without_script(primary, signed_in, bob, chen):
    asked(primary, bob)
    browser = signed_in(chen)
    page = browser.get("/on-call/requests").text
    assert "Bob needs cover" in page and "Take only a part" in page and "Dentist" in page
    assert "1 waits for you" in " ".join(browser.get("/on-call").text.split())
    key = session.query(CoverRequest.id).scalar()
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    done = browser.post(f"/schedules/primary/cover/{key}/take", data={"csrf_token": token}, follow_redirects=True).text
    assert "You take over for Bob" in done and "Take it" not in done


def test_a_schedule_that_goes_takes_its_requests_along(primary, ana, bob, chen):
    taken(asked(primary, bob), chen)
    with transaction():
        remove_schedule(primary, by=person(ana))
    assert session.query(CoverRequest).count() == 0 and session.query(CoverPart).count() == 0
