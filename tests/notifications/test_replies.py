"""Answers by any channel: whose they are, what they are about, and that they pass the gate that the web passes."""

import pytest

from app.core.db import session, transaction
from app.core.events import Event
from app.identity.models import Membership
from app.incidents.models import Incident, Note, Responder
from app.notifications.channel_models import HeardReply, ReplyCode
from app.notifications.models import ContactMethod
from app.notifications.queries import methods_of
from tests import build
from tests.notifications.paged import message, messages, page

SEND = "app.notifications.ticks.send"


def incident(number=1):
    session.expire_all()
    return session.get_one(Incident, number)


def acknowledgements():
    return [(fact.actor, fact.data["via"]) for fact in session.query(Event).filter_by(kind="incident.acknowledged")]


@pytest.fixture
def paged(now, tick, pigeon):
    """Ana was paged by pigeon; her code."""
    ana = build.user("ana", reachable=False)
    build.contact(ana, "pigeon", "loft-of-ana")
    page(ana, title="Checkout is down")
    tick(SEND)
    return ana


def code_of(person, number=1):
    return session.query(ReplyCode).filter_by(user_id=person.id, incident_id=number).one().code


@pytest.mark.both_databases
def test_a_reply_is_the_same_command_as_on_the_web(paged, pigeon, loft):
    """NTF-24: one event that names the person and the way; the page said what could be answered."""
    said = pigeon.sent[0][0]
    assert said.actions == ("acknowledge", "resolve", "escalate", "note") and said.code == code_of(paged)
    answer = loft(action="acknowledge", sender="LOFT-of-ana", message=said.id)
    assert (answer.status_code, answer.text) == (200, "#1 acknowledged by Ana.")
    assert acknowledgements() == [(paged.ref, "Pigeon")] and incident().acknowledged_name == "Ana"


def test_without_the_right_signature_nothing_is_even_read(paged, loft):
    """NTF-22: 403, and nothing changes."""
    assert loft(password="wrong", action="acknowledge", sender="loft-of-ana").status_code == 403
    assert incident().status == "triggered" and session.query(HeardReply).count() == 0


def test_the_same_reply_again_gets_the_same_answer_and_acts_once(paged, loft):
    """NTF-22, SRC-26."""
    said = dict(action="note", sender="loft-of-ana", incident="1", text="On my way", id="e-1")
    assert [loft(**said).text for _ in range(2)] == ["Your note is on #1."] * 2
    assert [note.body for note in session.query(Note)] == ["On my way"]


def test_somebody_outside_is_refused_with_a_sentence(paged, loft, pigeon):
    """NTF-25: Charlie's own loft, Ana's incident."""
    build.contact(build.user("charlie", reachable=False), "pigeon", "loft-of-charlie")
    answer = loft(action="acknowledge", sender="loft-of-charlie", incident="1")
    assert answer.text == "Your role does not include this." and incident().status == "triggered"


def test_an_observer_is_refused_even_for_a_page_that_names_them(paged, loft):
    """NTF-25: the gate asks who they are now."""
    with transaction():
        session.query(Membership).update({"role": "observer"})
        session.query(Responder).delete()
    loft(action="resolve", sender="loft-of-ana", incident="1")
    assert incident().status == "triggered"


def test_a_stranger_is_told_how_to_connect_and_after_five_times_nothing(paged, loft):
    """Incoming replies: 5 unknown replies per address and hour get an answer, then silence."""
    said = [loft(action="acknowledge", sender="loft-of-nobody", incident="1").text for _ in range(6)]
    assert said[0].startswith("Nobody here is reached") and len(set(said[:5])) == 1 and said[5] == ""
    assert incident().status == "triggered"


def test_a_code_acts_on_exactly_its_incident(paged, loft, tick):
    """NTF-27: two incidents, one code each; a wrong one lists what is open."""
    second = build.incident(team=incident().team, title="Search is slow")
    with transaction():
        from app.escalation.service import start
        start(session.get_one(Incident, second.id))
    tick(SEND)
    loft(action="acknowledge", sender="loft-of-ana", code=code_of(paged, 2))
    assert (incident(1).status, incident(2).status) == ("triggered", "acknowledged")
    wrong = loft(action="acknowledge", sender="loft-of-ana", code="9999").text
    assert "no incident 9999" in wrong and "Checkout is down" in wrong and "Search is slow" in wrong
    assert incident(1).status == "triggered"


