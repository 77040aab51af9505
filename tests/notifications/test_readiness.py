"""Who can't be reached: the report, the alarm when it matters, and the copy that goes out on the off-chance."""

import pytest

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.notifications import accounts
from app.notifications.models import Message
from app.oncall.archive import archive_schedule
from app.oncall.queries import schedule_by_key
from app.plugin_api import NoAccess
from tests import build
from tests.notifications.paged import as_actor, messages, page

SEND = "app.notifications.ticks.send"


@pytest.fixture
def crew(now, app, olga):
    """Ana manages Payments; Bob has nothing proven, Dora a dead number, Eve two proven ways and duty."""
    people = {name: build.user(name, reachable=name in ("ana", "eve")) for name in ("ana", "bob", "dora", "eve")}
    build.contact(people["bob"], proven_at=None)
    build.contact(people["dora"], "sms", "+4915112345678", disabled_at=clock.now(), disabled_reason="not in service")
    build.contact(people["eve"], address="eve@home.example.com", name="home")
    team = build.team("payments", manager=people["ana"], responders=[people[name] for name in ("bob", "dora", "eve")])
    build.schedule("primary", team=team, turns=[[people["eve"]], [people["ana"]]])
    return people


def report(signed_in, token, person):
    return {one["user"]["name"]: one for one in signed_in(person).get("/api/v1/reachability", headers=token(person)).json}


def test_the_report_names_each_trouble_in_words(crew, signed_in, token):
    """NTF-44: unproven, switched off, and one single way for somebody on duty."""
    found = report(signed_in, token, crew["ana"])
    assert {name: one["problems"] for name, one in found.items()} == {
        "Ana": ["On duty within two weeks, and only one way to reach them works"], "Bob": ["No contact method is proven"],
        "Dora": ["No contact method is proven", "sms is switched off"], "Eve": []}
    assert list(found)[0] == "Ana" and found["Eve"]["on_duty"]


def test_who_stands_in_an_archived_schedule_alone_is_on_duty_no_more(crew, signed_in, token, olga):
    """SCH-26: and nobody is alarmed about them."""
    assert report(signed_in, token, crew["ana"])["Eve"]["on_duty"]
    with transaction():
        archive_schedule(schedule_by_key("primary"), by=as_actor(olga))
    found = report(signed_in, token, crew["ana"])
    assert not found["Eve"]["on_duty"] and found["Ana"]["problems"] == []


def test_two_failures_in_a_row_turn_it_red_and_the_next_success_clears_it(crew, signed_in, token):
    """NTF-44."""
    method = session.query(build.ContactMethod).filter_by(user_id=crew["eve"].id, name="home").one()

    def sent(state):
        with transaction():
            session.add(Message(kind="test", user_id=method.user_id, method_id=method.id, channel="email",
                                address=method.address, state=state, sent_at=clock.now()))
    sent("failed")
    sent("failed")
    assert "The last two messages by home failed" in report(signed_in, token, crew["ana"])["Eve"]["problems"]
    sent("delivered")
    assert report(signed_in, token, crew["ana"])["Eve"]["problems"] == []


def test_a_manager_sees_their_teams_and_an_admin_everybody(crew, signed_in, token, olga):
    outsider = build.user("charlie")
    build.team("others", manager=outsider)
    assert set(report(signed_in, token, outsider)) == {"Charlie"}
    assert {"Ana", "Bob", "Charlie", "Olga"} <= set(report(signed_in, token, olga))


def test_the_page_shows_it_and_can_be_taken_along(crew, signed_in):
    browser = signed_in(crew["ana"])
    shown = browser.get("/reachability?only=trouble").text
    assert "No contact method is proven" in shown and "Eve" not in shown.split("<tbody")[1]
    assert "dora@example.com,Payments,no,sms (disabled)" in browser.get("/reachability.csv").text


def test_nobody_is_lost_in_silence(crew, now, tick, run_jobs, smtp):
    """NTF-05: named in the timeline; managers and admins are told once an hour; a copy goes to the account's address."""
    for _ in range(2):
        page(crew["eve"], crew["bob"])
    build.policy("bobs", (60, [crew["bob"]], ), (60, [crew["eve"]]), team=build.team("late", manager=crew["ana"]))
    incident = build.incident(team=session.query(build.Team).filter_by(key="late").one(), title="Checkout is down")
    with transaction():
        from app.escalation.service import start
        start(session.get_one(type(incident), incident.id))
    run_jobs()
    tick(SEND)
    fact, = session.query(Event).filter_by(kind="message.unreachable", subject=incident.ref)
    assert (fact.data["user"], fact.data["error"]) == ("Bob", "no contact method is proven")
    assert "This copy goes to the address of your account" in smtp.to("bob@example.com")[0].text
    told = [mail.subject for name in ("ana", "olga") for mail in smtp.to(f"{name}@example.com") if "can't be reached" in mail.subject]
    assert told == ["Bob can't be reached"] * 2
    assert [one.user.name for one in messages("page") if one.incident_id == incident.id] == ["Eve", "Eve"]


def test_admins_are_told_when_a_provider_does_not_let_us_in(crew, tick, run_jobs, smtp, pigeon):
    """NTF-20."""
    with transaction():
        accounts.note(accounts.all_routes("pigeon")[0], NoAccess("The key is wrong"))
    run_jobs()
    tick(SEND)
    assert [mail.subject for mail in smtp.to("olga@example.com")] == ["Pigeon is left out"]
    assert smtp.to("ana@example.com") == []


def test_notices_come_once_a_minute_and_the_newest_wins(now, tick, run_jobs, smtp, ana, bob, payments):
    """NTF-42: acknowledged, given back and acknowledged again within a minute is one more notice, a minute later."""
    from app.incidents import service
    from app.incidents.models import Incident
    from tests.notifications.paged import as_actor, play
    incident = page(bob)
    tick(SEND)

    def does(command):
        with transaction():
            command(session.get_one(Incident, incident.id), by=as_actor(ana))
        run_jobs()
        tick(SEND)
    with transaction():
        service.involve(session.get_one(Incident, incident.id), [ana.id])
    does(service.acknowledge)
    does(service.resolve)
    assert [mail.subject.split(":")[0] for mail in smtp.to("bob@example.com")[1:]] == ["Acknowledged"]
    play(now, tick, 61, step=61)
    assert [mail.subject.split(":")[0] for mail in smtp.to("bob@example.com")[1:]] == ["Acknowledged", "Resolved"]
