"""Routes from the page, the API and the document, and what they do to signals on their way."""

import pytest

from app.config import service as config
from app.config.document import load
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents.models import Alert, Incident
from app.ingest import route_store
from app.ingest.models import Route, RouteHits
from tests import build
from tests.pager import firing, incident, pager, post


def routes(*several):
    """Save them, in this order."""
    with transaction():
        for values in several:
            route_store.save_route(values, by=OPERATOR)


def names():
    session.expire_all()
    return [one.name for one in route_store.all_routes()]


@pytest.fixture
def house(app):
    made = pager()
    build.service("batch", team=made.team)
    build.integration("plain", team=made.team)
    return made


@pytest.mark.both_databases
def test_a_route_changes_a_signal_and_chooses_its_service(app, house, client, run_jobs):
    """ESC-14: the incident tells the step, the rule and the values that chose it, and those that did not."""
    routes({"name": "not this", "when": {"labels.env": "dev"}, "then": {"suppress": True}},
           {"name": "nightly", "when": {"title": "re:^Batch"}, "then": {"service": "batch", "severity": "low"}})
    client.post("/in/token-of-plain-0123456789", json={"title": "Batch 7 is late", "severity": "high"})
    run_jobs()
    found = incident()
    assert (found.service.key, found.severity, found.urgency) == ("batch", "low", "low")
    assert found.route["step"] == "rule" and found.route["reason"] == "Routed by the route nightly"
    assert [(one["rule"], one["matched"]) for one in found.route["routes"]] == [("not this", False), ("nightly", True)]


@pytest.mark.both_databases
def test_what_a_route_suppresses_is_stored_counted_and_found_but_opens_nothing(app, house, client, token, run_jobs):
    """ESC-18: the route tells how many it suppressed."""
    routes({"name": "staging never pages", "when": {"labels.env": "staging"}, "then": {"suppress": True}})
    for _ in range(3):
        post(client, house, firing(env="staging"))
    run_jobs()
    found = client.get("/api/v1/alerts", headers=token(house.ana)).json["items"]
    assert [(one["count"], one["incident"], one["status"]) for one in found] == [(3, None, "firing")]
    assert session.query(Incident).count() == 0
    assert [(row.number, row.suppressed) for row in session.query(RouteHits)] == [(3, 3)]


def test_a_problem_that_is_no_longer_suppressed_opens_an_incident_with_its_next_signal(app, house, client, run_jobs):
    routes({"name": "quiet", "then": {"suppress": True}})
    post(client, house, firing())
    run_jobs()
    with transaction():
        route_store.remove_route(route_store.route_by_name("quiet"), by=OPERATOR)
    post(client, house, firing())
    run_jobs()
    assert incident().alert_count == 1 and session.query(Alert).one().incident_id == 1


def test_a_recovery_finds_its_problem_also_when_a_route_counts_by_another_key(app, house, client, run_jobs):
    routes({"name": "by job", "when": {"severity": "critical"}, "then": {"dedup_key": "{labels.job}"}})
    for status in ("firing", "resolved"):
        post(client, house, firing(job="backup", status=status))
        run_jobs()
    assert incident().status == "resolved"


def test_the_order_of_the_document_is_the_order_of_the_table(app):
    """ESC-17: all at once; applying it again changes nothing."""
    text = b"version: 1\nroutes:\n" + b"".join(
        b"  - {name: %s, when: {severity: low}, then: {urgency: low}}\n" % name for name in (b"b", b"a", b"c"))
    config.apply(load([("r.yaml", text)]))
    assert names() == ["b", "a", "c"]
    assert not config.apply(load([("r.yaml", text)])).changes
    turned = text.replace(b"name: b", b"name: z").replace(b"name: a", b"name: b").replace(b"name: z", b"name: a")
    assert [str(one) for one in config.apply(load([("r.yaml", turned)])).changes] == ["changed routes all: order"]
    assert [one["name"] for one in config.export()["routes"]] == ["a", "b", "c"] == names()


def test_a_machine_reads_writes_and_orders_routes(app, house, olga, client, token):
    headers = token(olga)
    for name in ("one", "two words"):
        made = client.post("/api/v1/routes", headers=headers, json={"name": name, "then": {"service": "CHECKOUT"}})
        assert made.status_code == 201 and made.json["then"] == {"service": "checkout"}
    told = client.put("/api/v1/routes", headers=headers, json={"names": ["two words"]})
    assert told.json == {"names": ["two words", "one"]}
    bad = client.patch("/api/v1/routes/two%20words", headers=headers, json={"when": {"title": "re:("}})
    assert (bad.status_code, bad.json["errors"][0]["field"]) == (422, "when.title")
    assert client.put("/api/v1/routes", headers=headers, json={"names": ["one", "none"]}).status_code == 422
    assert client.put("/api/v1/routes", headers=token(house.ana), json={"names": []}).status_code == 403


def test_an_admin_writes_a_route_on_the_page_and_moves_it(app, house, olga, signed_in):
    routes({"name": "first", "then": {"severity": "low"}})
    browser = signed_in(olga)
    typed = {"name": "nightly", "field-0": "labels.env", "value-0": "prod*, re", "from": "25:00", "service": "batch"}
    refused = browser.post("/routes/-/new", data=typed)
    assert refused.status_code == 422 and "Write a time like 22:00" in refused.text and 'value="prod*, re"' in refused.text
    assert browser.post("/routes/-/new", data={**typed, "from": "22:00"}).status_code == 303
    browser.post("/routes/nightly/up")
    assert names() == ["nightly", "first"]
    assert route_store.route_by_name("nightly").when == {"labels.env": ["prod*", "re"], "from": "22:00"}


def test_a_route_to_a_service_of_a_private_team_is_not_told_to_others(app, house, bob_outside, client, token):
    secret = build.team("secret", private=True)
    build.service("vault", team=secret)
    routes({"name": "to the vault", "then": {"service": "vault"}})
    headers = token(bob_outside)
    assert client.get("/api/v1/routes", headers=headers).json["items"] == []
    assert client.get("/api/v1/routes/to%20the%20vault", headers=headers).status_code == 404


@pytest.fixture
def bob_outside(app):
    return build.user("charlie")


def test_a_route_is_tested_with_the_last_deliveries_before_it_is_saved(app, house, olga, client, signed_in, run_jobs):
    """Spec 04, Routes: the difference to the saved rules, and nothing is changed by asking."""
    for name in ("Late", "Other"):
        post(client, house, firing(name))
    run_jobs()
    page = signed_in(olga).post("/routes/-/new", data={
        "name": "late ones", "field-0": "title", "value-0": "Late*", "service": "batch", "override": "1", "action": "test"}).text
    assert "2 signals, 1 fit this route, 1 would go otherwise" in page
    assert "<td>Checkout</td><td>Batch</td>" in page
    assert session.query(Route).count() == 0
    refused = signed_in(olga).post("/routes/-/new", data={"name": "x", "field-0": "title", "value-0": "re:(", "action": "test"})
    assert refused.status_code == 422
