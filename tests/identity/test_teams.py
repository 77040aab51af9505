"""Teams: documents, members, managers, and two editors at once."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import Event
from app.identity import queries, service
from app.identity.models import Team, User
from app.identity.rules import version_of
from tests import build
from tests.racing import at_once


def acting(person: User) -> Actor:
    return Actor(person.ref, person.name, user_id=person.id)


def save(by: Actor, seen: str = "", **values: object) -> Team:
    with transaction():
        return service.save_team(values, by=by, seen=seen)


def member(team: Team, user: User, role: str | None, by: Actor, **more: bool) -> Team:
    with transaction():
        return service.set_member(session.get_one(Team, team.id), session.get_one(User, user.id), role, by=by, **more)


def test_a_team_is_what_its_document_says_and_stays_so(ana: User, bob: User) -> None:
    document = {"key": "payments", "name": "Payments", "description": "", "tags": ["checkout"], "private": False,
                "note_required": False,
                "members": [{"user": "ana@example.com", "role": "manager"}, {"user": "bob@example.com", "role": "responder"}]}
    team = save(OPERATOR, **document)
    assert queries.team_document(team) == document
    save(OPERATOR, **document)
    assert list(session.scalars(select(Event.kind))) == ["team.created"]


def test_naming_only_the_tags_keeps_the_members(payments: Team, ana: User) -> None:
    save(acting(ana), key="payments", tags=["ledger"])
    document = queries.team_document(session.get_one(Team, payments.id))
    assert document["tags"] == ["ledger"] and len(document["members"]) == 2


def test_faults_of_members_are_told_by_their_place(ana: User) -> None:
    with pytest.raises(Invalid) as refused:
        save(OPERATOR, key="payments", name="Payments", members=[
            {"user": "ana@example.com"}, {"user": "nobody@example.com"}, {"user": "ana@example.com", "role": "king"},
            {"user": "ANA@example.com"}, "bob"])
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["members[1].user", "members[2].role", "members[2].user", "members[3].user", "members[4].user"]


def test_two_teams_never_share_a_name_whatever_its_letters(payments: Team) -> None:
    with pytest.raises(Invalid, match="already a team with this name"):
        save(OPERATOR, key="other", name="PAYMENTS")


def test_a_responder_changes_nothing_and_an_admin_creates(bob: User, olga: User, payments: Team) -> None:
    """IDN-27"""
    with pytest.raises(Forbidden):
        save(acting(bob), key="payments", name="Mine")
    with pytest.raises(Forbidden):
        save(acting(bob), key="new-one", name="New one")
    assert save(acting(olga), key="new-one", name="New one").name == "New one"


@pytest.mark.both_databases
def test_the_second_of_two_editors_is_told(payments: Team, ana: User, olga: User) -> None:
    """IDN-29"""
    seen = version_of(queries.team_document(payments))
    save(acting(ana), seen, key="payments", description="By Ana")
    with pytest.raises(Conflict, match="Somebody else") as refused:
        save(acting(olga), seen, key="payments", description="By Olga", tags=["half"])
    assert refused.value.state["description"] == "By Ana"
    assert queries.team_document(session.get_one(Team, payments.id))["tags"] == []


@pytest.mark.race
@pytest.mark.both_databases
def test_of_two_who_save_at_one_moment_one_is_told_and_nothing_is_mixed(app: Flask, payments: Team, ana: User, olga: User) -> None:
    """IDN-29: each field is that of the one who was first."""
    seen = version_of(queries.team_document(payments))
    faults = at_once(app, *[partial(save, by, seen, key="payments", description=by.name, tags=[by.name.lower()])
                            for by in (acting(ana), acting(olga))])
    found = queries.team_document(session.scalars(select(Team)).one())
    assert [type(fault) for fault in faults] == [Conflict]
    assert (found["description"], found["tags"]) in (("Ana", ["ana"]), ("Olga", ["olga"]))


def test_adding_somebody_twice_is_a_conflict(payments: Team, ana: User, bob: User, charlie: User) -> None:
    """IDN-27"""
    member(payments, charlie, "observer", acting(ana), new=True)
    with pytest.raises(Conflict, match="already"):
        member(payments, charlie, "responder", acting(ana), new=True)


def test_people_leave_by_themselves_but_remove_no_other(payments: Team, ana: User, bob: User) -> None:
    """IDN-27"""
    with pytest.raises(Forbidden):
        member(payments, ana, None, acting(bob))
    team = member(payments, bob, None, acting(bob))
    assert [found.user_id for found in team.memberships] == [ana.id]


def test_taking_the_last_manager_away_asks_and_names_who_administers_then(payments: Team, ana: User, olga: User) -> None:
    """IDN-26"""
    with pytest.raises(Conflict, match="Ana is the last manager of Payments.*Olga"):
        member(payments, ana, "observer", acting(ana))
    member(payments, ana, "observer", acting(ana), without_manager=True)
    assert queries.role_in(session.get_one(User, ana.id), payments.id) == "observer"


def test_an_archived_team_keeps_its_people_and_can_come_back(payments: Team, olga: User) -> None:
    """IDN-28"""
    with transaction():
        service.archive_team(session.get_one(Team, payments.id), by=acting(olga))
    assert session.get_one(Team, payments.id).archived_at is not None
    with transaction():
        restored = service.restore_team(session.get_one(Team, payments.id), by=acting(olga))
    assert restored.archived_at is None and len(restored.memberships) == 2


def test_a_team_made_private_hides_from_outsiders(payments: Team, charlie: User) -> None:
    save(OPERATOR, key="payments", private=True)
    assert queries.visible_teams(acting(charlie)) == set()
    assert build.user("dora").memberships == []