def test_an_address_of_two_people_is_told_apart_by_the_code(paged, loft, tick):
    """NTF-27."""
    bob = build.user("bob", reachable=False)
    build.contact(bob, "pigeon", "loft-of-ana")
    page(bob, title="Search is slow")
    tick(SEND)
    with transaction():
        session.query(ReplyCode).filter_by(user_id=bob.id).update({"code": "4711"})
    loft(action="acknowledge", sender="loft-of-ana", code="4711")
    assert (incident(1).status, incident(2).acknowledged_name) == ("triggered", "Bob")


def test_an_address_of_two_people_is_told_apart_by_the_message(paged, loft, tick):
    """NTF-25: whoever's page it was acts."""
    bob = build.user("bob", reachable=False)
    build.contact(bob, "pigeon", "loft-of-ana")
    page(bob, title="Search is slow")
    tick(SEND)
    assert loft(action="acknowledge", sender="loft-of-ana", message="2").text == "#2 acknowledged by Bob."


def test_a_bare_word_needs_exactly_one_open_incident(paged, loft, tick):
    """NTF-28: with two of them it asks which; with one it acts."""
    page(paged, title="Search is slow")
    tick(SEND)
    assert "Open:" in loft(action="acknowledge", sender="loft-of-ana").text
    assert acknowledgements() == []
    loft(action="resolve", sender="loft-of-ana", code=code_of(paged, 2))
    assert loft(action="acknowledge", sender="loft-of-ana").text == "#1 acknowledged by Ana."


def test_what_was_resolved_meanwhile_says_so(paged, loft, olga):
    """NTF-28, NTF-30: an old code changes nothing."""
    build.contact(olga, "pigeon", "loft-of-olga")
    loft(action="resolve", sender="loft-of-olga", incident="1")
    assert loft(action="acknowledge", sender="loft-of-ana", code=code_of(paged)).text == "Already resolved by Olga."


def test_stop_ends_this_channel_only_and_start_brings_it_back(paged, loft, tick):
    """NTF-28: both are in the log."""
    build.contact(paged)
    loft(action="stop", sender="loft-of-ana")
    session.expire_all()
    assert [method.usable for method in methods_of(paged)] == [False, True]
    loft(action="start", sender="loft-of-ana")
    session.expire_all()
    assert all(method.usable for method in methods_of(paged))
    assert session.query(Event).filter_by(kind="contact_method.opted").count() == 2


def test_who_was_called_answers_whatever_number_the_call_shows(paged, loft):
    """NTF-29: the message names the person; 9 pages the next level."""
    assert loft(action="escalate", message=str(message().id)).text == "#1 goes to the next level now."
    fact, = session.query(Event).filter_by(kind="escalation.escalated")
    assert fact.actor == paged.ref


def test_a_stranger_who_signs_in_makes_the_address_theirs(paged, app, signed_in, bob):
    """SRC-19: the link from the button, confirmed while signed in, is a proven method."""
    from app.notifications.replies import link_for
    from app.plugin_api import Reply

    path = link_for("pigeon", Reply("acknowledge", sender="loft-of-bob", sender_name="Bobby")).removeprefix("http://localhost")
    browser = signed_in(bob)
    assert "Bobby" in browser.get(path).text
    browser.post(path, data={"csrf_token": csrf(browser)})
    method = session.query(ContactMethod).filter_by(channel="pigeon", user_id=bob.id).one()
    assert (method.address, method.usable) == ("loft-of-bob", True)


def csrf(browser):
    with browser.session_transaction() as cookie:
        return cookie["csrf"]


def test_reports_bring_a_message_to_its_end_and_never_back(paged, loft):
    """NTF-23: delivered, then a late failure, which is kept and changes nothing."""
    for state in ("delivered", "failed", "delivered", "sent"):
        loft(provider_id=message().provider_id, state=state, reason="handset is off")
    assert message().state == "delivered"
    assert session.query(Event).filter_by(kind="message.reported_late").count() == 1
    assert loft(provider_id="nobody-knows", state="failed").status_code == 200


def test_a_report_of_failure_starts_the_next_method(now, tick, pigeon, loft, smtp, ana):
    """NTF-19: what the provider took and could not deliver counts as failed."""
    mail, loft_of_ana = methods_of(ana)[0], build.contact(ana, "pigeon", "loft-of-ana")
    build.rules(ana, (0, loft_of_ana), (600, mail))
    page(ana)
    tick(SEND)
    loft(provider_id="p1", state="failed", reason="The number is not in service", refused=True)
    tick(SEND)
    assert [one.state for one in messages("page")] == ["failed", "sent"]
    assert "not in service" in messages("page")[0].error
    assert not session.get_one(ContactMethod, loft_of_ana.id).usable
