"""A person is erased for ever: nothing personal is left but what the log holds, and that is shown without a name."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from app.config.models import Errand
from app.config.service import export
from app.core.access import OPERATOR
from app.core.db import Base, session, transaction
from app.core.erasure import Goes, Told
from app.core.errors import Conflict, Forbidden
from app.core.events import Event
from app.core.former import FormerPerson
from app.core.jobs import function
from app.identity import service
from app.identity.erasing import erase_user
from app.identity.models import ApiToken, Device, Identity, LoginSession, Passkey, User
from app.incidents import notes
from app.incidents import service as incidents
from app.incidents.models import Note
from app.ingest.models import Delivery
from app.notifications.models import ContactMethod, Message
from app.personal import PERSONAL
from tests import build
from tests.identity.directory import directory
from tests.incidents.people import by
from tests.test_architecture import nothing

# Columns that sound personal and are not about people of ours, and why.
OTHERS = {name: why for why, names in {
    "a reference, which says no name": "incidents.opened_by overrides.created_by swaps.created_by swaps.revert_asked_by "
        "cover_requests.created_by deliveries.replayed_by partners.created_by incidents.silenced_by",
    "of senders and outsiders": "deliveries.ip refused_requests.ip partners.email partner_log.email partner_log.ip partner_log.agent "
        "partner_logins.ip partner_logins.agent status_subscribers.address unsent.whom",
    "of a provider, a room or a thing": "messages.account provider_states.account rooms.account rooms.address surfaces.account "
        "escalation_runs.policy_name status_components.group_name",
    "words that somebody typed": "noise_marks.reason shadows.reason windows.reason cover_requests.reason overrides.reason swaps.reason "
        "postmortem_versions.reason status_components.override_reason status_spans.reason heartbeats.mute_reason",
    "words of a vendor, or of the house about a thing": "provider_states.last_error partner_links.error status_pages.export_error "
        "webhooks.off_reason webhook_deliveries.error status_subscribers.reason rooms.error status_messages.error surfaces.error "
        "refused_requests.reason calendar_imports.error partner_log.detail pulses.detail executions.progress executions.error "
        "executions.warnings"}.items() for name in names.split()}
SOUNDS = re.compile(r"(^|_)(by|author|actor|user|person|email|address|agent|ip|sender|whom|profile|account|error|reason|warnings|told|said|"
                    r"progress|detail)$|.+_name$")
MARKS = ("Bob Builder", "bob@example.com", "+4915112345678", "203.0.113.9", "Netscape", "bobs-key")


@pytest.fixture
def bob(app):
    """Bob Builder, who has everything that one may have."""
    bob = build.user("bob builder", email="bob@example.com", user_name="bob@example.com", external_id="ext-bob",
                     profile={"name": {"givenName": "Bob", "familyName": "Builder"}})
    build.rules(bob, (0, build.contact(bob, "sms", "+4915112345678")))
    build.token(bob, name="bobs-key")
    with transaction():
        device = Device(user_id=bob.id, name_hash="n", secret_hash="s", road="password", ip="203.0.113.9", agent="Netscape")
        session.add_all([device, Identity(user_id=bob.id, issuer="https://id.example.com", subject="bobs-key"),
                         Passkey(user_id=bob.id, credential="c", public_key="k", name="bobs-key")])
        session.flush()
        session.add(LoginSession(user_id=bob.id, token_hash="t", ip="203.0.113.9", agent="Netscape", device_id=device.id))
    return bob


def gone(person, by=OPERATOR):
    """Deactivated and erased."""
    with transaction():
        held = session.get_one(User, person.id)
        service.deactivate_user(held, by=by)
        return erase_user(held, by=by)


def dump(but=("events",)):
    """Every row of every table, as text, by table."""
    session.expire_all()
    return {table.name: " ".join(str(row) for row in session.execute(table.select()).all())
            for table in Base.metadata.sorted_tables if table.name not in but}


def test_every_table_that_names_a_person_says_what_becomes_of_it(app):
    """A new table, or a new column that sounds like a person, has to be decided: in app/personal.py or here."""
    decided = set()
    for rule in PERSONAL:
        table = function(rule.model).__table__
        columns = rule.columns if isinstance(rule, Told) else [rule.by, getattr(rule, "name", ""), *getattr(rule, "values", ())]
        decided |= {f"{table.name}.{column}" for column in (table.c.keys() if isinstance(rule, Goes) else columns)}
    of_people = {f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables if table.name not in ("users", "events")
                 for column in table.columns if SOUNDS.search(column.name)
                 or any(key.column.table.name == "users" for key in column.foreign_keys)}
    nothing(f"{name} is not decided" for name in of_people - decided - set(OTHERS))
    nothing(f"{name} is not there" for name in set(OTHERS) - of_people)


@pytest.mark.both_databases
def leave_traces(bob, ana, one):
    """Bob acts in an incident, is sent a message, and stands in those of others and in what an errand says."""
    with transaction():
        bob = session.get_one(User, bob.id)
        incidents.acknowledge(one, by=by(bob))
        notes.add_note(one, "On it", by=by(bob))
        incidents.resolve(one, by=by(bob))
        ways = {(way.user_id, way.channel): way.id for way in session.query(ContactMethod)}
        session.add_all([
            Message(user_id=bob.id, incident_id=one.id, method_id=ways[bob.id, "sms"], channel="sms", address="+4915112345678",
                    reason="Level 1", state="sent"),
            Message(user_id=ana.id, method_id=ways[ana.id, "email"], channel="email", address=ana.email, state="sent",
                    reason="Bob Builder wrote a note"),
            Delivery(integration_id=build.integration("prom").id, body=b"{}", body_hash="h", state="processed",
                     note="Bob Builder silenced it"),
            Errand(key="e", kind="replay", title="Replay", user_id=ana.id, error="Already acknowledged by Bob Builder")])


def test_nothing_is_left_of_an_erased_person_but_the_log(bob, ana, payments):
    """Spec 01, person state: no name, address, number, key, login or browser in any row; messages keep their place."""
    one = build.incident(team=payments)
    leave_traces(bob, ana, one)
    former = gone(bob)
    assert (former.name, former.email, former.state) == ("Former person 1", "former-1@invalid", "deactivated")
    nothing(f"{mark} in {table}" for table, rows in dump().items() for mark in MARKS if mark in rows)
    session.refresh(one)
    assert {one.acknowledged_name, one.resolved_name, session.query(Note).one().author_name} == {"Former person 1"}
    assert session.scalar(select(Delivery.note)) == "Former person 1 silenced it"
    assert sorted(session.scalars(select(Message.reason))) == ["Former person 1 wrote a note", "Level 1"]
    assert not any(session.query(model).count() for model in (ApiToken, Device, Identity, LoginSession, Passkey))


def test_only_admins_erase_and_only_whom_they_deactivated_before(ana, olga, bob):
    with transaction():
        with pytest.raises(Forbidden):
            erase_user(session.get_one(User, bob.id), by=by(ana))
        with pytest.raises(Conflict, match="deactivated first"):
            erase_user(session.get_one(User, bob.id), by=by(olga))
        with pytest.raises(Conflict):  # the last admin can't even be deactivated
            service.deactivate_user(session.get_one(User, olga.id), by=OPERATOR)
    former, again = gone(bob, by(olga)), gone(bob, by(olga))
    assert former.id == again.id and session.query(FormerPerson).count() == 1
    assert session.query(Event).filter_by(kind="user.erased").one().data == {"name": "Former person 1"}
    with transaction(), pytest.raises(Conflict, match="does not come back"):
        service.activate_user(session.get_one(User, bob.id), by=by(olga))


def test_the_page_says_what_goes_and_what_stays_and_asks_for_the_address(signed_in, olga, bob):
    browser, page = signed_in(olga), f"/people/{bob.id}"
    assert "Erase for ever" not in browser.get(page).text
    browser.post(f"{page}/deactivate")
    asked = browser.get(page).text
    for words in ("Erase for ever", "What goes", "What stays", "Published postmortems, word by word", "365"):
        assert words in asked
    refused = browser.post(f"{page}/erase", data={"typed": "bob"})
    assert refused.status_code == 422 and "Type bob@example.com" in refused.text
    assert browser.post(f"{page}/erase", data={"typed": "Bob@example.com "}).location == page
    shown = browser.get(page).text
    assert "Former person 1" in shown and "invalid" not in shown and "Erase for ever" not in shown and "Activate" not in shown
    assert browser.post(f"{page}/erase", data={"typed": ""}).status_code == 303  # who comes second is told the same


def test_former_people_are_in_no_list_but_their_own(app, signed_in, client, token, olga, payments, bob):
    okta = directory(app)
    gone(bob)
    browser = signed_in(olga)
    pages = ("/people", "/people?state=deactivated", "/people?q=Former", "/teams/payments", "/reachability", "/incidents/new")
    nothing(f"{path} shows them" for path in pages if "Former person" in browser.get(path).text)
    assert "Former person 1" in browser.get("/people?state=former").text
    assert okta.call("GET", f"/Users/{bob.id}").status_code == 404
    assert "former-1" not in str(okta.get("/Users", count="200")) and "former-1" not in str(export(OPERATOR))
    taken = client.post("/api/v1/users", json={"email": "former-2@invalid", "name": "Mallory"}, headers=token(olga))
    assert taken.status_code == 422 and okta.person("bob").status_code == 201  # the old address is free again


def test_machines_erase_with_the_scope_admin_alone(client, token, olga, ana, bob):
    path, header = "/api/v1/users/bob@example.com/erase", token(olga, scopes=["admin"])
    refused = [client.post(path, headers=token(*who)).status_code for who in [(ana,)]]
    refused += [client.post(path, headers=token(olga, scopes=["config:write", "scim"])).status_code]
    assert refused == [403, 403] and client.post(path, headers=header).status_code == 409
    client.delete("/api/v1/users/bob@example.com", headers=header)
    said = {"id": str(bob.id), "name": "Former person 1", "email": "former-1@invalid"}
    for known in ("bob@example.com", str(bob.id), "former-1@invalid"):
        assert client.post(f"/api/v1/users/{known}/erase", headers=header).json == said
    assert client.post(path, headers=header).status_code == 404


@pytest.mark.both_databases
def test_many_at_once_are_erased_once_each_and_numbered_without_a_gap(app, olga):
    """Each of twelve people by two at the same moment."""
    people = [build.user(f"leaver {at}", state="deactivated").id for at in range(12)]
    start = Barrier(24)
    session.rollback()

    def act(key):
        with app.app_context():
            start.wait(30)
            try:
                with transaction():
                    return erase_user(session.get_one(User, key), by=OPERATOR).name
            finally:
                session.remove()
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(act, people * 2))
    session.expire_all()
    assert sorted(session.scalars(select(FormerPerson.id))) == list(range(1, 13))
    assert session.query(Event).filter_by(kind="user.erased").count() == 12
    assert {one.name for one in session.query(User).filter(User.erased_at.is_not(None))} == {f"Former person {at}" for at in range(1, 13)}
