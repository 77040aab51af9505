"""The one-tap link: whoever holds it sees one incident and can do one thing, once, for 15 minutes."""

import re

import pytest

from app.core.access import Actor
from app.core.db import session, transaction
from app.core.events import Event
from app.core.secrets import digest
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.contacts import remove_method
from app.notifications.models import OneTapLink
from app.notifications.queries import methods_of
from tests.notifications.paged import as_actor, message, page

SEND = "app.notifications.ticks.send"
JSON = {"Accept": "application/json"}


@pytest.fixture
def tapped(now, tick, smtp, ana):
    """Ana was paged by mail; the address of her link, as it stands in the mail."""
    page(ana, title="Checkout is down", severity="critical")
    tick(SEND)
    return re.search(r"http://localhost(/tap/\S+)", smtp.to("ana@example.com")[0].text)[1]


def incident():
    session.expire_all()
    return session.get_one(Incident, 1)


def test_looking_changes_nothing(client, tapped):
    """NTF-26: GET, HEAD and prefetch of a mail scanner: all of it shown, nothing done."""
    for _ in range(2):
        shown, head = client.get(tapped), client.head(tapped, headers={"Purpose": "prefetch"})
        assert (shown.status_code, head.status_code) == (200, 200)
    assert "Checkout is down" in shown.text and "Critical" in shown.text and shown.text.count("<form") == 1
    assert incident().status == "triggered" and session.query(OneTapLink).one().used_at is None


def test_only_the_digest_is_stored_and_the_link_names_its_person(tapped, ana):
    token = tapped.rpartition("/")[2]
    link = session.query(OneTapLink).one()
    assert (link.token_hash, link.user_id, link.incident_id) == (digest(token), ana.id, 1) and len(token) >= 43


@pytest.mark.both_databases
def test_a_press_acts_as_the_person_it_was_sent_to(client, tapped, ana):
    """NTF-24, NTF-26: one event with name and way, without login or form token."""
    answer = client.post(tapped, data={"action": "acknowledge"})
    assert answer.status_code == 200 and "Acknowledged by Ana." in answer.text
    fact, = session.query(Event).filter_by(kind="incident.acknowledged")
    assert (fact.actor, fact.data["via"], fact.ip) == (ana.ref, "e-mail link", "127.0.0.1")
    assert incident().acknowledged_name == "Ana"


def test_somebody_elses_login_does_not_change_who_acts(signed_in, tapped, bob):
    """NTF-26: Ana's link pressed in Bob's browser is Ana's answer."""
    assert signed_in(bob).post(tapped).status_code == 200
    assert incident().acknowledged_name == "Ana"


def test_a_second_press_is_gone_with_a_link_to_sign_in(client, tapped):
    """NTF-26."""
    client.post(tapped)
    for again in (client.post(tapped), client.get(tapped)):
        assert again.status_code == 410 and "used already" in again.text
        assert "/login?next=/incidents/1" in again.text.replace("%2F", "/")
    assert session.query(Event).filter_by(kind="incident.acknowledged").count() == 1


def test_after_fifteen_minutes_it_is_gone(client, tapped, now):
    """NTF-26."""
    now.shift(899)
    assert client.get(tapped).status_code == 200
    now.shift(2)
    assert client.post(tapped).status_code == 410
    assert incident().status == "triggered"


def test_after_the_address_was_removed_it_is_gone(client, tapped, ana):
    """NTF-26."""
    with transaction():
        remove_method(methods_of(ana)[0], by=as_actor(ana))
    assert client.post(tapped).status_code == 410 and incident().status == "triggered"


def test_after_the_person_left_it_is_gone(client, tapped, ana):
    with transaction():
        ana.state = "deactivated"
        session.add(ana)
    assert client.post(tapped).status_code == 410 and incident().status == "triggered"


@pytest.mark.parametrize("how", [{"path": "/resolve"}, {"action": "resolve"}])
def test_an_acknowledge_link_can_not_resolve(client, tapped, how):
    """NTF-26: 403, and the link is not used up."""
    answer = client.post(tapped + how.get("path", ""), data={"action": how.get("action", "")} if "action" in how else {})
    assert answer.status_code == 403 and incident().status == "triggered"
    assert client.post(tapped).status_code == 200


def acknowledged_by(person):
    with transaction():
        incidents.acknowledge(session.get_one(Incident, 1), by=Actor(person.ref, person.name, "web", person.id))


def test_it_says_who_was_faster(client, tapped, olga):
    """NTF-26: not an error: somebody has it."""
    acknowledged_by(olga)
    assert "Acknowledged by Olga" in client.get(tapped).text and "<form" not in client.get(tapped).text
    answer = client.post(tapped)
    assert answer.status_code == 200 and "Already acknowledged by Olga." in answer.text


def test_the_service_worker_gets_words_it_can_show(client, tapped, olga):
    """NTF-34: JSON for fetch; 410 with the reason afterwards."""
    first, again = client.post(tapped, headers=JSON), client.post(tapped, headers=JSON)
    assert first.json == {"status": "acknowledged", "text": "Acknowledged by Ana."}
    assert again.status_code == 410 and again.json["status"] == "gone"


def test_an_unknown_link_is_gone_like_an_old_one(app, client):
    assert client.get("/tap/there-is-no-such-link").status_code == 410
    assert client.post("/tap/there-is-no-such-link").status_code == 410


def test_the_page_needs_no_script_and_names_no_other_site(client, tapped):
    """NTF-31: the button is a plain form; nothing tells the page's address to others."""
    answer = client.get(tapped)
    assert 'method="post"' in answer.text and answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store" and message().state == "sent"
