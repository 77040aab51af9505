"""Many incidents of one service: the first ones one by one, the rest in one message a minute, a critical one alone."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import insert, update

from app.core.db import session, transaction
from app.core.jobs import function
from app.identity.models import User
from app.incidents import moves, service
from app.incidents.models import Counter, Incident
from app.notifications import quiet, sending
from app.notifications import service as notifications
from app.notifications.channel_models import Surface
from app.notifications.models import Message
from tests import build
from tests.fakes import MailServer, Reply, WebServer
from tests.notifications.paged import as_actor, messages, page, play
from tests.notifications.pigeon import Pigeon

SEND = "app.notifications.ticks.send"


@pytest.fixture
def storm(now: Any, tick: Any, ana: User, bob: User) -> Any:
    """`storm(6)`: six incidents of Ana's service, one a second, the senders looking each time."""
    team = build.team("payments", manager=ana)
    place = build.service("checkout", team=team, policy=build.policy("payments", (3600, [ana]), team=team))

    def made(number: int, severity: str = "high", urgency: str = "high", pause: int = 1) -> None:
        for _ in range(number):
            incident = build.incident("Checkout is down", service=place, severity=severity, urgency=urgency)
            with transaction():
                function("app.escalation.service.start")(session.get_one(Incident, incident.id))
            play(now, tick, pause)
    return made


def mails(smtp: MailServer) -> list[str]:
    return [mail.subject for mail in smtp.to("ana@example.com")]


def acknowledged() -> list[int]:
    session.rollback()
    return [one.id for one in session.query(Incident).filter_by(status="acknowledged").order_by(Incident.id)]


def test_from_the_fifth_on_they_are_collected_for_a_minute(storm: Any, now: Any, tick: Any, smtp: MailServer) -> None:
    """NTF-40: ten incidents are four mails at once and one with numbers and titles."""
    storm(10)
    assert len(mails(smtp)) == 4
    play(now, tick, 60, step=5)
    subject = mails(smtp)[4]
    assert len(mails(smtp)) == 5 and subject == "6 incidents of Checkout: #5 #6 #7 #8 #9 #10"
    assert smtp.to("ana@example.com")[4].text.count("Checkout is down") == 6
    assert {one.state for one in messages("page")} == {"sent"}


def copied(number: int) -> None:
    """The newest incident and the page about it that waits, so many times over, as if all had opened at this moment."""
    incident, message = session.query(Incident).order_by(Incident.id.desc()).first(), messages("page")[-1]
    with transaction():
        for at in range(number):
            for row, changed in ((incident, {"id": incident.id + at + 1}),
                                 (message, {"id": message.id + at + 1, "incident_id": incident.id + at + 1, "once": None})):
                values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
                session.execute(insert(type(row)).values({**values, **changed}))


def test_two_hundred_at_once_page_in_time_and_keep_nobody_else_waiting(storm: Any, now: Any, tick: Any, bob: User,
                                                                      smtp: MailServer) -> None:
    """QUAL-08: at one look Ana has her first four, and Bob, whose incident came last, his; the rest in mails of fifty."""
    storm(5, pause=0)
    copied(195)
    session.execute(update(Counter).values(value=200))
    page(bob)
    tick(SEND)
    assert len(mails(smtp)) == 4 and len(smtp.to("bob@example.com")) == 1
    play(now, tick, 60, step=20)
    told = [number for mail in smtp.to("ana@example.com")[4:] for number in re.findall(r"#(\d+) \[", mail.text)]
    assert len(mails(smtp)) == 8 and told == [str(at) for at in range(5, 201)]


def test_the_incidents_of_a_bundle_are_locked_in_the_order_of_their_numbers(storm: Any, now: Any, tick: Any, client: Any,
                                                                            smtp: MailServer, monkeypatch: Any) -> None:
    """Whoever changes several locks them so, too, and nobody waits for the other in a circle: #7 was paged about before #5."""
    storm(7)
    fifth, _, seventh = messages("page")[4:]
    with transaction():
        fifth.incident_id, seventh.incident_id = 7, 5
    locked, lock = [], sending._shared
    monkeypatch.setattr(sending, "_shared", lambda number: locked.append(number) or lock(number))
    play(now, tick, 60, step=60)
    assert list(dict.fromkeys(locked)) == [5, 6, 7]
    path, press = re.search(r"http://localhost(/tap/\S+)", smtp.to("ana@example.com")[4].text)[1], moves.lock  # type: ignore[index]
    monkeypatch.setattr(moves, "lock", lambda number: locked.append(-number) or press(number))
    client.post(path)
    assert [number for number in locked if number < 0] == [-5, -6]  # the page about #7 was of before it opened


def test_a_critical_one_among_them_goes_alone_and_at_once(storm: Any, smtp: MailServer) -> None:
    """NTF-40."""
    storm(6)
    storm(1, severity="critical")
    assert len(mails(smtp)) == 5 and mails(smtp)[4].startswith("[Critical] #7")


