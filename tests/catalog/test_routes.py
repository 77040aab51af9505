"""The pages of the catalogue: who sees what, what a form says, and where it leads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.catalog.queries import service_by_key, service_document
from app.catalog.service import save_service
from app.core.access import OPERATOR
from app.core.db import transaction
from app.identity.models import Team, User
from tests import build

SignedIn = Callable[[User], FlaskClient]


def test_an_empty_catalogue_says_why_and_offers_the_first_step_to_who_may(
        ana: User, charlie: User, payments: Team, signed_in: SignedIn) -> None:
    assert "Add a service" in signed_in(ana).get("/services").text
    assert "Add a service" not in signed_in(charlie).get("/services").text


def test_the_filters_combine_and_stay_in_the_address(ana: User, payments: Team, signed_in: SignedIn) -> None:
    shop = build.team("shop")
    build.service("checkout", team=payments, tags=["tier1"], description="Takes 100% of money")
    build.service("ledger", team=payments, lifecycle="deprecated")
    build.service("gone", team=payments, lifecycle="archived")
    build.service("front", team=shop, tags=["tier1", "Größe"])
    browser = signed_in(ana)

    def shown(query: str) -> set[str]:
        text = browser.get(f"/services?{query}").text
        return {key for key in ("checkout", "ledger", "gone", "front") if f"/services/{key}\"" in text}
    assert shown("") == {"checkout", "ledger", "front"}
    assert shown("team=payments") == {"checkout", "ledger"}
    assert shown("team=payments&tag=tier1") == {"checkout"}
    assert shown("lifecycle=archived") == {"gone"}
    assert shown("lifecycle=all&q=E") == {"checkout", "ledger", "gone", "front"}
    assert shown("q=100%25") == {"checkout"} and shown("q=1_0") == set()
    assert shown("tag=Gr%C3%B6%C3%9Fe") == {"front"}


def test_a_manager_adds_a_service_and_lands_on_its_page(ana: User, payments: Team, signed_in: SignedIn) -> None:
    build.service("ledger", team=payments)
    browser = signed_in(ana)
    answer = browser.post("/services/-/new", data={
        "key": "checkout", "name": "Checkout", "team": "payments", "tags": "tier1, pci", "depends_on": "LEDGER"})
    assert (answer.status_code, answer.location) == (303, "/services/checkout")
    page = browser.get("/services/checkout").text
    assert "Ana added the service Checkout" in page and "/services/ledger" in page
    assert service_document(service_by_key("checkout"))["tags"] == ["tier1", "pci"]


def test_a_refused_form_keeps_what_was_typed_and_says_why(ana: User, payments: Team, signed_in: SignedIn) -> None:
    answer = signed_in(ana).post("/services/-/new", data={"key": "a b", "name": "My <b>name</b>", "team": "payments",
                                                          "depends_on": "nothing"})
    assert answer.status_code == 422
    assert "A service key starts with" in answer.text and "My &lt;b&gt;name" in answer.text


def test_an_edit_that_would_close_a_circle_names_it_and_changes_nothing(
        ana: User, payments: Team, signed_in: SignedIn) -> None:
    for key in ("one", "two"):
        build.service(key, team=payments)
    with transaction():
        save_service({"key": "one", "depends_on": ["two"]}, by=OPERATOR)
    form = {"name": "Renamed", "team": "payments", "depends_on": "one", "lifecycle": "active"}
    answer = signed_in(ana).post("/services/two/edit", data=form)
    assert answer.status_code == 422 and "two → one → two" in answer.text
    assert service_by_key("two").name == "Two"


@pytest.mark.parametrize("path", ["/services/-/new", "/services/checkout/edit"])
def test_who_may_not_edit_is_told_so(bob: User, payments: Team, signed_in: SignedIn, path: str) -> None:
    build.service("checkout", team=payments)
    browser = signed_in(bob)
    assert browser.get(path).status_code == 403
    assert browser.post(path, data={"key": "x1", "name": "Xx", "team": "payments"}).status_code == 403
    assert "Edit" not in browser.get("/services/checkout").text


def test_archiving_takes_it_out_of_the_directory_and_says_so_on_its_page(
        ana: User, payments: Team, signed_in: SignedIn) -> None:
    build.service("checkout", team=payments)
    browser = signed_in(ana)
    assert browser.post("/services/checkout/archive").status_code == 303
    assert "Archived" in browser.get("/services/checkout").text
    assert "/services/checkout\"" not in browser.get("/services").text


def test_a_private_teams_service_is_not_there_for_others(ana: User, charlie: User, signed_in: SignedIn) -> None:
    hidden = build.team("hidden", manager=ana, private=True)
    build.service("secret", team=hidden)
    browser = signed_in(charlie)
    assert browser.get("/services/secret").status_code == 404
    assert "/services/secret" not in browser.get("/services?lifecycle=all&q=secre").text


def test_markup_in_names_is_shown_as_text(ana: User, payments: Team, signed_in: SignedIn) -> None:
    build.service("odd", team=payments, name="<script>alert(1)</script>", tags=["\"><img src=x>", "\u202eevil"])
    for path in ("/services", "/services/odd"):
        text = signed_in(ana).get(path).text
        assert "<script>alert" not in text and "<img src=x" not in text


def test_the_page_says_who_is_paged_now_level_by_level_and_what_is_open(
        ana: User, bob: User, payments: Team, signed_in: SignedIn) -> None:
    policy = build.policy("paying", (300, [ana]), (600, [bob, payments]), team=payments)
    checkout = build.service("checkout", team=payments, policy=policy)
    build.incident("Cards fail", service=checkout, severity="critical")
    browser = signed_in(ana)
    page = browser.get("/services/checkout").text
    assert "level 1, at once" in page and "Bob, Ana" in page and "level 2, after 5 min" in page
    assert "Policy Paying, its own" in page and "Cards fail" in page
    listed = browser.get("/services").text
    assert "On duty now" in listed and "Critical" in listed
