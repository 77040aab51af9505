"""Adding, changing and deactivating people, and keeping an admin."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import Event
from app.identity import queries, service
from app.identity.models import User
from tests import build
from tests.racing import at_once


def acting(person: User) -> Actor:
    return Actor(person.ref, person.name, user_id=person.id)


def save(by: Actor, **values: object) -> User:
    with transaction():
        return service.save_user(values, by=by)


def events() -> list[str]:
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


def test_the_same_document_twice_changes_nothing_the_second_time(app: object) -> None:
    document = {"email": "Dora@Example.com", "name": "Dora", "role": "member", "time_zone": "Europe/Berlin",
                "password": "correct horse battery"}
    dora = save(OPERATOR, **document)
    assert save(OPERATOR, **document) is dora
    assert queries.user_document(dora) == {"email": "dora@example.com", "name": "Dora", "role": "member",
                                           "time_zone": "Europe/Berlin"}
    assert events() == ["user.created"]


def test_a_partial_document_changes_only_what_it_names(ana: User) -> None:
    """IDN-30: audited with before and after."""
    save(OPERATOR, email=ana.email, time_zone="Asia/Tokyo")
    event = session.scalars(select(Event)).one()
    assert (event.data["before"]["time_zone"], event.data["after"]["time_zone"]) == ("UTC", "Asia/Tokyo")
    assert event.data["before"]["name"] == event.data["after"]["name"] == "Ana"


def test_every_fault_of_a_document_is_told(app: object) -> None:
    with pytest.raises(Invalid) as refused:
        save(OPERATOR, email="nobody", role="king", time_zone="Mars", password="short")
    assert [problem.field for problem in refused.value.problems] == ["email", "name", "role", "time_zone", "password"]


def test_no_secret_stands_in_the_log(app: object) -> None:
    save(OPERATOR, email="dora@example.com", name="Dora", password="correct horse battery")
    save(OPERATOR, email="dora@example.com", password="another horse battery")
    rows = session.scalars(select(Event)).all()
    assert [row.kind for row in rows] == ["user.created", "user.password_changed"]
    assert not any("horse" in str(row.data) or "argon2" in str(row.data) for row in rows)


def test_nobody_raises_their_own_role_or_edits_another(ana: User, bob: User) -> None:
    """IDN-27"""
    assert save(acting(ana), email=ana.email, name="Ana Maria").name == "Ana Maria"
    with pytest.raises(Forbidden):
        save(acting(ana), email=ana.email, role="admin")
    with pytest.raises(Forbidden):
        save(acting(ana), email=bob.email, name="Robert")
    with pytest.raises(Forbidden):
        save(acting(ana), email="new@example.com", name="New")


def test_an_admin_sets_no_password_for_others(olga: User, bob: User) -> None:
    with pytest.raises(Forbidden, match="sign-in link"):
        save(acting(olga), email=bob.email, password="known to the admin")


@pytest.mark.both_databases
def test_the_last_admin_stays(olga: User) -> None:
    """IDN-26"""
    second = build.user("second", role="admin")
    save(acting(olga), email=second.email, role="member")
    with pytest.raises(Conflict, match="last platform admin"):
        save(acting(olga), email=olga.email, role="member")
    with pytest.raises(Conflict), transaction():
        service.deactivate_user(session.get_one(User, olga.id), by=OPERATOR)
    assert session.get_one(User, olga.id).role == "admin"


@pytest.mark.race
@pytest.mark.both_databases
def test_of_two_admins_who_demote_each_other_at_once_one_stays(app: Flask, olga: User) -> None:
    """IDN-26"""
    second = build.user("second", role="admin")
    faults = at_once(app, *[partial(save, acting(one), email=other.email, role="member") for one, other in ((olga, second), (second, olga))])
    assert [type(fault) in (Conflict, Forbidden) for fault in faults] == [True]
    assert session.query(User).filter_by(role="admin").count() == 1


def test_a_deactivated_person_loses_cookie_token_and_link_at_once(
    signed_in: Callable[[User], FlaskClient], token: Callable[..., dict[str, str]], client: FlaskClient, bob: User, olga: User,
) -> None:
    """IDN-09"""
    browser, header = signed_in(bob), token(bob)
    assert client.get("/api/v1/me", headers=header).status_code == 200
    assert signed_in(olga).post(f"/people/{bob.id}/deactivate").status_code == 303
    assert browser.get("/me").status_code == 303
    assert client.get("/api/v1/me", headers=header).status_code == 401
    signed_in(olga).post(f"/people/{bob.id}/activate")
    assert browser.get("/me").status_code == 303
    assert client.get("/api/v1/me", headers=header).status_code == 401