def test_acknowledge_all_acts_on_exactly_those_listed(storm: Any, now: Any, tick: Any, smtp: MailServer, client: Any,
                                                      bob: User) -> None:
    """NTF-40, NTF-41: what somebody took meanwhile is left out, what came later is not in it."""
    storm(7)
    with transaction():
        service.acknowledge(session.get_one(Incident, 6), by=as_actor(session.merge(build_admin())))
    play(now, tick, 60, step=5)
    mail = smtp.to("ana@example.com")[4]
    assert mail.subject == "2 incidents of Checkout: #5 #7" and "Acknowledge all" in mail.html
    storm(1)
    path = re.search(r"http://localhost(/tap/\S+)", mail.text)[1]  # type: ignore[index]
    assert "With 1 more" in client.get(path).text and acknowledged() == [6]
    said = client.post(path, headers={"Accept": "application/json"}).json
    assert said["text"] == "#5: Acknowledged by Ana. #7: Acknowledged by Ana." and acknowledged() == [5, 6, 7]
    assert client.post(path).status_code == 410


def build_admin() -> User:
    """Olga, who may take anything."""
    return build.user("olga", role="admin")


def test_a_bundle_of_which_nothing_is_left_is_not_sent(storm: Any, now: Any, tick: Any, smtp: MailServer) -> None:
    """NTF-41."""
    storm(5)
    with transaction():
        service.resolve(session.get_one(Incident, 5), by=as_actor(session.merge(build_admin())))
    play(now, tick, 70, step=5)
    assert len(mails(smtp)) == 4 and messages("page")[4].state == "cancelled"


def test_one_text_names_them_all_and_holds_the_link(app: Any, storm: Any, now: Any, tick: Any, http_sink: WebServer,
                                                    ana: User) -> None:
    """NTF-40: within one part."""
    app.config.update(TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="t", TWILIO_FROM="+15005550006", TWILIO_API_URL=http_sink.url)
    http_sink.answer = Reply(201, b'{"sid": "SM1"}')
    build.rules(ana, (0, build.contact(ana, "sms", "+4915112345678")))
    storm(7)
    play(now, tick, 60, step=5)
    text = parse_qs(http_sink.calls[-1].body.decode())["Body"][0]
    assert len(http_sink.calls) == 5 and len(text) <= 160 and text.startswith("3 incidents of Checkout: #5 #6 #7")
    assert "/tap/" in text


def test_a_telephone_rings_for_each_so_that_its_keys_act(app: Any, storm: Any, now: Any, tick: Any, http_sink: WebServer,
                                                          ana: User) -> None:
    """NTF-40: a call carries one incident."""
    app.config.update(TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="t", TWILIO_FROM="+15005550006", TWILIO_API_URL=http_sink.url)
    http_sink.answer = Reply(201, b'{"sid": "CA1"}')
    build.rules(ana, (0, build.contact(ana, "voice", "+4915112345678")))
    storm(6)
    with transaction():
        session.query(Message).update({"state": "queued", "bundle": "quiet:1"})
    play(now, tick, 1)
    assert len(http_sink.calls) == 12 and all("Url" in parse_qs(call.body.decode()) for call in http_sink.calls)


def test_what_is_asked_twice_about_one_incident_keeps_its_buttons(now: Any, tick: Any, pigeon: Pigeon) -> None:
    """NTF-40: a page and a request that quiet hours held are one message about that incident, and one post."""
    dora = build.user("dora", reachable=False)
    build.contact(dora, "pigeon", "loft-of-dora")
    incident = page(dora)
    with transaction():
        notifications.ask(session.get_one(Incident, incident.id), [session.get_one(User, dora.id)], reason="", cause="test")
        session.query(Message).update({"bundle": "quiet:1"})
    tick(SEND)
    (said, _), = pigeon.sent
    assert (said.incident, said.actions[0]) == ("1", "acknowledge")
    assert session.query(Surface).count() == 1 and {one.state for one in messages("page", "request")} == {"sent"}


def test_a_bundle_that_did_not_arrive_comes_back_as_one(now: Any, tick: Any, pigeon: Pigeon, loft: Any) -> None:
    """NTF-40."""
    dora = build.user("dora", reachable=False)
    build.contact(dora, "pigeon", "loft-of-dora")
    for _ in range(3):
        page(dora)
    with transaction():
        session.query(Message).update({"bundle": "quiet:1"})
    tick(SEND)
    loft(provider_id="p1", state="failed", reason="The loft was shut", again=60)
    play(now, tick, 70, step=35)
    assert len(pigeon.sent) == 2 and pigeon.sent[1][0].subject == pigeon.sent[0][0].subject


def test_what_quiet_hours_held_is_one_message(storm: Any, now: Any, tick: Any, smtp: MailServer, ana: User) -> None:
    """NTF-07: one bundle at their end."""
    with transaction():
        night = {"days": list(quiet.DAYS), "from": "11:00", "to": "13:00", "time_zone": "UTC"}
        quiet.save(session.get_one(User, ana.id), [night], by=as_actor(ana))
    storm(3, severity="low", urgency="low")
    assert mails(smtp) == []
    play(now, tick, 3600, step=600)
    assert mails(smtp) == ["3 incidents of Checkout: #1 #2 #3"]
