"""The gate that every command asks, and what people may know of."""

from __future__ import annotations

import pytest

from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.errors import Forbidden, NotFound
from app.identity import queries, service
from app.identity.models import Team, User
from tests import build


def acting(person: User, scopes: frozenset[str] | None = None) -> Actor:
    return Actor(person.ref, person.name, user_id=person.id, scopes=scopes)


def test_a_manager_edits_her_own_team_and_no_other(ana: User, payments: Team) -> None:
    """IDN-27"""
    other = build.team("search")
    queries.allow(acting(ana), "team.edit", team_id=payments.id)
    with pytest.raises(Forbidden):
        queries.allow(acting(ana), "team.edit", team_id=other.id)


def test_a_private_team_is_unknown_to_outsiders(charlie: User, ana: User, olga: User) -> None:
    """IDN-24"""
    secret, open_one = build.team("secret", manager=ana, private=True), build.team("open")
    with pytest.raises(NotFound):
        queries.allow(acting(charlie), "incident.act", team_id=secret.id)
    assert queries.visible_teams(acting(charlie)) == {open_one.id}
    assert queries.visible_teams(acting(ana)) is None
    assert queries.visible_teams(acting(olga)) is None


def test_where_no_team_is_hidden_everybody_sees_all(charlie: User, payments: Team) -> None:
    assert queries.visible_teams(acting(charlie)) is None


def test_a_change_of_role_counts_at_once(ana: User, bob: User, payments: Team) -> None:
    """IDN-25"""
    with transaction():
        service.set_member(payments, bob, "observer", by=acting(ana))
    assert not queries.may(acting(bob), "incident.act", team_id=payments.id)


def test_who_is_deactivated_may_nothing_by_any_road(ana: User, payments: Team) -> None:
    """IDN-09"""
    with transaction():
        session.get_one(User, ana.id).state = "deactivated"
    assert not queries.may(acting(ana), "incident.read")
    assert not queries.may(acting(ana), "incident.act", team_id=payments.id, involved=True)
    assert queries.visible_teams(acting(ana)) == set()


def test_a_token_never_has_more_rights_than_its_owner(bob: User, payments: Team) -> None:
    everything = frozenset({"config:write"})
    assert not queries.may(acting(bob, everything), "schedule.edit", team_id=payments.id)
    assert not queries.may(acting(bob, everything), "incident.act", team_id=payments.id)


def test_machines_that_were_let_in_may_and_strangers_may_not(payments: Team) -> None:
    assert queries.may(OPERATOR, "admin")
    assert queries.may(Actor("integration:3", "integration grafana"), "incident.create", team_id=payments.id)
    assert not queries.may(Actor("anonymous", "Somebody"), "incident.read")
    assert queries.visible_teams(Actor("anonymous", "Somebody")) == set()


def test_viewers_with_equal_rights_share_a_render(ana: User, bob: User, charlie: User, payments: Team) -> None:
    dora = build.user("dora")
    assert queries.rights(charlie) == queries.rights(dora)
    assert queries.rights(ana) != queries.rights(bob)
