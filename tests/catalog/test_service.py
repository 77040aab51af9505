"""Services are created, changed and archived, and never depend on each other in a circle."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.catalog import queries, rules
from app.catalog.dependencies import set_dependencies
from app.catalog.models import Service, ServiceDependency
from app.catalog.service import answer_offer, archive_service, hand_over, remove_service, save_service
from app.core import clock
from app.core.access import OPERATOR, Actor
from app.core.db import session, transaction
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.events import Event, sentence
from app.identity.models import Team, User
from tests import build


def acting(person: User) -> Actor:
    return Actor(person.ref, person.name, user_id=person.id)


def save(by: Actor = OPERATOR, **values: Any) -> Service:
    with transaction():
        return save_service(values, by=by)


def said() -> list[str]:
    return [sentence(event) for event in session.scalars(select(Event).where(Event.kind.like("service.%")))]


def test_a_manager_adds_a_service_and_one_fact_tells_it(ana: User, payments: Team) -> None:
    made = save(acting(ana), key="checkout", name="Checkout", team="payments", tags=["tier1"])
    assert queries.service_document(made) == {
        "key": "checkout", "name": "Checkout", "description": "", "team": "payments", "tags": ["tier1"],
        "lifecycle": "active", "depends_on": [], "noise": {}, "links": [], "attributes": {}}
    assert said() == ["Ana added the service Checkout"]


def test_a_responder_and_an_outsider_may_not(bob: User, charlie: User, payments: Team) -> None:
    for person in (bob, charlie):
        with pytest.raises(Forbidden):
            save(acting(person), key="checkout", name="Checkout", team="payments")
    assert said() == []


def test_a_manager_cannot_give_a_service_to_a_team_that_is_not_theirs(ana: User, payments: Team) -> None:
    build.service("checkout", team=payments)
    build.team("shop")
    with pytest.raises(Forbidden):
        save(acting(ana), key="checkout", team="shop")


def test_a_partial_change_keeps_the_rest_and_the_same_again_says_nothing(payments: Team) -> None:
    build.service("checkout", team=payments, tags=["tier1"])
    save(key="CHECKOUT", description="Takes money")
    save(key="checkout", description="Takes money", tags=["tier1"], team="payments", depends_on=[])
    assert said() == ["Operator changed description of Checkout"]
    assert queries.service_document(queries.service_by_key("checkout"))["tags"] == ["tier1"]


def test_everything_that_is_wrong_is_told_at_once(payments: Team) -> None:
    with pytest.raises(Invalid) as refused:
        save(key="no spaces", name="x", team="nobody", lifecycle="gone", tags=["y" * 51])
    assert {problem.field for problem in refused.value.problems} == {"key", "name", "team", "lifecycle", "tags"}
    assert rules.KEY_RULE in refused.value.detail


def test_a_dependency_on_itself_on_a_stranger_or_in_a_circle_is_refused_by_its_place(payments: Team) -> None:
    for key in ("a", "b", "c"):
        build.service(key, team=payments)
    with transaction():
        set_dependencies({"a": ["b"], "b": ["c"]}, by=OPERATOR)
    for wanted, where, why in ((["a"], "[0]", "c → a → b → c"), (["c"], "[0]", "c → c"), (["x"], "[0]", "no service")):
        with pytest.raises(Invalid) as refused:
            save(key="c", depends_on=wanted)
        assert refused.value.problems[0].field == f"depends_on{where}"
        assert why in refused.value.detail
    save(key="a", depends_on=["b", "c"])


def test_a_whole_turn_of_the_graph_is_accepted_when_it_is_made_at_once(payments: Team) -> None:
    for key in ("a", "b"):
        build.service(key, team=payments)
    save(key="a", depends_on=["b"])
    with transaction():
        set_dependencies({"a": [], "b": ["a"]}, by=OPERATOR)
    assert queries.service_document(queries.service_by_key("b"))["depends_on"] == ["a"]
    assert queries.service_document(queries.service_by_key("a"))["depends_on"] == []


def test_a_circle_through_a_private_team_does_not_name_its_service(ana: User, payments: Team) -> None:
    hidden = build.team("hidden", private=True)
    for key, team in (("mine", payments), ("theirs", hidden), ("end", payments)):
        build.service(key, team=team)
    with transaction():
        set_dependencies({"mine": ["theirs"], "theirs": ["end"]}, by=OPERATOR)
    with pytest.raises(Invalid, match="end → mine → a service you cannot see → end"):
        save(acting(ana), key="end", depends_on=["mine"])


def test_archiving_asks_first_when_others_stand_on_it(payments: Team) -> None:
    for key in ("checkout", "ledger"):
        build.service(key, team=payments)
    save(key="checkout", depends_on=["ledger"])
    ledger = queries.service_by_key("ledger")
    with pytest.raises(Conflict, match="dependents: checkout"), transaction():
        archive_service(ledger, by=OPERATOR)
    with transaction():
        assert archive_service(ledger, by=OPERATOR, confirmed=True).lifecycle == "archived"


def test_a_service_that_was_never_used_is_deleted_and_any_other_stays_in_the_archive(payments: Team) -> None:
    """CAT-06"""
    for key in ("fresh", "known"):
        build.service(key, team=payments)
    build.incident(service=queries.service_by_key("known"))
    for key in ("fresh", "known"):
        with transaction():
            remove_service(queries.service_by_key(key), by=OPERATOR)
    assert queries.service_by_key("fresh") is None
    assert queries.service_by_key("known").lifecycle == "archived"
    assert "Fresh, which was never used" in said()[-2]


def test_archiving_names_open_incidents_and_dependents(payments: Team) -> None:
    """CAT-04"""
    for key in ("checkout", "ledger"):
        build.service(key, team=payments)
    save(key="checkout", depends_on=["ledger"])
    incident = build.incident(service=queries.service_by_key("ledger"))
    with pytest.raises(Conflict) as refused, transaction():
        archive_service(queries.service_by_key("ledger"), by=OPERATOR)
    assert refused.value.state == {"dependents": ["checkout"], "open incidents": [f"#{incident.id}"]}


def test_a_service_is_offered_and_the_other_teams_manager_takes_it(ana: User, bob: User, payments: Team) -> None:
    """CAT-08"""
    shop = build.team("shop", manager=bob)
    service = build.service("checkout", team=payments)
    with transaction():
        assert hand_over(service, shop, by=acting(ana)) is False
    assert service.team == payments
    with pytest.raises(Forbidden), transaction():
        answer_offer(service, accepted=True, by=acting(ana))
    with transaction():
        answer_offer(service, accepted=True, by=acting(bob))
    assert (service.team.key, service.offered_team) == ("shop", None)
    changed = session.scalars(select(Event).where(Event.kind == "service.changed")).one()
    assert (changed.data["before"], changed.data["after"]) == ({"team": "payments"}, {"team": "shop"})
    assert {payments.ref, shop.ref} <= set(changed.also)


def test_who_manages_both_teams_hands_over_at_once(ana: User, payments: Team) -> None:
    shop = build.team("shop", manager=ana)
    service = build.service("checkout", team=payments)
    with transaction():
        assert hand_over(service, shop, by=acting(ana)) is True
    assert service.team.key == "shop"


def test_an_archived_team_gets_no_service_back(payments: Team) -> None:
    """CAT-05"""
    build.service("checkout", team=payments, lifecycle="archived")
    with transaction():
        session.merge(payments).archived_at = clock.now()
    with pytest.raises(Invalid, match="Its team Payments is archived"):
        save(key="checkout", lifecycle="active")


@pytest.mark.parametrize("links", [[{"name": "x", "url": "javascript:alert(1)"}], [{"url": "https://a b"}], ["https://x"],
                                   [{"url": "https://x.example"}] * 21])
def test_a_link_leads_to_the_web_or_nowhere(payments: Team, links: list[Any]) -> None:
    with pytest.raises(Invalid) as refused:
        save(key="checkout", name="Checkout", team="payments", links=links)
    assert [problem.field for problem in refused.value.problems] == ["links"]


@pytest.mark.race(rounds=200)
@pytest.mark.both_databases
def test_two_edits_at_once_that_would_close_a_circle_store_one_edge(app: Flask, payments: Team) -> None:
    """CAT-15"""
    for key in ("a", "b"):
        build.service(key, team=payments)
    for _ in range(200):
        refused = at_once(app, [("a", ["b"]), ("b", ["a"])])
        assert [type(error) for error in refused] == [Invalid]
        assert session.scalar(select(func.count()).select_from(ServiceDependency)) == 1
        with transaction():
            set_dependencies({"a": [], "b": []}, by=OPERATOR)


@pytest.mark.both_databases
def test_of_many_who_add_one_key_at_once_one_succeeds_and_nobody_sees_a_fault(app: Flask, payments: Team) -> None:
    refused = at_once(app, [("Checkout", None), ("checkout", None), ("CHECKOUT", None)] * 4)
    assert all(isinstance(error, Conflict) for error in refused)
    assert session.scalar(select(func.count()).select_from(Service)) == 1


def at_once(app: Flask, edits: list[tuple[str, list[str] | None]]) -> list[Exception]:
    """What was refused when these edits start together."""
    refused: list[Exception] = []
    ready = threading.Barrier(len(edits))

    def edit(key: str, needs: list[str] | None) -> None:
        values: dict[str, Any] = {"key": key, "name": "Checkout", "team": "payments"}
        with app.app_context():
            ready.wait()
            try:
                save(**values if needs is None else {"key": key, "depends_on": needs})
            except Exception as error:  # noqa: BLE001 - what failed is what the test looks at
                refused.append(error)
            finally:
                session.remove()
    threads = [threading.Thread(target=edit, args=one) for one in edits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.rollback()
    return refused
