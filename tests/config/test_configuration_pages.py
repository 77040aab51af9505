"""The page of the document: what was applied, what changed since, and a plan before the next apply."""

from __future__ import annotations

import io

import pytest
import yaml
from sqlalchemy import func, select

from app.catalog.queries import service_by_key
from app.catalog.service import save_service
from app.config import managed, service
from app.config.document import load
from app.config.models import AppliedDocument, Errand
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.events import Event
from app.identity.queries import team_by_key
from app.webhooks.queries import webhook_by_key
from app.webhooks.service import remove_webhook
from tests import build
from tests.config.documents import EXAMPLE, apply

SHOP = {"services": [{"key": "shop", "name": "Shop", "team": "payments"}]}


def brought(document, name="shop.yaml", **more):
    text = document if isinstance(document, str) else yaml.safe_dump({"version": 1, **document})
    return {"files": (io.BytesIO(text.encode()), name), **more}


def planned(browser, document, **more):
    answer = browser.post("/configuration/plan", data=brought(document, **more))
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def test_a_document_is_looked_at_before_it_is_applied(signed_in, olga, payments):
    """MIG-08, MIG-12: the page takes the road of the command; what was applied is told."""
    browser = signed_in(olga)
    plan = planned(browser, SHOP)
    assert "Created" in browser.get(plan).text and service_by_key("shop") is None
    assert browser.post(f"{plan}/apply").headers["Location"] == "/configuration"
    assert service_by_key("shop").name == "Shop"
    page = browser.get("/configuration").text
    assert "shop.yaml" in page and "Everything is as its document said" in page
    assert browser.post(f"{plan}/apply").status_code == 409


def test_what_is_changed_by_hand_is_drift_and_its_page_says_whose_document_it_is(signed_in, olga, payments):
    """A thing that a document named carries a mark; what the document did not name is no drift."""
    apply(SHOP)
    with transaction():
        save_service({"key": "shop", "name": "Market", "description": "Ours"}, by=OPERATOR)
    found = managed.drift(OPERATOR)[1]
    assert [(one.key, dict(one.fields)) for one in found] == [("shop", {"name": ("Shop", "Market")})]
    browser = signed_in(olga)
    assert "Market" in browser.get("/configuration").text
    for address in ("/services/shop", "/services/shop/edit"):
        assert "Managed by a.yaml" in browser.get(address).text
    assert "Managed by" not in browser.get("/teams/payments").text


def test_what_is_removed_by_hand_is_drift_and_the_next_apply_brings_it_back(app, payments):
    apply({"webhooks": [{"key": "bus", "url": "https://bus.example.com/", "events": ["*"], "team": "payments"}]})
    with transaction():
        remove_webhook(webhook_by_key("bus"), by=OPERATOR)
    assert [(one.key, one.gone) for one in managed.drift(OPERATOR)[1]] == [("bus", True)]


def test_what_an_apply_removes_or_no_longer_names_once_it_is_gone_stands_under_no_document(app, payments):
    """It is meant to be gone: nobody is told of it as a change by hand for ever."""
    def bus(key):
        return {"key": key, "url": "https://bus.example.com/", "events": ["*"], "team": "payments"}
    apply({"webhooks": [bus(f"b{number}") for number in range(6)]})
    apply({"webhooks": [bus(f"b{number}") for number in range(5)]}, prune=True)
    with transaction():
        remove_webhook(webhook_by_key("b4"), by=OPERATOR)
    service.apply(load([("other.yaml", b"version: 1\nwebhooks: []\n")]))
    assert [one.key for one in managed.drift(OPERATOR)[1]] == ["b4"]
    apply({"webhooks": [bus("b0")]})
    assert managed.drift(OPERATOR) == (4, [])


def test_each_fault_is_listed_with_its_line_and_path(signed_in, olga, payments):
    """MIG-03: all of them, and nothing is changed."""
    text = "version: 1\nservices:\n- {key: shop, name: Shop, team: payments, colour: red}\n- {key: b, name: B, team: nobody}\n"
    answer = signed_in(olga).post("/configuration/plan", data=brought(text))
    assert answer.status_code == 422 and "2 faults" in answer.text
    assert "shop.yaml:3:" in answer.text and "services[0]" in answer.text and "services[1]" in answer.text
    assert session.scalar(select(func.count()).select_from(Errand)) == 0


def test_references_to_the_machine_are_refused_from_the_page(signed_in, olga, payments, monkeypatch):
    """MIG-09: only an operator reads environment and files."""
    monkeypatch.setenv("HIDDEN", "very-secret-value-0123")
    text = {"integrations": [{"key": "prom", "plugin": "webhook", "team": "payments", "token": "${env:HIDDEN}"}]}
    answer = signed_in(olga).post("/configuration/plan", data=brought(text))
    assert answer.status_code == 422 and "oncall apply" in answer.text and "very-secret" not in answer.text


