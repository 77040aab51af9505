"""The log is not rewritten when somebody is erased; whoever reads it reads no name."""

from __future__ import annotations

import pytest

from app.core import chain, former
from app.core.access import OPERATOR, SYSTEM, Actor
from app.core.db import session, transaction
from app.core.events import Event, Kind, record, sentence
from app.core.remembered import SECONDS
from app.identity import service
from app.identity.erasing import erase_user
from app.identity.models import User
from app.incidents import service as incidents
from app.incidents.queries import timeline
from app.webhooks.queries import body_of
from app.workflows.context import event_values
from tests import build
from tests.identity.test_erasing import gone

HIS = "203.0.113.9"
SAID = Kind("story.spoken", "{actor} spoke of {what}: {more}", ("what", "more", "before", "after"))


@pytest.fixture
def bob(app):
    return build.user("bob builder", email="bob@example.com")


def say(what, *, by=SYSTEM, subject="log", **more):
    with transaction():
        said = record(SAID, subject, by=by, what=what, **more)
    return said.id


def read(number):
    session.expire_all()
    return session.get_one(Event, number)


def acting(person):
    """At their screen; Bob at an address of his own."""
    return Actor(person.ref, person.name, "web", person.id, ip=HIS if "Bob" in person.name else "192.0.2.7", agent="Netscape")


@pytest.mark.both_databases
def test_rows_stay_and_every_reader_says_former_person(app, tick, bob, ana, signed_in, olga, payments):
    """IDN-40: the chain is whole; pages, CSV, JSON, API, a draft and what leaves later show no name and no address of theirs."""
    one = build.incident(team=payments)
    with transaction():
        incidents.acknowledge(one, by=acting(bob))
        incidents.assign(one, [session.get_one(User, bob.id)], by=acting(ana))
        service.save_user({"email": bob.email, "time_zone": "Europe/Berlin"}, by=OPERATOR)
    build.postmortem(one)
    tick("app.core.chain.seal")
    log = Event.__table__.select().order_by(Event.id)
    raw = session.execute(log).all()
    gone(bob)
    tick("app.core.chain.seal")
    assert chain.verify().breaks == [] and session.execute(log).all()[:len(raw)] == raw
    browser = signed_in(olga)
    shown = {path: browser.get(path).text for path in (
        "/audit", "/audit.csv", "/audit.json", "/api/v1/events", "/incidents/1", "/api/v1/incidents/1/timeline", "/postmortems/1")}
    shown |= {event.kind: f"{body_of(event)} {event_values(event)}" for event in timeline(one)}
    assert not [(where, word) for where, text in shown.items() for word in ("Bob", "bob@", HIS) if word in text]
    assert [where for where, text in shown.items() if "Former person 1" not in text] == []


def test_what_they_were_called_is_translated_in_what_others_did(bob, ana):
    """As a whole value, within a sentence of the house, in lists and objects; up to the moment of the erasure."""
    before = say("Bob Builder", by=acting(ana), more="Bob Builder’s shift, bob@example.com; not Bob Builders",
                 before=["Bob Builder", "Ana"], after={"members": [{"user": "bob@example.com"}]})
    gone(bob)
    later = say("Bob Builder", by=acting(ana), more="")
    fact = read(before)
    assert sentence(fact) == ("Ana spoke of Former person 1: Former person 1’s shift, former-1@invalid; not Bob Builders")
    assert fact.data["before"] == ["Former person 1", "Ana"] and fact.ip == "192.0.2.7"
    assert fact.data["after"] == {"members": [{"user": "former-1@invalid"}]}
    assert fact.kept_data["what"] == read(later).data["what"] == "Bob Builder"


def test_names_of_one_word_and_names_of_others_are_left_within_texts(ana):
    """Somebody called Will makes no “Former person 1 be resolved”; a name that two bore says nobody's."""
    will, twin, other = build.user("will"), build.user("sam smith", email="sam@example.com"), build.user("sam smith", email="s@x.org")
    number = say("Will", more="Will be resolved by Sam Smith")
    gone(will), gone(twin)
    assert read(number).data == {"what": "Former person 1", "more": "Will be resolved by Sam Smith"}
    assert session.get_one(User, other.id).name == "Sam Smith"


def test_names_that_they_had_before_are_translated_too(bob, ana):
    """Also the account as it was: what a fact about them says of before and after is not shown at all."""
    with transaction():
        service.save_user({"email": bob.email, "name": "Robert Builder"}, by=OPERATOR)
    number = session.query(Event).filter_by(kind="user.changed").one().id
    spoken = say("Bob Builder", more="Robert Builder")
    gone(bob)
    assert read(spoken).data == {"what": "Former person 1", "more": "Former person 1"}
    assert read(number).data == {"name": "Former person 1"} and read(number).kept_data["after"]["name"] == "Robert Builder"


def test_another_process_knows_within_a_second_and_asks_no_oftener(app, bob):
    other = former.remembered(app)
    assert other().names == {}
    gone(bob)
    other.until -= SECONDS
    assert other().names == {bob.ref: "Former person 1"} and other() is other()


def test_whoever_erases_knows_it_from_the_commit_on(app, bob):
    """Also where somebody asked between the erasing and its commit, and saw nothing of it yet."""
    with transaction():
        held = session.get_one(User, bob.id)
        service.deactivate_user(held, by=OPERATOR)
        erase_user(held, by=OPERATOR)
        app.extensions["former"].forget()
        assert former.known().names == {}
    assert former.known().names == {bob.ref: "Former person 1"}


def test_who_can_open_no_seal_still_shows_no_name_of_who_acted(app, bob, monkeypatch):
    number = say("Bob Builder", by=acting(bob), more="")
    gone(bob)
    with transaction():
        session.query(former.FormerPerson).one().sealed = "ffffffff.AAAA"
    app.extensions["former"].forget()
    assert read(number).actor_name == "Former person 1"
