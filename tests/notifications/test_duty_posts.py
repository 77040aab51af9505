"""Hand-offs in a room: posted once, with who comes, and again later when the channel is busy."""

import pytest
import time_machine

from app.core.db import session, transaction
from app.notifications.channel_models import DutyPost
from app.oncall.queries import schedule_by_key
from app.oncall.service import remove_schedule
from tests import build
from tests.fakes import Reply
from tests.oncall.test_service import at, person

HAND_OVER, POST = "app.oncall.ticks.hand_over", "app.notifications.ticks.post_handovers"
SLACK = "/settings/channels/slack"
OK = Reply(200, b'{"ok": true, "channel": "C1", "ts": "169.1"}')


@pytest.fixture
def room(app, http_sink, signed_in, olga, payments, ana, bob):
    """Payments' schedule hands over in a Slack channel; Olga set that up."""
    app.config.update(SLACK_BOT_TOKEN="xoxb-1", SLACK_API_URL=f"{http_sink.url}/api")
    http_sink.answer = OK
    build.schedule("primary", team=payments, turns=[[ana], [bob]], starts="2026-07-20T09:00", unit="day")
    form = {"channel": "slack", "team": "payments", "address": "C1", "name": "#payments", "schedule": "primary"}
    signed_in(olga).post(f"{SLACK}/rooms", data=form)
    return http_sink


@pytest.fixture
def passes(tick, run_jobs):
    """`passes(25)`: the clock looks 25 hours after Monday, 08:00."""
    def to(hours):
        with time_machine.travel(at(hours), tick=False):
            tick(HAND_OVER)
            run_jobs()
            tick(POST)
    return to


def test_each_hand_off_is_posted_once_with_whoever_comes_and_until_when(room, passes):
    """SCH-39: to the schedule's room at each change."""
    for hours in (2, 25, 25.5):
        passes(hours)
    [call] = room.calls
    assert call.json()["channel"] == "C1" and "handed over to Bob until 2026-07-22 09:00 UTC" in call.body.decode()


def test_a_busy_channel_is_asked_again_and_an_incident_is_not_posted_there(room, passes, client, token, ana, run_jobs):
    """SCH-39"""
    room.next_answers.append(Reply(429, b"", {"Retry-After": "30"}))
    passes(2)
    passes(25)
    assert session.query(DutyPost).one().next_at is not None
    passes(25.1)
    assert len(room.calls) == 2 and session.query(DutyPost).one().sent_at is not None
    service = build.service("checkout", team=schedule_by_key("primary").team)
    client.post("/api/v1/incidents", json={"title": "Down", "service": service.key}, headers=token(ana))
    run_jobs()
    assert len(room.calls) == 2


def test_a_post_that_can_not_be_made_is_put_off_and_keeps_no_other_waiting(room, passes, monkeypatch):
    from app.notifications import duty_posts

    passes(2)
    with transaction():
        session.add_all(DutyPost(event_id=number, room_id=1, key="primary", text=text, next_at=at(24))
                        for number, text in ((-2, "Broken"), (-1, "Good")))
    made = duty_posts.shadows.of_team

    def broken(team, when):
        if session.query(DutyPost).filter(DutyPost.text == "Broken", DutyPost.lease_until.is_not(None)).count():
            raise KeyError("a fault")
        return made(team, when)
    monkeypatch.setattr(duty_posts.shadows, "of_team", broken)
    passes(24.5)
    assert "Good" in [call.json()["text"] for call in room.calls]
    assert session.query(DutyPost).filter_by(text="Broken").one().attempts == 1


def test_a_schedule_of_another_team_has_no_room_here_and_one_that_goes_is_posted_no_more(room, passes, signed_in, olga, ana):
    build.schedule("theirs", team=build.team("search", manager=olga), turns=[[olga]])
    form = {"channel": "slack", "team": "payments", "address": "C2-of-theirs", "schedule": "theirs"}
    browser = signed_in(olga)
    assert browser.post(f"{SLACK}/rooms", data=form).status_code == 303
    assert "hand-offs only" in browser.get(SLACK).text and "C2-of-theirs" not in browser.get(SLACK).text
    with transaction():
        remove_schedule(schedule_by_key("primary"), by=person(ana))
    passes(25)
    assert room.calls == []