def test_a_manager_applies_what_is_the_own_teams_and_nothing_else(signed_in, ana, bob, payments, charlie):
    """MIG-12: everything else is listed as refused, and nothing is applied."""
    build.team("others", manager=charlie)
    browser = signed_in(ana)
    both = {"services": [*SHOP["services"], {"key": "theirs", "name": "Theirs", "team": "others"}]}
    answer = browser.post("/configuration/plan", data=brought(both))
    assert answer.status_code == 422 and "services[1]" in answer.text and "services[0]" not in answer.text
    assert browser.post(f"{planned(browser, SHOP)}/apply").status_code == 303 and service_by_key("shop")
    written = yaml.safe_load(browser.get("/configuration/export").text)
    assert [team["key"] for team in written["teams"]] == ["payments"] and "users" not in written
    assert signed_in(bob).get("/configuration").status_code == 403


def test_a_prune_by_a_manager_leaves_other_teams_alone(signed_in, ana, payments, charlie):
    """MIG-05, MIG-12; and much needs a tick of its own."""
    for key, team in (("a1", payments), ("b1", build.team("others", manager=charlie))):
        build.service(key, team=team)
    browser = signed_in(ana)
    plan = planned(browser, SHOP, prune="1")
    assert "This would remove 1 of 1 services: a1" in browser.get(plan).text
    assert browser.post(f"{plan}/apply").status_code == 409
    assert browser.post(f"{plan}/apply", data={"yes": "1"}).status_code == 303
    assert service_by_key("a1") is None and service_by_key("b1").lifecycle == "active"


def test_a_plan_that_is_no_longer_true_is_made_anew(signed_in, olga, payments):
    """MIG-08: an apply over what somebody changed meanwhile shows it first."""
    apply(SHOP)
    browser = signed_in(olga)
    plan = planned(browser, {"services": [{"key": "shop", "name": "Bazaar", "team": "payments"}]})
    with transaction():
        save_service({"key": "shop", "name": "Bazaar"}, by=OPERATOR)
    answer = browser.post(f"{plan}/apply")
    assert answer.status_code == 409 and "somebody changed something meanwhile" in answer.text
    assert "Nothing to change" in browser.get(plan).text


def test_a_plan_warns_of_no_service_that_its_maker_may_not_see(signed_in, ana, payments, charlie):
    """MIG-12: a private team's services are nobody else's, not even in a warning."""
    build.service("hidden", team=build.team("others", manager=charlie, private=True))
    page = signed_in(ana).get(planned(signed_in(ana), SHOP)).text
    assert "service shop: its policy reaches nobody" in page and "service hidden" not in page


def test_somebody_else_sees_no_plan_of_mine(signed_in, olga, ana, charlie, payments):
    build.team("others", manager=charlie)
    plan = planned(signed_in(ana), SHOP)
    assert signed_in(charlie).get(plan).status_code == 404
    assert signed_in(olga).get(plan).status_code == 200
    assert "shop" not in session.scalar(select(Errand.sealed))


@pytest.mark.both_databases
def test_machines_export_plan_and_apply(client, token, olga, payments):
    """MIG-04, MIG-12: the second time nothing changes, and no fact is written."""
    head = token(olga)
    body = {"document": {"version": 1, **SHOP}, "name": "ci"}
    plan = client.post("/api/v1/configuration/plan", json=body, headers=head)
    assert [one["action"] for one in plan.json["changes"]] == ["created"] and service_by_key("shop") is None
    assert client.post("/api/v1/configuration/apply", json=body, headers=head).json["changes"][0]["key"] == "shop"
    facts = session.scalar(select(func.count()).select_from(Event))
    assert client.post("/api/v1/configuration/apply", json=body, headers=head).json["changes"] == []
    assert session.scalar(select(func.count()).select_from(Event)) == facts
    state = client.get("/api/v1/configuration/state", headers=head).json
    assert (state["last"]["files"], state["managed"], state["drift"]) == (["ci"], 1, [])
    wrong = client.post("/api/v1/configuration/apply", json={"document": "version: 1\nteams: 3\n"}, headers=head)
    assert wrong.status_code == 422 and wrong.json["errors"][0]["field"].startswith("document:2:")


def test_a_token_that_may_only_read_applies_nothing(client, token, olga):
    head = token(olga, scopes=["config:read"])
    assert client.get("/api/v1/configuration", headers=head).json["version"] == 1
    assert client.post("/api/v1/configuration/apply", json={"document": {"version": 1}}, headers=head).status_code == 403


def test_a_whole_export_stands_under_its_document(app):
    """MIG-01: applied again, nothing has changed since."""
    apply(EXAMPLE)
    apply(service.export())
    assert managed.drift(OPERATOR) == (8, [])
    assert session.scalar(select(func.count()).select_from(AppliedDocument)) == 2
    assert team_by_key("payments")
